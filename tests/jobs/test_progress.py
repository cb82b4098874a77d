from __future__ import annotations

import logging

import pytest

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.rate_headers import RateState
from airflow_provider_sender.jobs.progress import EVERY_SECONDS, Progress

log = logging.getLogger("progress")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "progress"]


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "progress")


def test_it_speaks_at_most_every_few_seconds(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(log, "rows", Budget(), clock=clock)
    for _ in range(1_000):
        clock.now += EVERY_SECONDS / 100
        progress.advance(1)
    assert len(lines(caplog)) == 9 or len(lines(caplog)) == 10


def test_it_says_how_far_how_fast_and_how_long_yet(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget()
    budget.acquire()
    budget.answered(RateState(limit=300, remaining=217, reset=60))
    progress = Progress(log, "rows", budget, total=12_000, clock=clock)
    progress.advance(1_000)
    assert lines(caplog) == []
    clock.now += 10
    progress.advance(1_000)
    assert lines(caplog) == ["2,000 of 12,000 rows (200 a second, 217 requests left in this window, about 50 s to go)"]


def test_it_does_without_what_nobody_knows(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(log, "rows", Budget(), clock=clock)
    clock.now += 10
    progress.advance(0)
    progress.total = 3
    clock.now += 10
    progress.advance(5)
    assert lines(caplog) == ["0 rows (0 a second)", "5 of 3 rows (0 a second)"]


def test_long_waits_are_told_in_minutes(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(log, "rows", Budget(), total=10_000, clock=clock)
    clock.now += 10
    progress.advance(100)
    assert lines(caplog)[0].endswith("about 16 min to go)")
