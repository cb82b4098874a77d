"""SendPulse as one of the sandbox's services: its routes and its manners."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.ratelimit import Window
from airflow_provider_sender.sandbox.sendpulse import (
    adding,
    addresses,
    blacklist,
    books,
    campaigns,
    events,
    ids,
    members,
    replies,
    senders,
    smtp,
    smtp_lists,
    statistics,
    tags,
    templates,
    tokens,
    user,
    webhooks,
)
from airflow_provider_sender.sandbox.sendpulse.codes import CODES, TOO_FAST
from airflow_provider_sender.sandbox.service import Handler, Quota, Route, Routes
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

_PARTS = (
    tokens,
    user,
    senders,
    books,
    members,
    adding,
    addresses,
    campaigns,
    statistics,
    smtp,
    smtp_lists,
    templates,
    blacklist,
    tags,
    webhooks,
    events,
)
_BURST, _MINUTE, _DAY = "second", "minute", "day"


def _in_its_manner(handler: Handler) -> Handler:
    """The handler of a service that knows nobody outside its lists, and has errors inside HTTP 200."""

    def answer(account: Account, call: Call) -> Reply:
        account.lists.have_everyone_on_one(account.now)
        try:
            return handler(account, call)
        except Refused as refused:
            raise Refused(replies.within_200(account, refused.reply)) from None

    return answer


class SendPulse:
    """The REST API of sendpulse.com, which has no version in its paths."""

    name = "sendpulse"
    mount = "/sendpulse"
    login = tokens.CLIENT_ID
    routes = Routes(
        Route(route.method, route.template, _in_its_manner(route.handler))
        for route in chain.from_iterable(part.ROUTES for part in _PARTS)
    )

    def turned_away(self, call: Call, account: Account) -> Reply | None:
        """401 without the static key or a token that still holds."""
        return tokens.turned_away(account, call)

    def campaign_id(self, number: int) -> str:
        """The digits of the number the API gives."""
        return str(ids.campaign_id(number))

    def quotas(self, settings: Settings) -> Sequence[Quota]:
        """So many requests a second, a minute and a day."""
        limits = (
            (_BURST, settings.sendpulse_requests_per_second, 1.0),
            (_MINUTE, settings.sendpulse_requests_per_minute, 60.0),
            (_DAY, settings.sendpulse_requests_per_day, 86_400.0),
        )
        return [Quota(name, requests, seconds) for name, requests, seconds in limits if requests is not None]

    def rate_headers(self, window: Window, settings: Settings) -> dict[str, str]:
        """None: no answer says what is left."""
        return {}

    def too_many_requests(self, window: Window, settings: Settings) -> Reply:
        """The code of too many requests in a second, with a status nobody documents; or the plain 429 of the quotas."""
        if window.quota == _BURST:
            return replies.failure(settings.sendpulse_burst_status, CODES[TOO_FAST].text, TOO_FAST)
        return replies.failure(429, "Too many requests")

    def failure(self, status: int, message: str) -> Reply:
        """An error in SendPulse's form."""
        return replies.failure(status, "Too many requests" if status == 429 else message)

    def finished(self, reply: Reply, settings: Settings) -> Reply:
        """The answer as it is."""
        return reply

    def invalid(self, errors: dict[str, list[str]]) -> Reply:
        """422 with the first thing that is wrong."""
        texts = [text for found in errors.values() for text in found]
        return replies.failure(422, texts[0] if texts else CODES[422].text)

    def rendered(self, account: Account, numbers: Sequence[int]) -> list[bytes]:
        """Subscribers as a lookup of their addresses shows them, in all their lists."""
        account.lists.have_everyone_on_one(account.now)
        return [
            replies.encoded(addresses.everywhere(account, subscriber))
            for subscriber in account.subscribers.read(numbers)
        ]
