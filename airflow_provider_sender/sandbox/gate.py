"""The way of one call to a service: token, rate limit, faults, the service itself, and back out.

Handlers are plain functions that run to their end without a pause, inside one transaction. So "before
committing" and "after committing" are exact places in this file, and no two calls ever see each other half
done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from airflow_provider_sender.sandbox.answering import close, send_reply, send_truncated
from airflow_provider_sender.sandbox.faults import (
    AddSubscribers,
    AnyFault,
    Delay,
    DelayAfter,
    DeleteSubscribers,
    DropAfter,
    DropBefore,
    Garble,
    RateLimited,
    Refuse,
    Reject,
    Status,
    Truncate,
)
from airflow_provider_sender.sandbox.service import Route, Service
from airflow_provider_sender.sandbox.state import State
from airflow_provider_sender.sandbox.traffic import LoggedRequest
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply, path_segments

_log = logging.getLogger(__name__)


class Gate:
    """An ASGI application that serves one service.

    :param service: the service.
    :param state: the sandbox it is part of.
    """

    def __init__(self, service: Service, state: State) -> None:
        self._service = service
        self._state = state
        self._depth = len(path_segments(service.mount.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call."""
        call = await self._read(scope, receive)
        state, started = self._state, time.perf_counter()
        end = state.end
        routes = self._service.routes.of(call.segments)
        matched = next((found for found in routes if found[0].method == call.method), None)
        if matched is not None:
            call.parameters = matched[1]
        known = matched or (routes[0] if routes else None)
        number = state.traffic.count(f"{call.method} {known[0].template if known else '(unknown)'}")
        headers: dict[str, str] = {}
        reply = self._service.turned_away(call, state.account)
        is_over_quota = False
        if reply is None:
            headers, reply = self._within_limits()
            is_over_quota = reply is not None
        faults: list[AnyFault] = [] if reply is not None else state.faults.striking(call)
        status: int | None = None
        try:
            if reply is None:
                reply = await self._serve(call, None if matched is None else matched[0], bool(routes), faults)
            if reply is None:
                await close(scope, receive)
            else:
                status = reply.status
                reply = self._service.finished(reply, state.account.settings)
                reply.headers = {**headers, **reply.headers}
                if any(isinstance(fault, Truncate) for fault in faults):
                    await send_truncated(reply, scope, receive, send)
                else:
                    await send_reply(reply, send)
        finally:
            if not end.is_set():
                self._write_down(call, number, status, faults, started, is_over_quota=is_over_quota)

    def _write_down(
        self,
        call: Call,
        number: int,
        status: int | None,
        faults: Sequence[AnyFault],
        started: float,
        *,
        is_over_quota: bool,
    ) -> None:
        kinds = ", ".join(str(fault.__struct_config__.tag) for fault in faults)
        self._state.traffic.log(
            LoggedRequest(
                id=number,
                time=self._state.clock.now(),
                service=self._service.name,
                method=call.method,
                path=call.path,
                query=call.query_string,
                status=status,
                fault=kinds or None,
                milliseconds=round((time.perf_counter() - started) * 1000, 2),
            ),
            is_over_quota=is_over_quota,
        )

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        segments = path_segments(raw_path)[self._depth :]
        return Call(
            method=scope["method"],
            path="/" + "/".join(segments),
            segments=segments,
            query_string=scope["query_string"].decode("latin-1"),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
        )

    async def _serve(self, call: Call, route: Route | None, is_known: bool, faults: Sequence[AnyFault]) -> Reply | None:
        """Have a call served, or spoilt by faults.

        :return: the answer; ``None`` when there is to be none.
        """
        if any(isinstance(fault, DropBefore) for fault in faults):
            return None
        self._change_account(faults)
        if not await self._outlasts(Delay, faults):
            return None
        reply = self._refused_by(faults) or self._answer(call, route, is_known)
        if not await self._outlasts(DelayAfter, faults):
            return None
        if any(isinstance(fault, DropAfter) for fault in faults):
            return None
        if any(isinstance(fault, Garble) for fault in faults):
            return Reply(200, reply.body[: len(reply.body) // 2])
        return reply

    async def _outlasts(self, kind: type[Delay | DelayAfter], faults: Sequence[AnyFault]) -> bool:
        """Wait as long as faults of a kind say.

        :return: whether it is still worth going on: neither a reset nor the sandbox's end came first.
        """
        end = self._state.end
        for fault in faults:
            if isinstance(fault, kind):
                with suppress(TimeoutError):
                    await asyncio.wait_for(end.wait(), fault.seconds)
        return not end.is_set()

    def _within_limits(self) -> tuple[dict[str, str], Reply | None]:
        """Count the call: the rate headers of its answer, and the refusal when it is one too many."""
        service, settings = self._service, self._state.account.settings
        headers: dict[str, str] = {}
        for place, quota in enumerate(service.quotas(settings)):
            limit = self._state.limit_of(service.name, quota)
            window = limit.take(quota.requests, quota.seconds, time.time(), quota.name)
            if place == 0:
                headers = service.rate_headers(window, settings)
            if window.is_exceeded:
                return headers, service.too_many_requests(window, settings)
        return headers, None

    def _change_account(self, faults: Sequence[AnyFault]) -> None:
        account = self._state.account
        with account.database.transaction():
            for fault in faults:
                if isinstance(fault, AddSubscribers):
                    account.seeding.intrude(fault.count, fault.where, account.now)
                elif isinstance(fault, DeleteSubscribers):
                    account.seeding.vanish(fault.count, fault.where)

    def _refused_by(self, faults: Sequence[AnyFault]) -> Reply | None:
        for fault in faults:
            if isinstance(fault, Refuse):
                return self._service.failure(400, fault.message)
            if isinstance(fault, Status):
                return self._as_told(fault)
            if isinstance(fault, RateLimited):
                reply = self._service.failure(429, "Too Many Attempts")
                return Reply(429, reply.body, dict(fault.headers))
            if isinstance(fault, Reject):
                return self._service.invalid(fault.errors)
        return None

    def _answer(self, call: Call, route: Route | None, is_known: bool) -> Reply:
        if route is None:
            message = f"The {call.method} method is not supported for this route." if is_known else "Not found"
            return self._service.failure(405 if is_known else 404, message)
        account = self._state.account
        try:
            with account.database.transaction():
                account.settle()
            with account.database.transaction():
                return route.handler(account, call)
        except Refused as refused:
            return refused.reply
        except Exception:  # a server's last resort: the caller gets a 500 as from any service, the log has the rest
            _log.exception("The sandbox failed on %s %s", call.method, route.template)
            return self._service.failure(500, "Server Error")

    def _as_told(self, fault: Status) -> Reply:
        if isinstance(fault.body, str):
            return Reply(fault.status, fault.body.encode(), dict(fault.headers), "text/html; charset=utf-8")
        if fault.status in (204, 304):
            return Reply(fault.status, b"", dict(fault.headers))
        if fault.body is None:
            return Reply(fault.status, self._service.failure(fault.status, "Server Error").body, dict(fault.headers))
        return Reply(fault.status, json.dumps(fault.body).encode(), dict(fault.headers))
