"""Sender as one of the sandbox's services: its routes and its manners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.ratelimit import Window
from airflow_provider_sender.sandbox.sender import (
    activity,
    campaigns,
    fields,
    groups,
    messages,
    people,
    replies,
    segments,
    statistics,
    subscribers,
    transactional,
    webhooks,
    workflows,
)
from airflow_provider_sender.sandbox.service import Quota, Routes
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Reply

_PARTS = (
    subscribers,
    activity,
    groups,
    fields,
    segments,
    campaigns,
    statistics,
    messages,
    transactional,
    workflows,
    webhooks,
)

_NOT_JSON = b"""<!DOCTYPE html>
<html><head><title>Sender</title></head>
<body><h1>Sender</h1><p>Nothing was done: send the header <code>Accept: application/json</code>.</p></body>
</html>
"""


class Sender:
    """The REST API v2 of sender.net."""

    name = "sender"
    mount = "/sender/v2"
    login = ""
    routes = Routes(chain.from_iterable(part.ROUTES for part in _PARTS))

    def turned_away(self, call: Call, account: Account) -> Reply | None:
        """A caller who does not ask for JSON gets a web page, and one without the token 401."""
        if "json" not in call.headers.get("accept", ""):
            return Reply(200, _NOT_JSON, media_type="text/html; charset=utf-8")
        if call.headers.get("authorization") != f"Bearer {account.token}":
            return replies.failure(401, "Unauthenticated.")
        return None

    def campaign_id(self, number: int) -> str:
        """The account's own public id."""
        return campaign_id(number)

    def quotas(self, settings: Settings) -> Sequence[Quota]:
        """One window, if any."""
        if settings.requests_per_window is None:
            return ()
        return (Quota("", settings.requests_per_window, settings.window_seconds),)

    def rate_headers(self, window: Window, settings: Settings) -> dict[str, str]:
        """The three headers, and the time of the reset in the form the knob says."""
        reset = {
            "iso": datetime.fromtimestamp(window.reset_second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "epoch": str(window.reset_second),
            "delta": str(window.seconds_left),
        }[settings.reset_format]
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": reset,
        }

    def too_many_requests(self, window: Window, settings: Settings) -> Reply:
        """429, with the seconds to wait unless the knob keeps them back."""
        reply = replies.failure(429, "Too Many Attempts")
        if settings.retry_after:
            reply.headers = {"Retry-After": str(window.seconds_left)}
        return reply

    def failure(self, status: int, message: str) -> Reply:
        """An error in Sender's form."""
        return replies.failure(status, message)

    def finished(self, reply: Reply, settings: Settings) -> Reply:
        """As it is."""
        return reply

    def invalid(self, errors: dict[str, list[str]]) -> Reply:
        """422, field by field."""
        return replies.invalid(errors)

    def rendered(self, account: Account, numbers: Sequence[int]) -> list[bytes]:
        """Subscribers as the elements of Sender's lists."""
        return people.rendered(account, numbers)
