"""A budget for a service that looks back a second: nobody is refused, and next to no time is lost."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.budget import Pace
from airflow_provider_sender.client.errors import RateLimitError
from airflow_provider_sender.client.rate_headers import RateState
from airflow_provider_sender.client.sliding import SlidingBudget
from tests.client.virtual_time import VirtualTime


class LastSecond:
    """The service's side: it counts what it received within the last second."""

    def __init__(self, time: VirtualTime, limit: int) -> None:
        self.time = time
        self.limit = limit
        self.received = deque[float]()
        self.refused = 0

    def receive(self) -> RateState:
        now = self.time.now()
        while self.received and self.received[0] + 1.0 <= now:
            self.received.popleft()
        if len(self.received) >= self.limit:
            self.refused += 1
        else:
            self.received.append(now)
        return RateState(self.limit, self.limit - len(self.received), 1.0)


def request(time: VirtualTime, budget: SlidingBudget, service: LastSecond, latency: float, shares: float) -> None:
    budget.acquire()
    time.sleep(latency * shares)
    state = service.receive()
    time.sleep(latency * (1 - shares))
    budget.answered(state)


@settings(max_examples=25)
@given(
    limit=st.integers(2, 50),
    threads=st.integers(1, 8),
    latencies=st.lists(st.floats(0.0005, 0.3), min_size=1, max_size=5),
    seed=st.integers(0, 1_000),
)
def test_a_sole_client_is_never_refused(limit: int, threads: int, latencies: list[float], seed: int) -> None:
    time, chance = VirtualTime(), random.Random(seed)
    service = LastSecond(time, limit)
    budget = SlidingBudget(window=1.0, clock=time.now, sleep=time.sleep)

    def work() -> None:
        for _ in range(20):
            request(time, budget, service, chance.choice(latencies), chance.random())

    time.run(lambda: request(time, budget, service, 0.01, 0.5))  # how many are allowed is known from here on
    time.run(*[work] * threads)

    assert service.refused == 0


@pytest.mark.parametrize("threads", [1, 4])
def test_next_to_no_time_is_lost(threads: int) -> None:
    time = VirtualTime()
    service = LastSecond(time, 100)
    budget = SlidingBudget(window=1.0, clock=time.now, sleep=time.sleep)

    def work() -> None:
        for _ in range(1_000 // threads):
            request(time, budget, service, 0.002, 0.5)

    time.run(*[work] * threads)

    assert service.refused == 0
    floor = 9.0 + 100 / threads * 0.002  # nine whole seconds, and then the last hundred
    assert time.passed <= floor * 1.02


def test_what_others_use_is_left_to_them() -> None:
    time = VirtualTime()
    budget = SlidingBudget(window=1.0, clock=time.now, sleep=time.sleep)
    made: list[float] = []

    def work() -> None:
        for remaining in (1, 0, 9, 8):  # somebody else had made eight of the ten
            budget.acquire()
            made.append(time.passed)
            budget.answered(RateState(10, remaining, 1.0))

    time.run(work)

    assert made[:2] == [0.0, 0.0]
    assert made[2] >= 1.0


def test_some_are_kept_free() -> None:
    time = VirtualTime()
    service = LastSecond(time, 10)
    budget = SlidingBudget(window=1.0, reserve=7, clock=time.now, sleep=time.sleep)

    def work() -> None:
        for _ in range(12):
            request(time, budget, service, 0.001, 0.5)

    time.run(work)

    assert time.passed >= 3.0


def test_a_request_without_an_answer_counts() -> None:
    time = VirtualTime()
    budget = SlidingBudget(window=1.0, clock=time.now, sleep=time.sleep)

    def work() -> None:
        budget.acquire()
        budget.answered(RateState(2, 1, 1.0))
        budget.acquire()
        budget.unanswered()
        budget.acquire()

    time.run(work)

    assert time.passed >= 1.0


def test_where_the_service_tells_nothing_nothing_is_held_back_but_by_a_cap() -> None:
    time = VirtualTime()
    free = SlidingBudget(window=1.0, clock=time.now, sleep=time.sleep)
    capped = SlidingBudget(window=1.0, paces=(Pace(2, 60.0),), max_wait=5.0, clock=time.now, sleep=time.sleep)
    for _ in range(50):
        free.acquire()
        free.answered(RateState(None, None, None))
    for _ in range(2):
        capped.acquire()
        capped.answered(RateState(None, None, None))

    with pytest.raises(RateLimitError):
        capped.acquire()
    assert time.passed == 0.0


def test_how_many_are_worth_making_at_once_follows_from_the_second() -> None:
    budget = SlidingBudget(window=1.0)
    budget.acquire()
    budget.answered(RateState(10, 9, 1.0))

    assert budget.at_once(1_000, seconds=0.25, most=8) == 3
    assert budget.at_once(5, seconds=0.25, most=8) == 8
