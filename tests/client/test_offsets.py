from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import UnsupportedOperationError
from airflow_provider_sender.client.offsets import OffsetListing, OffsetPage
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from tests.client.moving_account import Step

Sort = Callable[[list[int]], list[int]]

_SALT = 7919


def oldest_first(people: list[int]) -> list[int]:
    return sorted(people)


def newest_first(people: list[int]) -> list[int]:
    return sorted(people, reverse=True)


def by_name(people: list[int]) -> list[int]:
    """So that newcomers stand anywhere."""
    return sorted(people, key=lambda person: person * _SALT % 100_003)


class MovingList(OffsetListing):
    """A list in memory whose rows come and go before every request.

    :param tells_total: whether pages say how many rows there are (else a request of its own does), or None for never.
    :param cap: rows the service hands out at the most, whatever it is asked for.
    """

    service: ClassVar[str] = "Memory"

    def __init__(
        self,
        count: int,
        size: int,
        *,
        steps: Iterable[Step] = (),
        sort: Sort = oldest_first,
        tells_total: bool | None = False,
        cap: int = 1_000,
        reverses: bool = True,
    ) -> None:
        self.page_size = size
        self.can_reverse = reverses
        self.people = list(range(count))
        self.made = count
        self.at_first: set[str] | None = None
        self.requests: list[int] = []
        self._steps, self._sort, self._tells_total, self._cap = iter(steps), sort, tells_total, cap

    def rows_from(self, offset: int, *, ascending: bool) -> OffsetPage:
        self._move()
        self.requests.append(offset)
        people = self._sort(self.people) if ascending else self._sort(self.people)[::-1]
        some = people[offset : offset + min(self.page_size, self._cap)]
        rows = [Row(f"p{each}", None, msgspec.Raw(b"{}")) for each in some]
        return OffsetPage(rows, len(people) if self._tells_total else None)

    def total(self) -> int | None:
        if self._tells_total is not False:
            return None
        self._move()
        return len(self.people)

    def _move(self) -> None:
        step = next(self._steps, Step())
        for place in step.deletions:
            if self.people:
                self.people.sort()
                self.people.pop(min(int(place * len(self.people)), len(self.people) - 1))
        self.people += range(self.made, self.made + step.newcomers)
        self.made += step.newcomers
        if self.at_first is None:
            self.at_first = {f"p{each}" for each in self.people}

    @property
    def survivors(self) -> set[str]:
        return (self.at_first or set()) & {f"p{each}" for each in self.people}

    def read(self, on_drift: OnDrift = OnDrift.REPAIR, ends: Iterable[int] = ()) -> tuple[list[str], ListingReport]:
        """Walk to the end; after each of ``ends`` batches the walk is given up, and another goes on."""
        keys: list[str] = []
        report, seen = ListingReport(), SeenKeys()
        for end in (*ends, None):
            for rows in itertools.islice(self.walk(seen, report, on_drift), end):
                keys += [row.key for row in rows]
            if end is not None:
                report = msgspec.json.decode(msgspec.json.encode(report), type=ListingReport)
                seen = SeenKeys()
                seen.add_all(keys)
        return keys, report


class Shuffled:
    """Sorts by nothing at all."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, people: list[int]) -> list[int]:
        return self._random.sample(sorted(people), len(people))


steps = st.lists(
    st.builds(Step, deletions=st.lists(st.floats(0, 1), max_size=12), newcomers=st.integers(0, 8)), max_size=40
)


@given(
    count=st.integers(0, 120),
    size=st.integers(2, 12),
    steps=steps,
    sort=st.sampled_from([oldest_first, newest_first, by_name]),
    tells_total=st.sampled_from([True, False, None]),
    reverses=st.booleans(),
    ends=st.lists(st.integers(1, 5), max_size=2),
)
def test_whoever_stays_is_read_exactly_once_however_the_list_moves(
    count: int,
    size: int,
    steps: list[Step],
    sort: Sort,
    tells_total: bool | None,
    reverses: bool,
    ends: list[int],
) -> None:
    listing = MovingList(count, size, steps=steps, sort=sort, tells_total=tells_total, reverses=reverses)
    try:
        keys, report = listing.read(ends=ends)
    except ListingDriftError:
        return  # said, not hidden: the list moved at every request to the end
    assert len(keys) == len(set(keys)) == report.rows
    assert listing.survivors <= set(keys)


@pytest.mark.parametrize("sort", [oldest_first, newest_first, by_name])
@pytest.mark.parametrize("where", [0.0, 0.5, 0.99])
def test_a_list_that_comes_to_rest_is_read_to_the_end_without_an_error(sort: Sort, where: float) -> None:
    moves = [Step(deletions=[where] * 3, newcomers=2)] * 20
    listing = MovingList(400, 20, steps=moves, sort=sort)
    keys, report = listing.read()
    assert listing.survivors <= set(keys)
    assert len(listing.requests) < 100
    assert not report.missing


@given(count=st.integers(0, 150), size=st.integers(2, 20), seed=st.integers(0, 999), tells=st.booleans())
def test_rows_in_no_order_are_all_read_or_the_loss_is_said(count: int, size: int, seed: int, tells: bool) -> None:
    listing = MovingList(count, size, sort=Shuffled(seed), tells_total=tells)
    try:
        keys, _ = listing.read()
    except ListingDriftError:
        return
    assert len(keys) == len(set(keys)) == count


def test_a_service_that_hands_out_less_than_it_was_asked_for_is_read_to_the_end() -> None:
    for tells_total in (True, False):
        listing = MovingList(95, 20, cap=10, tells_total=tells_total)
        keys, report = listing.read()
        assert len(keys) == 95
        assert report.is_sound


def test_a_list_that_stands_still_costs_one_row_a_page_more_than_its_pages() -> None:
    listing = MovingList(50_000, 100)
    keys, report = listing.read()
    assert len(keys) == 50_000
    assert len(listing.requests) == 506
    assert (report.passes, report.gone, report.repeats, report.total_at_start, report.total_at_end) == (
        1,
        0,
        0,
        50_000,
        50_000,
    )


def test_a_deletion_before_the_place_costs_two_requests_and_nobody() -> None:
    listing = MovingList(300, 50, steps=[Step(), Step(), Step(deletions=[0.01] * 5)])
    keys, report = listing.read()
    assert listing.survivors <= set(keys)
    assert (report.gone, report.is_sound) == (5, True)
    assert len(listing.requests) == 7 + 2


class Forgetting(MovingList):
    """Says it has more rows than it hands out."""

    def total(self) -> int | None:
        return len(self.people) + 1


def test_rows_the_service_counts_and_does_not_hand_out_are_said() -> None:
    with pytest.raises(ListingDriftError, match="30 distinct rows read"):
        Forgetting(30, 10).read()
    with pytest.raises(ListingDriftError, match="Run it again"):
        Forgetting(30, 10).read(OnDrift.FAIL)
    keys, report = Forgetting(30, 10).read(OnDrift.WARN)
    assert (len(keys), report.missing, report.passes) == (30, 1, 1)


def test_who_came_since_a_moment_is_not_told_by_rows_without_one() -> None:
    with pytest.raises(UnsupportedOperationError, match="Read all of them"):
        list(MovingList(3, 2).walk(SeenKeys(), ListingReport(), OnDrift.FAIL, datetime.now(UTC)))


def test_rows_are_counted_by_whatever_counts_them() -> None:
    assert [MovingList(45, 20, tells_total=told).count() for told in (True, False, None)] == [45, 45, 45]
