"""Many who wait on one account at the same time, in virtual time: how much they ask, and when they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import CampaignState
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimitError,
    ServiceFailureError,
    UnsupportedOperationError,
)
from airflow_provider_sender.jobs.waiting import LOOK_TWICE_AFTER, MOST_FAILURES_IN_A_ROW
from airflow_provider_sender.triggers import shared_poll
from tests.triggers.timeline import NEVER, Life, Room, TimelineAccount, away, in_a_room, lives, statuses

MINUTE = 60.0
Visit = Callable[[Room], Coroutine[Any, Any, None]]


def one(account: TimelineAccount) -> dict[str, TimelineAccount]:
    return {"sender_default": account}


def all_come(count: int, **options: Any) -> Visit:
    """Let people come at the same moment, each for a campaign of its own."""

    async def come(room: Room) -> None:
        for number in range(count):
            room.enter(f"c{number}", **options)

    return come


def waited(
    monkeypatch: pytest.MonkeyPatch, account: Callable[[], TimelineAccount], visit: Visit
) -> tuple[Room, TimelineAccount]:
    room = in_a_room(monkeypatch, lambda: one(account()), visit)
    return room, room.accounts["sender_default"]


def lateness(room: Room, number: int, sent: float) -> float:
    end = room.ends[number]
    assert end is not None
    return end.passed - sent


def busiest_minute(account: TimelineAccount) -> int:
    return max(account.requests_between(passed, passed + MINUTE) for passed, _ in account.requests)


# What it costs


def test_a_thousand_cost_at_most_fifteen_requests_an_interval_and_none_is_told_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(1)
    sent = [chance.uniform(0, 20 * MINUTE) for _ in range(1000)]
    room, account = waited(monkeypatch, lambda: TimelineAccount(lives(1000, sent.__getitem__)), all_come(1000))
    assert statuses(room.ends) == ["sent"] * 1000
    assert busiest_minute(account) <= 15
    assert max(lateness(room, number, at) for number, at in enumerate(sent)) <= MINUTE


def test_a_thousand_who_come_one_by_one_cost_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def they_come(room: Room) -> None:
        for number in range(1000):
            room.enter(f"c{number}")
            await asyncio.sleep(0.7)

    room, account = waited(monkeypatch, lambda: TimelineAccount(lives(1000, lambda number: 1500.0 + number)), they_come)
    assert busiest_minute(account) <= 15
    assert max(lateness(room, number, 1500.0 + number) for number in range(1000)) <= MINUTE


def test_a_thousand_among_many_more_cost_no_more_once_it_is_known_where_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def come_for_old_ones(room: Room) -> None:
        for number in range(1000):
            room.enter(f"c{2_000 + number}")

    _, account = waited(monkeypatch, lambda: TimelineAccount(lives(5_000, lambda _: 600.0)), come_for_old_ones)
    assert account.requests_between(0, MINUTE) <= 50
    assert account.requests_between(MINUTE, 600) <= 9 * 15


def test_many_who_wait_for_one_campaign_cost_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come_for_one(room: Room) -> None:
        for _ in range(300):
            room.enter("c7")

    room, account = waited(monkeypatch, lambda: TimelineAccount(lives(5_000, lambda _: 150.0)), come_for_one)
    assert [what for _, what in account.requests] == ["c7"] * 4
    assert statuses(room.ends) == ["sent"] * 300


def test_each_looks_at_its_own_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        room.enter("c1", poll_interval=60)
        room.enter("c2", poll_interval=600)

    _, account = waited(monkeypatch, lambda: TimelineAccount(lives(5, lambda _: 3_600.0)), come)
    asked = [what for _, what in account.requests]
    assert 58 <= asked.count("c1") <= 64
    assert 6 <= asked.count("c2") <= 7


def test_what_one_learns_saves_another_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        room.enter("c0", poll_interval=60)
        room.enter("c0", poll_interval=90)

    room, account = waited(monkeypatch, lambda: TimelineAccount(lives(1, lambda _: 3_600.0)), come)
    assert len(account.requests) <= 64
    assert statuses(room.ends) == ["sent", "sent"]


# What goes wrong for one, or for all for a while


def test_a_deleted_campaign_ends_its_own_wait_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = lives(1000, lambda _: 900.0)
        there["c500"].deleted = 300.0
        return TimelineAccount(there)

    room, asked = waited(monkeypatch, account, all_come(1000))
    assert [number for number, end in enumerate(room.ends) if end and end.status != "sent"] == [500]
    gone = room.ends[500]
    assert gone is not None
    assert gone.status == "error"
    assert "no such thing" in gone.message
    assert gone.passed - 300.0 <= MINUTE + LOOK_TWICE_AFTER
    assert busiest_minute(asked) <= 15 + 1  # the second look


def test_an_unknown_campaign_ends_its_own_wait_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        await all_come(100)(room)
        room.enter("nobody's")

    room, _ = waited(monkeypatch, lambda: TimelineAccount(lives(100, lambda _: 900.0)), come)
    assert statuses(room.ends) == ["sent"] * 100 + ["error"]
    assert room.ends[100]
    assert room.ends[100].passed <= MINUTE


@pytest.mark.parametrize(("interval", "count"), [(1.0, 100), (5.0, 1000), (60.0, 1000)])
def test_two_minutes_without_the_service_end_no_wait_and_cost_next_to_nothing(
    interval: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(count, lambda number: 250.0 if number % 2 else 500.0))
        there.error = away(200.0, 320.0)
        return there

    room, asked = waited(monkeypatch, account, all_come(count, poll_interval=interval))
    assert statuses(room.ends) == ["sent"] * count
    assert asked.requests_between(200.0, 320.0) <= 15 * (120 / interval)
    assert max(lateness(room, number, 320.0 if number % 2 else 500.0) for number in range(count)) <= interval


def test_a_service_that_stays_away_ends_all_waits_after_ten_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(300))
        there.error = away(100.0, NEVER)
        return there

    room, asked = waited(monkeypatch, account, all_come(300))
    assert statuses(room.ends) == ["away"] * 300
    ends = [end.passed for end in room.ends if end]
    assert min(ends) >= 100.0 + (MOST_FAILURES_IN_A_ROW - 1) * MINUTE
    assert max(ends) <= 100.0 + (MOST_FAILURES_IN_A_ROW + 1) * MINUTE
    assert busiest_minute(asked) <= 15


def test_a_campaign_that_cannot_be_read_ends_its_own_wait_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(2, lambda _: 1_200.0))
        there.error = lambda passed, what: ServiceFailureError("The service failed.") if what == "c0" else None
        return there

    room, _ = waited(monkeypatch, account, all_come(2))
    assert statuses(room.ends) == ["away", "sent"]
    assert lateness(room, 1, 1_200.0) <= MINUTE


def test_a_page_that_cannot_be_read_ends_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(300, lambda _: 3_600.0))
        there.error = lambda passed, what: ServiceFailureError("The service failed.") if what == "page 2" else None
        return there

    room, asked = waited(monkeypatch, account, all_come(300))
    assert statuses(room.ends) == ["sent"] * 300
    assert sum(what == "page 2" for _, what in asked.requests) <= 15
    assert max(lateness(room, number, 3_600.0) for number in range(300)) <= MINUTE


@pytest.mark.parametrize(
    "error", [UnsupportedOperationError("It", "list", "Do not."), PermissionDeniedError("no"), KeyError("a mistake")]
)
def test_where_there_is_no_listing_campaigns_are_read_one_by_one(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(30, lambda _: 600.0))
        there.error = lambda passed, what: error if what.startswith("page") else None
        return there

    room, asked = waited(monkeypatch, account, all_come(30))
    assert statuses(room.ends) == ["sent"] * 30
    assert sum(what.startswith("page") for _, what in asked.requests) == 1


def test_a_mistake_lets_nobody_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(2, lambda _: 600.0))
        there.error = lambda passed, what: KeyError("a mistake") if what == "c0" else None
        return there

    async def come(room: Room) -> None:
        await all_come(2)(room)
        with pytest.raises(KeyError):
            await room.tasks[0]

    room, _ = waited(monkeypatch, account, come)
    assert statuses(room.ends) == [None, "sent"]


def test_who_is_asked_to_come_back_later_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(1, lambda _: 1_000.0))
        there.error = lambda passed, what: RateLimitError("slow", retry_after=900.0) if passed < 500 else None
        return there

    room, asked = waited(monkeypatch, account, all_come(1))
    assert statuses(room.ends) == ["sent"]
    assert asked.requests_between(0, 900) == 1


# What is final for all


@pytest.mark.parametrize("error", [AuthenticationError("expired"), PermissionDeniedError("not any more")])
def test_a_refusal_is_told_to_all_at_once_and_nothing_more_is_asked(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(1000))
        there.error = lambda passed, what: error if passed > 300 else None
        return there

    room, asked = waited(monkeypatch, account, all_come(1000))
    assert statuses(room.ends) == ["error"] * 1000
    ends = {end.passed for end in room.ends if end}
    # What is forbidden may be so for one campaign; that it is for all shows with the next few.
    assert len(ends) == 1 or isinstance(error, PermissionDeniedError)
    assert max(ends) - min(ends) <= 5
    assert max(ends) <= 300 + MINUTE
    assert asked.requests_between(300, NEVER) <= 15


def test_a_campaign_that_may_not_be_seen_ends_no_wait_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def account() -> TimelineAccount:
        there = TimelineAccount(lives(200, lambda _: 900.0))
        there.error = lambda passed, what: PermissionDeniedError("not yours") if what == "elsewhere" else None
        return there

    async def come(room: Room) -> None:
        room.enter("elsewhere")
        await all_come(200)(room)

    room, asked = waited(monkeypatch, account, come)
    assert statuses(room.ends) == ["error", *["sent"] * 200]
    assert sum(what == "elsewhere" for _, what in asked.requests) == 2


def test_a_token_that_was_replaced_meanwhile_ends_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def old() -> TimelineAccount:
        there = TimelineAccount(lives(50, lambda _: 900.0), fingerprint="old")
        there.error = lambda passed, what: AuthenticationError("expired") if passed > 300 else None
        return there

    async def come(room: Room) -> None:
        await all_come(50)(room)
        await asyncio.sleep(200)
        new = TimelineAccount(lives(50, lambda _: 700.0), fingerprint="new")
        room.accounts["sender_default"] = new

    room, new = waited(monkeypatch, old, come)
    assert statuses(room.ends) == ["sent"] * 50
    assert new.fingerprint == "new"
    assert max(lateness(room, number, 900.0) for number in range(50)) <= MINUTE


def test_a_connection_that_is_not_there_is_looked_for_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for = []

    async def come(room: Room) -> None:
        async def connect(conn_id: str) -> TimelineAccount:
            looked_for.append(conn_id)
            await asyncio.sleep(0.1)
            raise ConfigurationError("There is none.")

        monkeypatch.setattr(shared_poll, "service_for_trigger", connect)
        await all_come(20)(room)

    room, _ = waited(monkeypatch, lambda: TimelineAccount({}), come)
    assert statuses(room.ends) == ["error"] * 20
    assert looked_for == ["sender_default"]


@pytest.mark.parametrize("state", [CampaignState.CANCELLED, CampaignState.FAILED, CampaignState.DRAFT])
def test_what_can_never_be_sent_is_told_at_the_next_look(state: CampaignState, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {**lives(10, lambda _: 900.0), "c3": Life(state=state)}
    room, _ = waited(monkeypatch, lambda: TimelineAccount(there), all_come(10, draft_timeout=0))
    never = room.ends[3]
    assert never is not None
    assert never.status == "never"
    assert never.passed <= MINUTE
    assert statuses(room.ends).count("sent") == 9


def test_who_runs_out_of_time_leaves_when_it_is_over_after_a_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        for number in range(20):
            room.enter(f"c{number}", timeout=100.0 + 7 * number)

    room, asked = waited(monkeypatch, lambda: TimelineAccount(lives(20, lambda _: 199.0)), come)
    assert statuses(room.ends) == ["timeout"] * 15 + ["sent"] * 5
    for number in range(15):
        assert 0 <= lateness(room, number, 100.0 + 7 * number) <= 1.0
    assert asked.requests_between(0, 300) <= 40


# Coming and going


def test_who_is_cancelled_leaves_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        await all_come(10)(room)
        await asyncio.sleep(130)
        for number in range(9):
            room.tasks[number].cancel()

    room, asked = waited(monkeypatch, lambda: TimelineAccount(lives(10, lambda _: 900.0)), come)
    assert statuses(room.ends) == [None] * 9 + ["sent"]
    assert {what for passed, what in asked.requests if passed > 131} == {"c9"}


def test_when_all_have_left_nothing_is_asked_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        await all_come(10)(room)
        await asyncio.sleep(130)
        for task in room.tasks:
            task.cancel()
        await asyncio.sleep(3_600)
        assert not shared_poll._polls
        assert len(asyncio.all_tasks()) == 1

    _, asked = waited(monkeypatch, lambda: TimelineAccount(lives(10)), come)
    assert asked.requests_between(131, NEVER) == 0


def test_who_is_cancelled_while_the_connection_is_read_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async def come(room: Room) -> None:
        there = room.accounts["sender_default"]

        async def connect(conn_id: str) -> TimelineAccount:
            await asyncio.sleep(30)
            return there

        monkeypatch.setattr(shared_poll, "service_for_trigger", connect)
        await all_come(2)(room)
        await asyncio.sleep(10)
        room.tasks[0].cancel()

    room, _ = waited(monkeypatch, lambda: TimelineAccount(lives(2, lambda _: 0.0)), come)
    assert statuses(room.ends) == [None, "sent"]


def test_two_accounts_have_nothing_to_do_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def accounts() -> dict[str, TimelineAccount]:
        ill, well = TimelineAccount(lives(10, lambda _: 900.0)), TimelineAccount(lives(10, lambda _: 900.0))
        ill.error = lambda passed, what: AuthenticationError("expired") if passed > 100 else None
        return {"ill": ill, "well": well}

    async def come(room: Room) -> None:
        for number in range(10):
            room.enter(f"c{number}", conn_id="ill")
            room.enter(f"c{number}", conn_id="well")

    room = in_a_room(monkeypatch, accounts, come)
    assert statuses(room.ends) == ["error", "sent"] * 10
    assert all(room.accounts[each].requests for each in ("ill", "well"))


# Whatever happens


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[float, float, float, float]]:
    """Return when each comes, its interval, and when its campaign is sent and deleted."""
    times = st.floats(0, 2_000)
    return draw(
        st.lists(
            st.tuples(
                st.floats(0, 300),
                st.sampled_from([20.0, 60.0, 61.0, 300.0]),
                times,
                st.one_of(st.just(NEVER), times),
            ),
            min_size=1,
            max_size=40,
        )
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowd=crowds(), batch=st.sampled_from([3, 10, 100]), out_of_order=st.booleans())
def test_everybody_is_told_in_time_whoever_comes_and_whatever_the_listing_does(
    crowd: list[tuple[float, float, float, float]], batch: int, out_of_order: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account() -> TimelineAccount:
        there = {f"c{number}": Life(sent, deleted) for number, (_, _, sent, deleted) in enumerate(crowd)}
        account = TimelineAccount(there, batch=batch)
        if out_of_order:
            chance = random.Random(len(crowd))

            def shuffle(passed: float, what: str) -> None:
                account.lives = dict(chance.sample(list(account.lives.items()), len(account.lives)))

            account.error = shuffle
        return account

    async def come(room: Room) -> None:
        for number, (comes, interval, _, _) in sorted(enumerate(crowd), key=lambda each: each[1][0]):
            await asyncio.sleep(comes - (asyncio.get_running_loop().time()))
            order.append(number)
            room.enter(f"c{number}", poll_interval=interval)

    order: list[int] = []
    room, _ = waited(monkeypatch, account, come)
    for end, number in zip(room.ends, order, strict=True):
        comes, interval, sent, deleted = crowd[number]
        assert end is not None
        assert end.status in ("sent", "error")
        # What is sent or gone when somebody comes is seen at the first look; that it is gone is looked at twice.
        known = max(comes, min(sent, deleted))
        twice = min(interval, LOOK_TWICE_AFTER) if end.status == "error" else 0.0
        assert end.passed - known <= interval + twice + 0.02
        if end.status == "error":
            assert deleted <= end.passed
