"""Events come so that Airflow starts a run for each: some time apart, and followed up where they come close."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.triggers.event_times import (
    BETWEEN_EVENTS,
    CLOSE_TOGETHER,
    UNTIL_CLOSING_EVENTS,
    EventTimes,
)

START = 1_800_000_000.0


def test_the_first_event_is_told_at_once_and_followed_by_none() -> None:
    times = EventTimes()
    assert times.may_tell(START)
    times.note_news(START)
    assert not times.is_closing_due(START + 10 * CLOSE_TOGETHER)


def test_the_next_one_waits_until_the_first_has_its_run() -> None:
    times = EventTimes()
    times.note_news(START)
    assert not times.may_tell(START + BETWEEN_EVENTS - 1)
    assert times.may_tell(START + BETWEEN_EVENTS)


def test_events_that_are_far_apart_are_followed_by_none() -> None:
    times = EventTimes()
    times.note_news(START)
    times.note_news(START + CLOSE_TOGETHER)
    assert not times.is_closing_due(START + 10 * CLOSE_TOGETHER)


def test_events_that_are_close_together_are_followed_by_two_without_news() -> None:
    times = EventTimes()
    times.note_news(START)
    times.note_news(START + 60)
    told = []
    for now in range(60, 20_000, 10):
        if times.is_closing_due(START + now):
            times.note_closing(START + now)
            told.append(now - 60)
    assert told == [*UNTIL_CLOSING_EVENTS]


def test_news_put_the_events_without_news_off() -> None:
    times = EventTimes()
    times.note_news(START)
    times.note_news(START + 60)
    times.note_news(START + 300)
    assert not times.is_closing_due(START + 60 + UNTIL_CLOSING_EVENTS[0])
    assert times.is_closing_due(START + 300 + UNTIL_CLOSING_EVENTS[0])


def test_another_process_goes_on_where_it_was() -> None:
    times = EventTimes()
    times.note_news(START)
    times.note_news(START + 60)
    again = EventTimes(json.loads(json.dumps(times.memory)))
    assert not again.may_tell(START + 60 + BETWEEN_EVENTS - 1)
    assert again.is_closing_due(START + 60 + UNTIL_CLOSING_EVENTS[0])


@pytest.mark.parametrize("memory", [None, "old", {}, {"last": "x", "closing": 5}, {"last": None, "closing": []}])
def test_a_memory_that_is_none_is_a_beginning(memory: object) -> None:
    assert EventTimes(memory).may_tell(START)
    assert not EventTimes(memory).is_closing_due(START)


def test_a_clock_that_was_put_back_holds_nothing_up() -> None:
    times = EventTimes()
    times.note_news(START)
    assert times.may_tell(START - 86_400)


def queued_by(scheduler_is_free: list[bool], campaigns_sent_at: set[int]) -> list[list[int]]:
    """Play Airflow's scheduler second by second, as 3.1 to 3.3 have it; return the campaigns of each run.

    :param scheduler_is_free: for each second, whether a run can be created in it.
    """
    times = EventTimes()
    untold: list[int] = []
    events: list[tuple[int, list[int]]] = []
    queued_at: int | None = None
    until = -1
    runs: list[list[int]] = []
    for second, is_free in enumerate(scheduler_is_free):
        untold += [second] if second in campaigns_sent_at else []
        told = None
        if untold and times.may_tell(START + second):
            times.note_news(START + second)
            told, untold = untold, []
        elif not untold and times.is_closing_due(START + second):
            times.note_closing(START + second)
            told = []
        if told is not None:
            events.append((second, told))
            queued_at = second if queued_at is None else queued_at
        if is_free and queued_at is not None and second > queued_at:
            runs.append([each for at, campaigns in events if until < at <= queued_at for each in campaigns])
            until, queued_at = queued_at, None
    return runs


@settings(deadline=None)
@given(
    sent=st.sets(st.integers(0, 1_800), min_size=1, max_size=8),
    busy=st.lists(st.tuples(st.integers(0, 2_400), st.integers(1, 1_500)), max_size=3),
)
def test_every_campaign_is_in_a_run_and_in_one_however_long_the_scheduler_was_busy(
    sent: set[int], busy: list[tuple[int, int]]
) -> None:
    is_free = [not any(at <= second < at + length for at, length in busy) for second in range(9_000)]
    runs = queued_by(is_free, sent)
    assert sorted(campaign for run in runs for campaign in run) == sorted(sent)
