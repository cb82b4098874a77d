"""Pages by ``limit`` and ``offset``, newest first, with no word about how many rows there are."""

from __future__ import annotations

import sys

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.listing import page_of
from airflow_provider_sender.sandbox.account.records import Audience
from airflow_provider_sender.sandbox.sendara.people import rendered
from airflow_provider_sender.sandbox.sendara.replies import listed
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Reply


class Stretch(msgspec.Struct, frozen=True):
    """The part of a list that was asked for."""

    offset: int
    limit: int


def stretch(call: Call, settings: Settings) -> Stretch:
    """Read a list's query; what cannot be read is as if it had not been given."""
    limit = natural(call.query.get("limit")) or settings.sendara_default_limit
    if settings.sendara_max_limit is not None:
        limit = min(limit, settings.sendara_max_limit)
    return Stretch(natural(call.query.get("offset")) or 0, limit)


def stretches(call: Call, settings: Settings) -> dict[str, Stretch]:
    """What of a list comes where no document says that it has pages, by the value of its knob."""
    return {
        "all": Stretch(0, sys.maxsize),
        "capped": Stretch(0, settings.sendara_max_limit or settings.sendara_default_limit),
        "paged": stretch(call, settings),
    }


def natural(text: str | None) -> int | None:
    """A number from 1, or nothing."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and int(text) > 0 else None


def contact_page(account: Account, audience: Audience, part: Stretch, name: str) -> Reply:
    """Some of an audience, newest first."""
    numbers = account.subscribers.listing.ascending(
        "created", audience, account.now, stable_ties=account.settings.stable_ties
    )
    chosen = page_of(numbers, part.offset, part.limit, descending=True)
    return listed(name, rendered(account, chosen))
