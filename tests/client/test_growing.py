from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.growing import GrowingListing
from airflow_provider_sender.client.numbered import MOST_PASSES
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, OnDrift, Page, Row
from airflow_provider_sender.client.seen import SeenKeys


class MemoryListing(GrowingListing):
    """Rows in memory, which others may change just before a page is read.

    :param meanwhile: changes the rows in place; called with the rows and the number of the request.
    """

    def __init__(
        self, rows: list[str], page_size: int, meanwhile: Callable[[list[str], int], None] = lambda rows, request: None
    ) -> None:
        self.rows = rows
        self.page_size = page_size
        self.requests = 0
        self._meanwhile = meanwhile

    def page(self, number: int) -> Page:
        self.requests += 1
        self._meanwhile(self.rows, self.requests)
        there = self.rows[(number - 1) * self.page_size : number * self.page_size]
        rows = [Row(each, None, msgspec.Raw(msgspec.json.encode(each))) for each in there]
        return Page(rows, number, max(1, -(-len(self.rows) // self.page_size)), len(self.rows))


def read(listing: GrowingListing, on_drift: OnDrift = OnDrift.REPAIR, report: ListingReport | None = None) -> list[str]:
    report = ListingReport() if report is None else report
    batches: Iterator[list[Row]] = listing.walk(SeenKeys(), report, on_drift)
    return [msgspec.json.decode(row.raw) for rows in batches for row in rows]


@given(st.integers(0, 60), st.integers(1, 7))
def test_a_listing_that_stands_still_is_read_once(count: int, page_size: int) -> None:
    listing = MemoryListing([str(number) for number in range(count)], page_size)

    assert read(listing) == listing.rows
    assert listing.requests == max(1, -(-count // page_size))


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 7), st.sampled_from(OnDrift))
def test_rows_that_are_alike_are_all_read(rows: list[str], page_size: int, on_drift: OnDrift) -> None:
    report = ListingReport()

    assert sorted(read(MemoryListing(rows, page_size), on_drift, report)) == sorted(rows)
    assert report.passes <= 2
    assert report.is_sound
    assert report.rows == len(rows)


@given(
    st.integers(0, 60),
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), max_size=60),
)
def test_whatever_is_added_and_wherever_nothing_is_lost_and_nothing_comes_twice(
    count: int, page_size: int, additions: list[tuple[int, float]]
) -> None:
    there = [f"old {number}" for number in range(count)]

    def add(rows: list[str], request: int) -> None:
        for number, (at_request, place) in enumerate(additions):
            if at_request == request:
                rows.insert(round(place * len(rows)), f"new {number}")

    listing = MemoryListing(list(there), page_size, add)
    report = ListingReport()
    found = read(listing, report=report)

    assert set(there) <= set(found)
    assert len(set(found)) == len(found) == report.rows
    assert report.passes == 1
    assert report.is_sound


@given(st.integers(1, 60), st.integers(1, 7), st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1)), max_size=12))
def test_what_is_taken_away_makes_nothing_else_disappear(
    count: int, page_size: int, deletions: list[tuple[int, float]]
) -> None:
    there = [f"old {number}" for number in range(count)]

    def delete(rows: list[str], request: int) -> None:
        for at_request, place in deletions:
            if at_request == request and rows:
                rows.pop(int(place * (len(rows) - 1)))

    listing = MemoryListing(list(there), page_size, delete)
    found = read(listing)

    assert set(listing.rows) <= set(found) <= set(there)
    assert len(set(found)) == len(found)


def taken_away_at_every_second_request(rows: list[str], request: int) -> None:
    if request % 2 == 0:
        del rows[0]


@pytest.mark.parametrize(("on_drift", "passes"), [(OnDrift.FAIL, 1), (OnDrift.REPAIR, MOST_PASSES)])
def test_what_may_be_missing_is_said(on_drift: OnDrift, passes: int) -> None:
    listing = MemoryListing([str(number) for number in range(200)], 10, taken_away_at_every_second_request)
    report = ListingReport()

    with pytest.raises(ListingDriftError, match="may be incomplete"):
        read(listing, on_drift, report)

    assert report.passes == passes


def test_what_may_be_missing_can_be_put_up_with(caplog: pytest.LogCaptureFixture) -> None:
    listing = MemoryListing([str(number) for number in range(200)], 10, taken_away_at_every_second_request)

    assert len(read(listing, OnDrift.WARN)) > 100
    assert "Rows may be missing" in caplog.text


@given(st.integers(), st.integers(1, 6))
def test_rows_in_another_order_at_every_request_come_once_or_it_is_said(seed: int, page_size: int) -> None:
    chance = Random(seed)
    listing = MemoryListing([str(number) for number in range(30)], page_size, lambda rows, _: chance.shuffle(rows))
    try:
        found = read(listing)
    except ListingDriftError:
        return
    assert sorted(found) == sorted(listing.rows)


def test_rows_whose_order_changes_for_a_while_are_all_read_in_the_end() -> None:
    def turn(rows: list[str], request: int) -> None:
        if request < 8:
            rows.append(rows.pop(0))

    listing = MemoryListing([str(number) for number in range(50)], 10, turn)

    assert sorted(read(listing)) == sorted(listing.rows)


def test_where_a_moment_begins_cannot_be_told() -> None:
    listing = MemoryListing(["a"], 10)

    with pytest.raises(ValueError, match="since"):
        list(listing.walk(SeenKeys(), ListingReport(), OnDrift.REPAIR, datetime(2026, 1, 1, tzinfo=UTC)))
