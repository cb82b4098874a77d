"""SendPulse's listings: mailing lists, those who are in one, campaigns, and everybody in the account.

SendPulse has no listing of a whole account. So every mailing list is read, and what the lists say about one address is
put together on disk: an account has a million addresses, in any number of lists. The row of a person is::

    {"email": "ann@example.com", "lists": {"101": <the row of list 101>, "102": <the row of list 102>}}

with each list's row byte for byte as the service returned it. A single list's rows have the same form.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

import msgspec

from airflow_provider_sender.client.errors import NotFoundError, UnsupportedOperationError
from airflow_provider_sender.client.loose import row_from
from airflow_provider_sender.client.offsets import OffsetListing, OffsetPage
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift, Row
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendpulse.calls import PAGE_SIZE
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.records import MailingList, Member, subscriber_from, text_of, whole
from airflow_provider_sender.client.subscribers import Subscriber

log = logging.getLogger(__name__)

# The status of a list that was deleted.
DELETED_LIST = 1

# Lists of this name are no lists: they are marks of campaigns that are about to be sent.
CLAIM_PREFIX = "airflow claim "

_NO_DATES = "say who came since a moment"
_READ_ALL = "Leave created_since out: all subscribers are read."


# Seconds between two words about how a long list gets on.
_SAY_EVERY = 10.0


class _Keyed(msgspec.Struct):
    """What tells rows apart: an id, or an address."""

    id: int | str | None = None
    email: str | None = None


_read_rows = msgspec.json.Decoder(list[msgspec.Raw])
_read_keys = msgspec.json.Decoder(list[_Keyed], strict=False)
_read_list = msgspec.json.Decoder(MailingList, strict=False)


class _Joined(msgspec.Struct):
    email: str
    lists: dict[str, Member]


_read_joined = msgspec.json.Decoder(_Joined, strict=False)


class _SendPulseListing(OffsetListing):
    """A listing of SendPulse's: bare arrays by ``limit`` and ``offset``."""

    service: ClassVar[str] = "SendPulse"
    page_size = PAGE_SIZE

    def __init__(self, client: SendPulseClient, path: str, *identifiers: str, takes_order: bool = True) -> None:
        self._client = client
        self._path = path
        self._identifiers = identifiers
        self.can_reverse = takes_order

    def rows_from(self, offset: int, *, ascending: bool) -> OffsetPage:
        """Fetch up to a hundred rows from an offset on."""
        query: dict[str, str | int | float | bool | None] = {"limit": self.page_size, "offset": offset}
        if self.can_reverse:
            query["order"] = "asc" if ascending else "desc"
        request = Request("GET", self._path, self._identifiers, query=query)
        return OffsetPage(self._client.transport.fetch(request, _rows))


def _rows(body: bytes) -> list[Row]:
    """Read a page twice: once for what tells rows apart, once to hand on the rows' own bytes untouched."""
    return [
        Row(_key(row), None, raw) for row, raw in zip(_read_keys.decode(body), _read_rows.decode(body), strict=True)
    ]


def _key(row: _Keyed) -> str:
    if row.email:
        return row.email
    if row.id is None:
        # All such rows would pass for one, and an error in a list would pass for a row.
        raise msgspec.ValidationError("a row has neither id nor address")
    return str(row.id)


class MembersListing(_SendPulseListing):
    """Those who are in one mailing list, in all states."""

    def __init__(self, client: SendPulseClient, list_id: str) -> None:
        super().__init__(client, "/addressbooks/{}/emails", list_id)
        self.list_id = list_id

    def total(self) -> int | None:
        """Return how many there are."""
        return self._client.count_subscribers(self.list_id)


def campaigns_listing(client: SendPulseClient) -> OffsetListing:
    """Return the listing of all campaigns."""
    return _SendPulseListing(client, "/campaigns")


def mailing_lists(client: SendPulseClient) -> list[MailingList]:
    """Return all mailing lists that are not deleted, those that are marks of campaigns included."""
    listing = _SendPulseListing(client, "/addressbooks", takes_order=False)
    rows = (row for rows in listing.walk(SeenKeys(), ListingReport(), OnDrift.REPAIR) for row in rows)
    found = (row_from(_read_list, row.raw, listing.service) for row in rows)
    return [each for each in found if whole(each.status) != DELETED_LIST]


def real_lists(client: SendPulseClient) -> list[MailingList]:
    """Return all mailing lists that are lists."""
    return [each for each in mailing_lists(client) if not is_claim(each)]


def is_claim(mailing_list: MailingList) -> bool:
    """Tell whether a mailing list is the mark of a campaign."""
    return text_of(mailing_list.name).startswith(CLAIM_PREFIX)


def read_joined(raw: bytes) -> Subscriber:
    """Return a subscriber from a row of the listings below.

    :raises ServiceFailureError: when the row cannot be read as documented.
    """
    row = row_from(_read_joined, raw, "SendPulse")
    return subscriber_from(row.email, row.lists.items())


def _joined(address: str, rows: Iterable[tuple[str, bytes]]) -> bytes:
    lists = {list_id: msgspec.Raw(raw) for list_id, raw in rows}
    return msgspec.json.encode({"email": address, "lists": lists})


class ListSubscribers(Listing):
    """Those who are in one mailing list, each with what that list says."""

    page_size = PAGE_SIZE

    def __init__(self, client: SendPulseClient, list_id: str) -> None:
        self._members = MembersListing(client, list_id)

    def count(self) -> int:
        """Return how many there are; one request."""
        return self._members.count()

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches.

        :raises NotFoundError: when there is no such mailing list.
        """
        _refuse(since)
        for rows in self._members.walk(seen, report, on_drift):
            yield [
                Row(row.key, None, msgspec.Raw(_joined(row.key, [(self._members.list_id, bytes(row.raw))])))
                for row in rows
            ]


@dataclass
class _Reading:
    """How far the reading of one mailing list has come.

    :param last_keys: keys of the last rows read, by which a later look finds where it ended.
    """

    report: ListingReport = field(default_factory=ListingReport)
    last_keys: list[str] = field(default_factory=list)


class AccountSubscribers(Listing):
    """Everybody in the account, each with what every list says.

    All lists are read before the first row is handed on. Then each is looked at once more, from the last row read on:
    somebody may have been moved from one not read yet into one that was. A walk that ended before its time begins
    again, with the rows it brought left out.
    """

    page_size = PAGE_SIZE

    def __init__(self, client: SendPulseClient) -> None:
        self._client = client

    def count(self) -> int:
        """Return how many rows all lists have together; who is in several is counted in each."""
        return sum(each.all_email_qty or 0 for each in real_lists(self._client))

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches."""
        _refuse(since)
        # An empty name is a file of SQLite's own, on disk when it is large, and gone with the connection.
        with closing(sqlite3.connect("", isolation_level=None)) as store:
            store.executescript(
                "pragma journal_mode = off; pragma synchronous = off; pragma temp_store = file;"
                "create table row (key text, list text, raw blob); begin;"
            )
            missing = self._read_all(store, report, on_drift)
            people = store.execute("select count(distinct key) from row").fetchone()[0]
            report.passes = max(1, report.passes)
            report.total_at_start = report.total_at_end = people + missing
            yield from _handed_on(store, seen, report)

    def _read_all(self, store: sqlite3.Connection, report: ListingReport, on_drift: OnDrift) -> int:
        """Read all lists; return how many rows may be missing."""
        readings: dict[str, _Reading] = {}
        for mailing_list in real_lists(self._client):
            self._read(store, str(mailing_list.id), readings, on_drift)
        if len(readings) > 1:
            for mailing_list in real_lists(self._client):
                self._read(store, str(mailing_list.id), readings, on_drift)
        reports = [each.report for each in readings.values()]
        report.passes = max((each.passes for each in reports), default=1)
        report.repeats = sum(each.repeats for each in reports)
        report.is_in_order = all(each.is_in_order for each in reports)
        return sum(each.missing for each in reports)

    def _read(self, store: sqlite3.Connection, list_id: str, readings: dict[str, _Reading], on_drift: OnDrift) -> None:
        """Read one list, or what has come to its end since it was read."""
        is_another_look = list_id in readings
        reading = readings.setdefault(list_id, _Reading())
        seen = SeenKeys()
        seen.add_all(reading.last_keys)
        for stretch in reading.report.stretches:
            stretch.is_done = False
        said_at = time.monotonic()
        try:
            for rows in MembersListing(self._client, list_id).walk(seen, reading.report, on_drift):
                store.executemany(
                    "insert into row values (?, ?, ?)", [(row.key.lower(), list_id, bytes(row.raw)) for row in rows]
                )
                reading.last_keys = [row.key for row in rows][-PAGE_SIZE:] or reading.last_keys
                if time.monotonic() - said_at >= _SAY_EVERY:
                    said_at = time.monotonic()
                    log.info(
                        "Mailing list %s: %d of %d rows", list_id, reading.report.rows, reading.report.total_at_start
                    )
        except NotFoundError:
            log.info("Mailing list %s was deleted while the account was read", list_id)
            del readings[list_id]
            return
        if not is_another_look:
            log.info("Mailing list %s: %d rows", list_id, reading.report.rows)


def _handed_on(store: sqlite3.Connection, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
    """Yield what is in the store, a row a person, but for those seen before."""
    batch: list[Row] = []
    found = store.execute("select key, list, raw from row order by key, rowid")
    for key, group in groupby(found, key=itemgetter(0)):
        if not seen.add(key):
            continue
        rows = {list_id: raw for _, list_id, raw in group}  # a later look says it better
        address = _read_address.decode(next(iter(rows.values()))).email or key
        batch.append(Row(key, None, msgspec.Raw(_joined(address, rows.items()))))
        if len(batch) == PAGE_SIZE:
            report.rows += len(batch)
            yield batch
            batch = []
    report.rows += len(batch)
    yield batch


_read_address = msgspec.json.Decoder(_Keyed, strict=False)


def _refuse(since: datetime | None) -> None:
    if since is not None:
        raise UnsupportedOperationError("SendPulse", _NO_DATES, _READ_ALL)
