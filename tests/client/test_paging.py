from __future__ import annotations

import logging
import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import InvalidRequestError, ServiceFailureError
from airflow_provider_sender.client.numbered import MOST_PASSES
from airflow_provider_sender.client.paging import ListingDriftError, OnDrift, Order
from tests.client.accounts import Account, page_of
from tests.client.moving_account import (
    MovingAccount,
    Shuffled,
    Sort,
    Step,
    UnstableTies,
    ignoring_direction,
    newest_first,
)

_PLACES = st.floats(0, 1, exclude_max=True)
_SIZES = st.integers(1, 10)
_COUNTS = st.integers(0, 300) | st.integers(0, 30)
_TIES = st.sampled_from([1, 2, 7, 1_000])
_thorough = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def steps(*, deletions: int = 0, newcomers: int = 0, insertions: int = 0) -> st.SearchStrategy[list[Step]]:
    """What happens before each of the first hundred requests, at most so much before each."""
    step = st.builds(
        Step,
        deletions=st.lists(_PLACES, max_size=deletions),
        newcomers=st.integers(0, newcomers),
        insertions=st.lists(_PLACES, max_size=insertions),
    )
    return st.lists(step, max_size=100)


def assert_nobody_is_lost(account: MovingAccount, keys: list[str]) -> None:
    assert len(keys) == len(set(keys)), "somebody came twice"
    assert account.survivors <= set(keys), "somebody was lost"


# The promise


@_thorough
@given(_COUNTS, _SIZES, _TIES, steps(deletions=3, newcomers=3))
def test_whoever_is_there_from_the_first_request_to_the_last_comes_exactly_once(
    count: int, size: int, ties: int, happens: list[Step]
) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens)

    keys, report = account.read(OnDrift.WARN)

    # WARN reads once: a single pass already keeps the promise, whatever it thinks of itself.
    assert_nobody_is_lost(account, keys)
    assert report.passes == 1
    assert report.rows == len(keys)


@_thorough
@given(_COUNTS, _SIZES, _TIES, steps(deletions=25))
def test_deletions_alone_however_many_are_never_taken_for_a_loss(
    count: int, size: int, ties: int, happens: list[Step]
) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens)

    keys, report = account.read(OnDrift.FAIL)

    assert_nobody_is_lost(account, keys)
    assert report.is_sound


@_thorough
@given(_COUNTS, _SIZES, _TIES, steps(newcomers=1))
def test_newcomers_alone_are_never_taken_for_a_loss(count: int, size: int, ties: int, happens: list[Step]) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens)

    keys, _ = account.read(OnDrift.FAIL)

    assert_nobody_is_lost(account, keys)


@_thorough
@given(st.integers(0, 300), st.integers(2, 10), _TIES, st.data())
def test_an_account_that_moves_a_little_is_read_once(count: int, size: int, ties: int, data: st.DataObject) -> None:
    """One thing at most happens before each request."""
    one = st.one_of(
        st.just(Step()),
        st.builds(Step, deletions=st.lists(_PLACES, min_size=1, max_size=1)),
        st.just(Step(newcomers=1)),
    )
    account = MovingAccount(count, size, ties=ties, steps=data.draw(st.lists(one, max_size=100)))

    keys, report = account.read()

    assert_nobody_is_lost(account, keys)
    # Of newcomers who leave again the totals cannot tell whether they were among those read.
    assert report.passes == 1 or account.has_lost_newcomers


@given(_COUNTS, _SIZES, _TIES)
def test_a_quiet_account_costs_its_pages_and_two_requests(count: int, size: int, ties: int) -> None:
    account = MovingAccount(count, size, ties=ties)
    pages = max(1, math.ceil(count / size))

    keys, report = account.read()

    assert_nobody_is_lost(account, keys)
    assert len(keys) == count
    assert len(account.requests) <= (1 if pages == 1 else pages + 2)
    assert report.is_sound
    assert (report.repeats, report.gone, report.missing, report.passes) == (0, 0, 0, 1)
    assert report.total_at_start == report.total_at_end == report.rows == count


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (100, 1), (101, 4), (200, 4), (201, 5)])
def test_the_smallest_accounts(count: int, requests: int) -> None:
    account = MovingAccount(count, 100)

    keys, _ = account.read(OnDrift.FAIL)

    assert len(keys) == count
    assert len(account.requests) == requests


def test_who_comes_while_it_is_read_is_picked_up_at_the_end() -> None:
    account = MovingAccount(50, 10, steps=[Step(), Step(), Step(newcomers=25)])

    keys, report = account.read()

    assert len(keys) == 75
    assert report.passes == 1


def test_an_account_that_is_emptied_while_it_is_read_ends() -> None:
    account = MovingAccount(50, 10, steps=[Step(), Step(), Step(deletions=[0.0] * 50)])

    keys, report = account.read(OnDrift.FAIL)

    assert account.survivors == set()
    assert len(keys) == len(set(keys))
    assert report.total_at_end == 0


def test_counting_takes_one_request() -> None:
    account = MovingAccount(101, 10)

    assert account.count() == 101
    assert len(account.requests) == 1


# Several stretches side by side, and walks that another process goes on with

_AT_ONCE = st.integers(1, 8)
_SEEDS = st.integers(0, 1_000)
_ENDS = st.lists(st.integers(0, 60), max_size=3)


@_thorough
@given(_COUNTS | st.integers(300, 2_000), _SIZES, _TIES, _AT_ONCE, _SEEDS, steps(deletions=3, newcomers=3), _ENDS)
def test_nobody_is_lost_side_by_side_nor_where_another_process_goes_on(
    count: int, size: int, ties: int, at_once: int, seed: int, happens: list[Step], ends: list[int]
) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens, at_once=at_once, seed=seed)

    keys, report = account.read(OnDrift.WARN, ends)

    assert_nobody_is_lost(account, keys)
    assert report.passes == 1
    assert report.rows == len(keys)


@_thorough
@given(st.integers(300, 2_000), st.integers(20, 40), _TIES, _AT_ONCE, _SEEDS, steps(deletions=1), _ENDS)
def test_side_by_side_deletions_alone_are_never_taken_for_a_loss(
    count: int, size: int, ties: int, at_once: int, seed: int, happens: list[Step], ends: list[int]
) -> None:
    """Unless a whole page of people is deleted between two requests, which looks like disorder and is read again."""
    account = MovingAccount(count, size, ties=ties, steps=happens, at_once=at_once, seed=seed)

    keys, report = account.read(OnDrift.FAIL, ends)

    assert_nobody_is_lost(account, keys)
    assert report.is_sound


@given(st.integers(0, 2_000), _SIZES, _TIES, _AT_ONCE, _SEEDS)
def test_side_by_side_a_quiet_account_costs_one_request_more_for_each_place_where_two_meet(
    count: int, size: int, ties: int, at_once: int, seed: int
) -> None:
    account = MovingAccount(count, size, ties=ties, at_once=at_once, seed=seed)
    pages = max(1, math.ceil(count / size))

    keys, report = account.read(OnDrift.FAIL)

    assert_nobody_is_lost(account, keys)
    assert len(keys) == count
    assert len(account.requests) <= (1 if pages == 1 else pages + 2 + at_once - 1)
    assert report.is_sound


@_thorough
@given(_SEEDS, st.integers(0, 300), _SIZES, st.sampled_from([2, 7, 1_000]), _AT_ONCE)
def test_side_by_side_ties_in_another_order_each_time_are_repaired(
    seed: int, count: int, size: int, ties: int, at_once: int
) -> None:
    account = MovingAccount(count, size, ties=ties, sort=UnstableTies(seed), at_once=at_once, seed=seed)

    keys, _ = account.read()

    assert_nobody_is_lost(account, keys)
    assert len(keys) == count


def test_a_walk_that_another_process_goes_on_with_reads_no_page_twice() -> None:
    account = MovingAccount(1_000, 10)

    keys, _ = account.read(OnDrift.FAIL, ends=[30, 30])

    assert len(keys) == 1_000
    # Each process asks for the first page, to see how many there are by now; the look at the end reads the last again.
    assert len(account.requests) == 100 + 3 + 1


# Only who came lately


@_thorough
@given(_COUNTS, _SIZES, _TIES, st.integers(0, 310), steps(deletions=3, newcomers=3), _ENDS)
def test_all_who_came_since_come_once_and_nobody_else(
    count: int, size: int, ties: int, since: int, happens: list[Step], ends: list[int]
) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens)

    keys, report = account.read(OnDrift.WARN, ends, since=since)

    assert len(keys) == len(set(keys)) == report.rows
    ages = {person.key: person.moment for person in account.ever}
    assert all(ages[key] >= since for key in keys)
    assert {key for key in account.survivors if ages[key] >= since} <= set(keys)


def test_who_came_since_costs_the_pages_they_fill_and_three_requests() -> None:
    account = MovingAccount(10_000, 10)

    keys, _ = account.read(since=9_950)

    assert len(keys) == 50
    assert len(account.requests) <= 5 + 3


def test_without_an_order_who_came_since_cannot_be_told() -> None:
    account = MovingAccount(300, 10, sort=newest_first)

    with pytest.raises(ListingDriftError, match="read all of it instead"):
        account.read(since=100)


# A service that does not keep the order it was asked for


@pytest.mark.parametrize("sort", [newest_first, ignoring_direction])
@pytest.mark.parametrize("refuses_key", [True, False])
@_thorough
@given(_COUNTS, _SIZES, steps(newcomers=2) | steps(deletions=2))
def test_an_order_that_is_ignored_is_noticed_and_repaired(
    sort: Sort, refuses_key: bool, count: int, size: int, happens: list[Step]
) -> None:
    account = MovingAccount(count, size, steps=happens, sort=sort, refuses_key=refuses_key)

    try:
        keys, _ = account.read()
    except ListingDriftError:
        return
    assert_nobody_is_lost(account, keys)


@pytest.mark.parametrize("refuses_key", [True, False])
@_thorough
@given(st.integers(0, 1_000), st.integers(0, 60), _SIZES, st.sampled_from([2, 7, 1_000]))
def test_ties_in_another_order_each_time_are_repaired_or_reported(
    refuses_key: bool, seed: int, count: int, size: int, ties: int
) -> None:
    account = MovingAccount(count, size, ties=ties, sort=UnstableTies(seed), refuses_key=refuses_key)

    try:
        keys, _ = account.read()
    except ListingDriftError:
        assume(refuses_key)  # where ids can be sorted by, nothing is left to chance
        return
    assert_nobody_is_lost(account, keys)
    assert len(keys) == count


@_thorough
@given(st.integers(0, 1_000), st.integers(0, 60), _SIZES, st.sampled_from([1, 1_000]))
def test_rows_in_no_order_at_all_are_repaired_or_reported(seed: int, count: int, size: int, ties: int) -> None:
    account = MovingAccount(count, size, ties=ties, sort=Shuffled(seed))

    try:
        keys, _ = account.read()
    except ListingDriftError:
        return
    assert len(keys) == len(set(keys)) == count


@_thorough
@given(_COUNTS, _SIZES, _TIES, steps(insertions=1))
def test_rows_that_are_put_in_the_middle_are_repaired_or_reported(
    count: int, size: int, ties: int, happens: list[Step]
) -> None:
    account = MovingAccount(count, size, ties=ties, steps=happens[:20])

    try:
        keys, _ = account.read()
    except ListingDriftError:
        return
    assert_nobody_is_lost(account, keys)


def test_a_row_deleted_after_it_was_read_does_not_make_up_for_one_that_was_never_read() -> None:
    """Somebody joins in the middle, which pushes a row onto a page already read; then one of those read leaves."""
    happens = [Step(), Step(), Step(), Step(insertions=[0.02]), Step(deletions=[0.99])]
    account = MovingAccount(100, 10, steps=happens)

    with pytest.raises(ListingDriftError) as caught:
        account.read(OnDrift.FAIL)
    assert caught.value.report.missing == 1

    account = MovingAccount(100, 10, steps=happens)
    keys, report = account.read()
    assert_nobody_is_lost(account, keys)
    assert report.passes > 1


def test_rows_the_service_counts_and_never_shows_are_reported() -> None:
    class Counting(MovingAccount):
        def page(self, number: int, order: Order, *, ascending: bool):  # type: ignore[no-untyped-def]
            page = super().page(number, order, ascending=ascending)
            return type(page)(rows=page.rows, number=number, last=page.last, total=page.total + 1)

    account = Counting(30, 10)

    with pytest.raises(ListingDriftError, match=r"30 distinct rows read in 3 passes, 31 counted.*on_drift='warn'"):
        account.read()
    assert len(account.requests) < 10 * MOST_PASSES


def test_a_last_page_that_is_always_one_further_on_does_not_keep_it_for_ever() -> None:
    class Endless(MovingAccount):
        def page(self, number: int, order: Order, *, ascending: bool):  # type: ignore[no-untyped-def]
            page = super().page(number, order, ascending=ascending)
            assert len(self.requests) < 200
            return type(page)(rows=page.rows, number=number, last=number + 1, total=page.total)

    account = Endless(30, 10)

    keys, _ = account.read()

    assert len(keys) == 30


@pytest.mark.parametrize("on_drift", [OnDrift.WARN, OnDrift.FAIL])
def test_drift_is_a_warning_or_an_error_as_one_likes(on_drift: OnDrift, caplog: pytest.LogCaptureFixture) -> None:
    account = MovingAccount(30, 10, sort=newest_first)

    if on_drift is OnDrift.WARN:
        keys, report = account.read(on_drift)
        assert not report.is_in_order
        assert len(keys) == 30
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
    else:
        with pytest.raises(ListingDriftError, match="not in the order asked for"):
            account.read(on_drift)
    assert len(account.requests) == 5


def test_a_quiet_account_in_the_wrong_order_is_read_once_more_and_no_oftener() -> None:
    account = MovingAccount(30, 10, sort=newest_first)

    keys, report = account.read()

    assert len(keys) == 30
    assert report.passes == 2
    assert [order for _, order, _ in account.requests[5:]] == [Order.KEY] * 3


def test_a_service_that_refuses_the_order_asked_for_at_first_is_not_asked_differently() -> None:
    class Refusing(MovingAccount):
        def page(self, number: int, order: Order, *, ascending: bool):  # type: ignore[no-untyped-def]
            raise InvalidRequestError("The order is invalid.")

    with pytest.raises(InvalidRequestError):
        Refusing(30, 10).read()


# As Sender pages


def row(key: int) -> dict[str, object]:
    return {"id": f"s{key}", "created": "2026-01-02 03:04:05", "new": {"z": 1, "a": [1.50]}}


def test_rows_are_handed_on_byte_for_byte(account: Account) -> None:
    from airflow_provider_sender.client.sender.listing import SenderListing

    text = (
        '{"data": [ {"id":"s1", "z": 1.50,  "email":"ž"} ,{"id":"s2"}],'
        '"meta":{"current_page":1,"last_page":1,"total":2}}'
    )
    account.answers({"text": text})

    page = SenderListing(account.client(), "/subscribers").page(1, Order.CREATED, ascending=True)

    assert [bytes(each.raw) for each in page.rows] == [
        '{"id":"s1", "z": 1.50,  "email":"ž"}'.encode(),
        b'{"id":"s2"}',
    ]
    assert [(each.key, each.created) for each in page.rows] == [("s1", None), ("s2", None)]


def test_links_to_other_hosts_are_never_followed(account: Account) -> None:
    from airflow_provider_sender.client.sender.listing import SenderListing

    for number in (1, 2):
        account.mocker.get(f"/v2/subscribers?page={number}", **page_of(row(number), number=number, last=2, total=2))
    listing = SenderListing(account.client(), "/subscribers", limit=1)

    for number in (1, 2):
        listing.page(number, Order.KEY, ascending=False)

    sent = account.mocker.request_history
    assert {each.hostname for each in sent} == {"api.sender.test"}
    assert sent[1].qs == {"page": ["2"], "limit": ["1"], "order": ["id"], "direction": ["desc"]}


def test_another_page_than_the_one_asked_for_is_never_taken_for_it(account: Account) -> None:
    from airflow_provider_sender.client.sender.listing import SenderListing

    account.answers(page_of(row(1), number=1, last=3, total=3))

    with pytest.raises(ServiceFailureError, match="page 1 came instead of page 3"):
        SenderListing(account.client(max_retries=2), "/subscribers").page(3, Order.CREATED, ascending=True)
    assert len(account.requests) == 3
