"""Sendara as one of the sandbox's services: its routes and its manners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.ratelimit import Window
from airflow_provider_sender.sandbox.sendara import (
    broadcasts,
    contacts,
    domains,
    imports,
    keys,
    lists,
    messages,
    people,
    replies,
    sending,
    suppressions,
    templates,
    trial_recipients,
    uploads,
    usage,
    webhooks,
)
from airflow_provider_sender.sandbox.service import Quota, Routes
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Reply

_PARTS = (
    contacts,
    imports,
    lists,
    broadcasts,
    sending,
    messages,
    suppressions,
    templates,
    domains,
    keys,
    usage,
    webhooks,
    trial_recipients,
    uploads,
)


class Sendara:
    """The REST API v1 of sendara.dev."""

    name = people.SERVICE
    mount = "/sendara"
    login = ""
    routes = Routes(chain.from_iterable(part.ROUTES for part in _PARTS))

    def turned_away(self, call: Call, account: Account) -> Reply | None:
        """A caller without a key of the account gets 401."""
        if keys.key_of(account, call) is None:
            return replies.error("unauthorized", "Missing or invalid API key", 401)
        return None

    def campaign_id(self, number: int) -> str:
        """A broadcast's id."""
        return "bc_" + campaign_id(number)

    def quotas(self, settings: Settings) -> Sequence[Quota]:
        """One second that slides, shared by all keys of the account."""
        if settings.sendara_requests_per_second is None:
            return ()
        return (Quota("", settings.sendara_requests_per_second, 1.0, is_sliding=True),)

    def rate_headers(self, window: Window, settings: Settings) -> dict[str, str]:
        """The three headers; the reset is in seconds since the epoch."""
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(math.ceil(window.resets_at)),
        }

    def too_many_requests(self, window: Window, settings: Settings) -> Reply:
        """429, with the seconds to wait unless the knob keeps them back."""
        reply = replies.error("rate_limit_exceeded", "Too many requests", 429)
        if settings.retry_after:
            reply.headers = {"Retry-After": str(window.seconds_left)}
        return reply

    def failure(self, status: int, message: str) -> Reply:
        """An error in Sendara's envelope."""
        return replies.failure(status, message)

    def invalid(self, errors: dict[str, list[str]]) -> Reply:
        """400; only the first wrong field is named."""
        name, messages = next(iter(errors.items()), ("body", ["is invalid"]))
        return replies.failure(400, f"{name}: {messages[0] if messages else 'is invalid'}")

    def finished(self, reply: Reply, settings: Settings) -> Reply:
        """With its request id."""
        return replies.finished(reply, settings)

    def rendered(self, account: Account, numbers: Sequence[int]) -> list[bytes]:
        """Subscribers as contacts."""
        return people.rendered(account, numbers)
