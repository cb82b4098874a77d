"""Numbered pages: which one was asked for, and the envelope it comes in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from airflow_provider_sender.sandbox.sender.replies import encoded, invalid
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

# The links in Sender's pages lead to another host than the one that was asked.
_LINKS = "https://app.sender.net/client-api/api"
_DEFAULT_LIMIT = 10

Item = TypeVar("Item")
SortKey = Callable[[Item], "str | float | int | None"]


class PageAsked(msgspec.Struct, frozen=True):
    """What the query says about the page.

    :param number: from 1.
    :param limit: rows on it.
    :param order: the key to sort by; ``None`` for the time of creation.
    """

    path: str
    number: int
    limit: int
    order: str | None
    is_descending: bool

    @property
    def offset(self) -> int:
        """Rows before it."""
        return (self.number - 1) * self.limit


def page_asked(call: Call, settings: Settings) -> PageAsked:
    """Read a list's query; what cannot be read is as if it had not been given."""
    query = call.query
    limit = _natural(query.get("limit")) or _DEFAULT_LIMIT
    if settings.max_limit is not None:
        limit = min(limit, settings.max_limit)
    return PageAsked(
        path=call.path,
        number=_natural(query.get("page")) or 1,
        limit=limit,
        order=None if settings.ignore_order else query.get("order") or None,
        is_descending=settings.ignore_order or query.get("direction", "desc").lower() != "asc",
    )


def _natural(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and int(text) > 0 else None


def page(asked: PageAsked, total: int, items: Sequence[bytes]) -> Reply:
    """A list's answer.

    :param total: rows on all pages.
    :param items: the rows of this one, encoded.
    """
    last = last_page(asked, total)
    url = _LINKS + asked.path
    links = {
        "first": f"{url}?page=1",
        "last": f"{url}?page={last}",
        "prev": f"{url}?page={asked.number - 1}" if asked.number > 1 else None,
        "next": f"{url}?page={asked.number + 1}" if asked.number < last else None,
    }
    ending = {
        "links": links,
        "meta": page_meta(asked, total, len(items), url),
        "has_more_resources": asked.number < last,
    }
    return enveloped(items, ending)


def enveloped(items: Sequence[bytes], ending: dict[str, object]) -> Reply:
    """Rows that are encoded already, and what comes after them."""
    return Reply(200, b'{"data":[' + b",".join(items) + b"]," + encoded(ending)[1:])


def last_page(asked: PageAsked, total: int) -> int:
    """The number of the last page; an empty list has one page."""
    return max(-(-total // asked.limit), 1)


def page_meta(asked: PageAsked, total: int, count: int, url: str) -> dict[str, object]:
    """The ``meta`` of a page with ``count`` rows."""
    return {
        "current_page": asked.number,
        "from": asked.offset + 1 if count else None,
        "last_page": last_page(asked, total),
        "path": url,
        "per_page": asked.limit,
        "to": asked.offset + count if count else None,
        "total": total,
    }


def page_of_all(
    call: Call,
    settings: Settings,
    items: Sequence[Item],
    render: Callable[[Item], dict[str, object]],
    sort_keys: dict[str, SortKey[Item]],
) -> Reply:
    """A page of a resource of which there are few enough to sort them all for every call.

    :param items: all of them, oldest first.
    :param sort_keys: what each ``order`` compares; the key ``created`` is the default.
    """
    asked = page_asked(call, settings)
    return page(asked, len(items), [encoded(render(item)) for item in on_page(asked, settings, items, sort_keys)])


def on_page(
    asked: PageAsked, settings: Settings, items: Sequence[Item], sort_keys: dict[str, SortKey[Item]]
) -> list[Item]:
    """The items of the page asked for."""
    key = sort_keys.get(asked.order or "created")
    if key is None:
        raise unknown_order()
    order = list(items)
    if not settings.stable_ties:
        random.shuffle(order)

    def comparable(item: Item) -> tuple[bool, str | float | int]:
        value = key(item)
        return (value is not None, value if value is not None else 0)

    order.sort(key=comparable)
    if asked.is_descending:
        order.reverse()
    return order[asked.offset : asked.offset + asked.limit]


def unknown_order() -> Refused:
    """The refusal of a key that the resource does not have."""
    return Refused(invalid({"order": ["The selected order is invalid."]}))
