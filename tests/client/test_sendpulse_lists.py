from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import NotFoundError, SenderError, UnsupportedOperationError
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, OnDrift
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.lists import CLAIM_PREFIX, AccountSubscribers, read_joined
from airflow_provider_sender.client.subscribers import Consent


class MovingLists:
    """Mailing lists in memory, between which somebody moves before every request; stands for client and transport.

    :param lists: how many lists, and how many people are in each.
    :param moves: before each request: people by number who move into the next list.
    """

    def __init__(self, lists: int, people: int, moves: Iterable[list[int]] = ()) -> None:
        self.lists = {number: [f"p{number}-{each}@example.com" for each in range(people)] for number in range(lists)}
        self.all = [each for members in self.lists.values() for each in members]
        self._moves = iter(moves)
        self.requests = 0
        self.transport = self

    def fetch(self, request: Request, decode: Callable[[bytes], Any]) -> Any:
        self._move()
        offset, limit = int(cast("int", request.query["offset"])), int(cast("int", request.query["limit"]))
        if request.path == "/addressbooks":
            rows: list[Any] = [{"id": each, "name": f"L{each}"} for each in self.lists]
            rows.append({"id": 999, "name": f"{CLAIM_PREFIX}[key abc]"})
        else:
            members = self.lists[int(request.identifiers[0])]
            rows = [{"email": each, "status": 1, "variables": {}} for each in members]
        if request.query.get("order") == "desc":
            rows.reverse()
        return decode(json.dumps(rows[offset : offset + limit]).encode())

    def count_subscribers(self, list_id: str) -> int:
        self._move()
        return len(self.lists[int(list_id)])

    def _move(self) -> None:
        self.requests += 1
        for person in next(self._moves, []):
            for number, members in self.lists.items():
                address = self.all[person % len(self.all)]
                if address in members:
                    self.lists[(number + 1) % len(self.lists)].append(address)
                    members.remove(address)
                    break

    def read(self, on_drift: OnDrift = OnDrift.REPAIR, seen: SeenKeys | None = None) -> tuple[list[str], ListingReport]:
        report = ListingReport()
        listing = AccountSubscribers(cast("SendPulseClient", self))
        rows = [row for rows in listing.walk(seen or SeenKeys(), report, on_drift) for row in rows]
        return [row.key for row in rows], report


@given(
    lists=st.integers(2, 4),
    people=st.integers(1, 260),
    seed=st.integers(0, 10_000),
    moves=st.integers(0, 12),
)
def test_whoever_moves_between_lists_once_is_read_exactly_once(lists: int, people: int, seed: int, moves: int) -> None:
    chance = random.Random(seed)
    movers = chance.sample(range(lists * people), min(moves, lists * people))
    account = MovingLists(lists, people, [[mover] if chance.random() < 0.7 else [] for mover in movers])
    try:
        keys, _ = account.read()
    except ListingDriftError:
        return
    assert sorted(keys) == sorted(account.all)


def test_lists_that_stand_still_cost_three_requests_each_beside_their_pages() -> None:
    account = MovingLists(3, 150)
    keys, report = account.read(OnDrift.FAIL)
    assert len(keys) == 450
    assert (report.rows, report.total_at_start, report.missing, report.is_sound) == (450, 450, 0, True)
    # Of each list: two pages, its count at the start and the end, and the look at its end with a count.
    assert account.requests == 2 * 1 + 3 * (2 + 2 + 2)


def test_a_walk_that_begins_again_leaves_out_what_it_brought() -> None:
    account = MovingLists(2, 5)
    seen = SeenKeys()
    seen.add_all(account.all[:4])
    keys, report = account.read(seen=seen)
    assert sorted(keys) == sorted(account.all[4:])
    assert report.rows == 6


def test_an_empty_account_is_empty() -> None:
    for account in (MovingLists(0, 0), MovingLists(2, 0)):
        keys, report = account.read()
        assert (keys, report.is_sound) == ([], True)


def test_who_came_since_a_moment_is_not_told() -> None:
    with pytest.raises(UnsupportedOperationError, match="created_since"):
        list(
            AccountSubscribers(cast("SendPulseClient", MovingLists(1, 1))).walk(
                SeenKeys(), ListingReport(), OnDrift.FAIL, datetime.now(UTC)
            )
        )


class Vanishing(MovingLists):
    """A list is deleted after it was listed."""

    def fetch(self, request: Request, decode: Callable[[bytes], Any]) -> Any:
        if request.identifiers[:1] == ("1",):
            raise NotFoundError("There is no such mailing list.")
        return super().fetch(request, decode)


def test_a_list_that_is_deleted_meanwhile_does_not_stop_the_others() -> None:
    keys, report = Vanishing(3, 4).read()
    assert len(keys) == 8
    assert report.is_sound


def row(**lists: dict[str, Any]) -> bytes:
    return json.dumps({"email": "Jane@example.com", "lists": lists}).encode()


def test_a_status_nobody_knows_is_no_end_of_the_reading() -> None:
    statuses: list[Any] = ["active", "", None, [], 99]
    for status in statuses:
        assert read_joined(row(a={"status": status})).consent is Consent.UNKNOWN
    assert read_joined(row(a={"status": "blocked"}, b={"status": "4"})).consent is Consent.UNSUBSCRIBED


class Otherwise(MovingLists):
    """Rows have an id as well, and only some of them are counted."""

    def fetch(self, request: Request, decode: Callable[[bytes], Any]) -> Any:
        def with_ids(body: bytes) -> Any:
            return decode(json.dumps([{"id": 7, **each} for each in json.loads(body)]).encode())

        return super().fetch(request, with_ids)

    def count_subscribers(self, list_id: str) -> int:
        return super().count_subscribers(list_id) // 3


def test_people_are_told_apart_by_address_and_all_read_whomever_the_service_counts() -> None:
    account = Otherwise(3, 250)
    keys, report = account.read()
    assert sorted(keys) == sorted(account.all)
    assert report.is_sound


def test_the_strictest_status_of_any_list_counts_and_the_first_value_of_a_variable() -> None:
    found = read_joined(
        row(
            a={"status": "1", "variables": {"Plan": "", "firstname": "Jane", "N": 1}, "phone": 380501112233},
            b={"status": 4, "variables": [{"name": "Plan", "value": "gold"}, {"name": "N", "value": 2}]},
            c={"status": 3, "variables": [], "phone": ""},
        )
    )
    assert (found.id, found.email, found.groups) == ("jane@example.com", "Jane@example.com", ("a", "b", "c"))
    assert (found.consent, found.phone, found.firstname) == (Consent.UNSUBSCRIBED, "380501112233", "Jane")
    assert found.fields == {"Plan": "gold", "N": 1}


@pytest.mark.parametrize(
    ("status", "consent"),
    [
        (0, Consent.ACTIVE),
        (1, Consent.ACTIVE),
        (2, Consent.UNCONFIRMED),
        (3, Consent.UNCONFIRMED),
        (4, Consent.UNSUBSCRIBED),
        (5, Consent.UNSUBSCRIBED),
        (6, Consent.UNSUBSCRIBED),
        (7, Consent.UNCONFIRMED),
        (8, Consent.COMPLAINED),
        (9, Consent.BOUNCED),
        (10, Consent.BOUNCED),
        (11, Consent.BOUNCED),
        (12, Consent.BOUNCED),
        (13, Consent.UNSUBSCRIBED),
        (14, Consent.BOUNCED),
        (15, Consent.UNKNOWN),
        (None, Consent.UNKNOWN),
    ],
)
def test_each_status_of_a_subscriber_has_its_meaning(status: int | None, consent: Consent) -> None:
    assert read_joined(row(a={"status": status})).consent is consent


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"email": "a@b.c", "lists": {"1": 7}}'])
def test_a_row_that_cannot_be_read_is_an_error_of_ours_and_shows_nobody(raw: bytes) -> None:
    with pytest.raises(SenderError, match="cannot be read as documented") as caught:
        read_joined(raw)
    assert "a@b.c" not in repr(caught.value)
