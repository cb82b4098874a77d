"""``/segments``, which can be read and deleted, but made only by hand in the service's own pages."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.records import Audience, Segment, SubscriberStatus
from airflow_provider_sender.sandbox.account.segments import segment_id
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.identity import ACCOUNT_ID
from airflow_provider_sender.sandbox.sender.pages import (
    PageAsked,
    SortKey,
    enveloped,
    last_page,
    on_page,
    page_asked,
    page_meta,
)
from airflow_provider_sender.sandbox.sender.replies import done, encoded, not_found, single
from airflow_provider_sender.sandbox.sender.subscribers import subscriber_page
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_URL = "https://api.sender.net/v2/segments"


def _as_json(account: Account, segment: Segment, *, counted: bool) -> dict[str, object]:
    """A segment; only lists count its subscribers."""
    audience = account.segments.audience(segment)
    people, active = audience, _narrowed(audience, f"status = '{SubscriberStatus.ACTIVE}'")

    def count(some: Audience) -> int | None:
        return account.subscribers.count(some) if counted else None

    return {
        "id": segment_id(segment),
        "account_id": ACCOUNT_ID,
        "name": segment.name,
        "conditions": [
            {
                "type": segment.rule,
                "operator": "is",
                "operand": [],
                "operators": [],
                "group": 0,
                "outside_concat": "and",
                "inside_concat": "and",
            }
        ],
        "created": plain(segment.created),
        "modified": plain(segment.created),
        "subscribers": count(people),
        "phone_count": count(_narrowed(people, "phone IS NOT NULL")),
        "active_subscribers": count(active),
        "active_phone_count": count(_narrowed(active, "phone IS NOT NULL")),
    }


def _narrowed(audience: Audience, condition: str) -> Audience:
    return Audience(f"({audience.condition}) AND {condition}", audience.parameters)


def _list(account: Account, call: Call) -> Reply:
    """Unlike other lists: links to the API's own host, numbered ones too, and not whether more follow."""
    keys: dict[str, SortKey[Segment]] = {
        "id": lambda segment: segment.number,
        "name": lambda segment: segment.name,
        "created": lambda segment: int(segment.created),
        "modified": lambda segment: int(segment.created),
    }
    asked, segments = page_asked(call, account.settings), account.segments.all()
    items = [
        encoded(_as_json(account, segment, counted=True))
        for segment in on_page(asked, account.settings, segments, keys)
    ]
    last = last_page(asked, len(segments))
    before, after = _link(asked.number - 1, last), _link(asked.number + 1, last)
    meta = page_meta(asked, len(segments), len(items), _URL)
    links = {"first": _link(1, last), "last": _link(last, last), "prev": before, "next": after}
    return enveloped(items, {"links": links, "meta": {**meta, "links": _numbered(asked, last)}})


def _link(number: int, last: int) -> str | None:
    return f"{_URL}?page={number}" if 1 <= number <= last else None


def _numbered(asked: PageAsked, last: int) -> list[dict[str, object]]:
    steps = [("&laquo; Previous", asked.number - 1)]
    steps += [(str(number), number) for number in range(1, last + 1)]
    steps += [("Next &raquo;", asked.number + 1)]
    return [
        {"url": _link(number, last), "label": label, "active": label == str(asked.number)} for label, number in steps
    ]


def _the_one(account: Account, call: Call) -> Segment:
    found = account.segments.find(call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _get(account: Account, call: Call) -> Reply:
    return single(_as_json(account, _the_one(account, call), counted=False))


def _members(account: Account, call: Call) -> Reply:
    return subscriber_page(account, call, account.segments.audience(_the_one(account, call)))


def _delete(account: Account, call: Call) -> Reply:
    account.segments.delete(_the_one(account, call))
    return done("Segment successfully deleted")


ROUTES = (
    Route("GET", "/segments", _list),
    Route("GET", "/segments/{id}", _get),
    Route("GET", "/segments/{id}/subscribers", _members),
    Route("DELETE", "/segments/{id}", _delete),
)
