"""``/_sandbox``: setting the sandbox up, looking into it, and making things go wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from airflow_provider_sender.sandbox import overview
from airflow_provider_sender.sandbox.account.seeding import SeedRow
from airflow_provider_sender.sandbox.faults import AnyFault
from airflow_provider_sender.sandbox.sendara import controls as sendara
from airflow_provider_sender.sandbox.sender.messages import KIND as MESSAGE
from airflow_provider_sender.sandbox.sendpulse import control as sendpulse
from airflow_provider_sender.sandbox.service import Service
from airflow_provider_sender.sandbox.state import State

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Asked = TypeVar("Asked")
_ROWS_AT_ONCE = 1_000


class _Seed(msgspec.Struct, forbid_unknown_fields=True):
    subscribers: Annotated[int, msgspec.Meta(ge=0)] = 0
    rows: list[SeedRow] = []


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    advance: Annotated[float, msgspec.Meta(ge=0)]


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Answer input that means nothing with 422 and what is wrong with it."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (msgspec.MsgspecError, ValueError) as error:
            return _json({"message": str(error)}, 422)

    return answer


async def _read(request: Request, type: type[Asked]) -> Asked:
    return msgspec.json.decode(await request.body() or b"{}", type=type)


class Control:
    """The endpoints.

    :param state: the sandbox.
    :param service: whose form subscribers are shown in.
    :param others: the other services there are.
    """

    def __init__(self, state: State, service: Service, others: Sequence[Service] = ()) -> None:
        self._state = state
        self._service = service
        self._services = (service, *others)

    @property
    def routes(self) -> list[Route]:
        """All of them."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/health", self._health),
            ("POST", "/reset", self._reset),
            ("POST", "/seed", self._seed),
            ("GET", "/settings", self._settings),
            ("PATCH", "/settings", self._change_settings),
            ("GET", "/counters", self._counters),
            ("GET", "/mails", self._mails),
            ("GET", "/messages", self._messages),
            ("GET", "/requests", self._requests),
            ("GET", "/subscribers", self._subscribers),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._order_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/clock", self._advance),
            ("GET", "/overview", self._overview),
            ("POST", "/sendara/failures", self._fail_broadcast),
            ("POST", "/sendara/deliveries", self._sign_delivery),
            *sendpulse.routes(self._state),
        ]
        return [Route(path, _guarded(endpoint), methods=[method]) for method, path, endpoint in table]

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def _reset(self, request: Request) -> Response:
        asked = await _read(request, dict[str, object])
        subscribers = msgspec.convert(asked.pop("subscribers", 0), Annotated[int, msgspec.Meta(ge=0)])
        self._state.reset(self._state.base_settings.changed(asked), subscribers)
        return await self._settings(request)

    async def _seed(self, request: Request) -> Response:
        asked, account = await _read(request, _Seed), self._state.account
        with account.database.transaction():
            account.seeding.people(asked.subscribers, account.now)
            account.seeding.rows(asked.rows, account.now)
        return _json({"subscribers": account.subscribers.count()})

    async def _settings(self, request: Request) -> Response:
        return _json(self._state.account.settings)

    async def _change_settings(self, request: Request) -> Response:
        account = self._state.account
        account.settings = account.settings.changed(await _read(request, dict[str, object]))
        return await self._settings(request)

    async def _counters(self, request: Request) -> Response:
        self._settle()
        return _json(overview.counters(self._state, self._services))

    async def _mails(self, request: Request) -> Response:
        asked = request.query_params.get("campaign_id", "")
        number = overview.campaign_number(self._state, self._services, asked)
        return _json({} if number is None else self._state.account.mails.per_recipient(number))

    async def _messages(self, request: Request) -> Response:
        return _json([message.body for message in self._state.account.documents.all(MESSAGE)])

    async def _requests(self, request: Request) -> Response:
        return _json(self._state.traffic.latest(int(request.query_params.get("limit", "100"))))

    async def _subscribers(self, request: Request) -> Response:
        self._settle()
        account, email = self._state.account, request.query_params.get("email")
        if email is not None:
            found = account.subscribers.find(email)
            numbers = [] if found is None else [found.number]
        else:
            numbers = account.subscribers.all_numbers()

        async def lines() -> AsyncIterator[bytes]:
            for start in range(0, len(numbers), _ROWS_AT_ONCE):
                elements = self._service.rendered(account, numbers[start : start + _ROWS_AT_ONCE])
                yield b"".join(element + b"\n" for element in elements)

        return StreamingResponse(lines(), media_type="application/jsonl")

    async def _faults(self, request: Request) -> Response:
        return _json(overview.faults(self._state))

    async def _order_fault(self, request: Request) -> Response:
        self._state.faults.order(await _read(request, AnyFault))  # type: ignore[arg-type]  # a union is no type
        return _json(overview.faults(self._state)[-1], 201)

    async def _clear_faults(self, request: Request) -> Response:
        self._state.faults.clear()
        return _json([])

    async def _advance(self, request: Request) -> Response:
        self._state.advance((await _read(request, _Advance)).advance)
        return _json({"now": self._state.clock.now()})

    async def _overview(self, request: Request) -> Response:
        self._settle()
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        return _json(overview.overview(self._state, self._services, base_url))

    async def _fail_broadcast(self, request: Request) -> Response:
        self._settle()
        asked, account = await _read(request, sendara.Failing), self._state.account
        with account.database.transaction():
            return _json(sendara.fail_broadcast(account, asked))

    async def _sign_delivery(self, request: Request) -> Response:
        asked, account = await _read(request, sendara.Delivering), self._state.account
        with account.database.transaction():
            return _json(sendara.sign_delivery(account, asked))

    def _settle(self) -> None:
        account = self._state.account
        with account.database.transaction():
            account.settle()
