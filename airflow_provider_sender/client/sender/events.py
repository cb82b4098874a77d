"""What became of a campaign's mails, as Sender lists it.

No document says what a row of these lists looks like: one client of the API has seen ``recipient_id``, ``email`` and,
for a click, ``url``, and nobody says how the time is called. So what a row says is found by every name it may go by,
and a row without one of them is a row all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from airflow_provider_sender.client.campaigns import CampaignEvent, CampaignTotals, EventKind
from airflow_provider_sender.client.errors import (
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ServiceFailureError,
)
from airflow_provider_sender.client.growing import GrowingListing
from airflow_provider_sender.client.paging import Page, Row
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.sender.client import PAGE_SIZE, SenderClient
from airflow_provider_sender.client.sender.listing import RawPage
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import Json

FoundT = TypeVar("FoundT")

# What Sender's paths call a kind of event.
EVENT_PATHS: Mapping[EventKind, str] = {
    EventKind.OPEN: "opens",
    EventKind.CLICK: "clicks",
    EventKind.HARD_BOUNCE: "hard_bounces",
    EventKind.SOFT_BOUNCE: "soft_bounces",
    EventKind.UNSUBSCRIBE: "unsubscribes",
    EventKind.COMPLAINT: "complaints",
}

# Where a row may say whom it is about; inside one of these it may be ``id`` and ``email``.
_PEOPLE = ("recipient", "subscriber", "contact")
_ID_KEYS = ("subscriber_id", "recipient_id", "contact_id")
_ADDRESS_KEYS = ("email", "email_address", "recipient_email", "subscriber_email")

# Where it may say when: what it calls this kind of event first.
_TIME_KEYS: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.OPEN: ("opened_at", "opened", "open_time"),
    EventKind.CLICK: ("clicked_at", "clicked", "click_time"),
    EventKind.HARD_BOUNCE: ("bounced_at", "bounced", "bounce_time"),
    EventKind.SOFT_BOUNCE: ("bounced_at", "bounced", "bounce_time"),
    EventKind.UNSUBSCRIBE: ("unsubscribed_at", "unsubscribed", "unsubscribe_time"),
    EventKind.COMPLAINT: ("complained_at", "reported_at", "spam_reported_at", "complaint_time"),
}
_ANY_TIME_KEYS = ("occurred_at", "event_time", "created", "created_at", "date", "datetime", "time", "timestamp")

_URL_KEYS = ("url", "link", "link_url", "href")

# A number this large counts milliseconds.
_MILLISECONDS = 10**11


_read_page = msgspec.json.Decoder(RawPage, strict=False)
_read_row = msgspec.json.Decoder(dict[str, Json])


class SenderEventsListing(GrowingListing):
    """One kind of a campaign's events.

    :param limit: rows a page.
    """

    def __init__(self, client: SenderClient, campaign_id: str, kind: EventKind, *, limit: int = PAGE_SIZE) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._kind = kind
        self.page_size = limit

    def page(self, number: int) -> Page:
        """Fetch one page; one past the last is empty."""
        return self._fetched(number, self.page_size)

    def count(self) -> int:
        """Return how many there are now; one request, and a small one."""
        return self._fetched(1, 1).total

    def _fetched(self, number: int, limit: int) -> Page:
        # The oldest first, so that hardly anything moves; which of its keys a row has that could be asked for by name
        # is not known.
        path = f"/campaigns/{{}}/{EVENT_PATHS[self._kind]}"
        request = read(path, self._campaign_id, page=number, limit=limit, direction="asc")
        return self._client.transport.fetch(request, lambda body: _page(number, body))


def _page(number: int, body: bytes) -> Page:
    found = _read_page.decode(body)
    if found.meta.current_page != number:
        # Going on would read the same page for ever.
        raise msgspec.ValidationError(f"page {found.meta.current_page} came instead of page {number}")
    # A row has no id one could rely on: an ``id`` may be the recipient's, who may have clicked twice.
    rows = [Row(bytes(raw).decode(errors="replace"), None, raw) for raw in found.data]
    return Page(rows=rows, number=number, last=found.meta.last_page, total=found.meta.total)


def totals_of(client: SenderClient, campaign_id: str) -> CampaignTotals:
    """Return a campaign's totals: its own counters, and how long the lists are of what it does not count."""
    campaign = client.get_campaign(campaign_id)

    def counted(kind: EventKind, own: int | None = None) -> int | None:
        if own is not None:
            return own
        try:
            return SenderEventsListing(client, campaign_id, kind).count()
        except (NotFoundError, PermissionDeniedError, InvalidRequestError):
            return None  # the campaign is there, so it is this list that the account or its plan does not have

    hard, soft = counted(EventKind.HARD_BOUNCE), counted(EventKind.SOFT_BOUNCE)
    bounced = campaign.bounces_count if hard is None or soft is None else hard + soft
    sent = campaign.sent_count
    return CampaignTotals(
        recipients=campaign.recipient_count,
        sent=sent,
        delivered=None if sent is None or bounced is None else max(0, sent - bounced),
        opened=counted(EventKind.OPEN, campaign.opens),
        clicked=counted(EventKind.CLICK, campaign.clicks),
        hard_bounced=hard,
        soft_bounced=soft,
        bounced=bounced if hard is None or soft is None else None,
        unsubscribed=counted(EventKind.UNSUBSCRIBE),
        complained=counted(EventKind.COMPLAINT),
    )


def event_from(raw: bytes, kind: EventKind) -> CampaignEvent:
    """Return an event in common words, whatever its row calls things.

    :raises ServiceFailureError: when the row is no JSON object.
    """
    try:
        row = _read_row.decode(raw)
    except msgspec.DecodeError as error:
        raise ServiceFailureError(f"A row of Sender's {EVENT_PATHS[kind]} cannot be read ({error}).") from None
    people = [person for name in _PEOPLE if isinstance(person := row.get(name), Mapping)]
    return CampaignEvent(
        kind=kind,
        email=_text(row, _ADDRESS_KEYS) or _first(_text(person, _ADDRESS_KEYS) for person in people) or _address(row),
        subscriber_id=_text(row, _ID_KEYS) or _first(_text(person, ("id", *_ID_KEYS)) for person in people),
        occurred_at=_first(_moment(row.get(name)) for name in (*_TIME_KEYS[kind], *_ANY_TIME_KEYS)),
        url=_url(row) if kind is EventKind.CLICK else None,
    )


def _text(row: Mapping[str, Json], names: Iterable[str]) -> str | None:
    """Return what stands under the first of these names that says something; an id may be a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _address(row: Mapping[str, Json]) -> str | None:
    """Return an address where a person stands for no more than that."""
    return _first(name for name in (_text(row, [each]) for each in _PEOPLE) if name and "@" in name)


def _url(row: Mapping[str, Json]) -> str | None:
    links = [link for name in _URL_KEYS if isinstance(link := row.get(name), Mapping)]
    return _text(row, _URL_KEYS) or _first(_text(link, _URL_KEYS) for link in links)


def _moment(value: Json) -> datetime | None:
    """Return a time in UTC from ISO-8601, seconds or milliseconds of the epoch, or ``{"date": ...}``."""
    if isinstance(value, Mapping):
        return _moment(value.get("date"))
    if isinstance(value, str):
        return moment(value) if not value.isdigit() else _moment(int(value))
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _first(found: Iterable[FoundT | None]) -> FoundT | None:
    return next((each for each in found if each is not None), None)
