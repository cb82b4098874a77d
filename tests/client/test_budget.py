from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from airflow_provider_sender.client.budget import Budget, Pace, shared_budget
from airflow_provider_sender.client.errors import RateLimitError
from airflow_provider_sender.client.rate_headers import RateHeaders, RateState
from airflow_provider_sender.client.request import repeatable
from airflow_provider_sender.client.sender.dialect import SenderDialect
from airflow_provider_sender.client.sender.envelopes import Done
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.transport import Transport
from tests.client.accounts import BASE, TOKEN, Clock
from tests.client.virtual_time import VirtualTime

NOW = 1_800_000_000.25


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


RESETS: dict[str, Callable[[float, float], str]] = {
    "ISO": lambda end, now: iso(end),
    "ISO with an offset": lambda end, now: datetime.fromtimestamp(int(end)).astimezone().isoformat(),
    "ISO without a zone": lambda end, now: iso(end).removesuffix("Z"),
    "HTTP date": lambda end, now: formatdate(end, usegmt=True),
    "epoch": lambda end, now: str(int(end)),
    "delta": lambda end, now: str(int(end - now)),
}


# Reading headers


@pytest.mark.parametrize("write", RESETS.values(), ids=RESETS)
def test_the_end_of_the_window_is_understood_in_every_form_and_never_too_early(
    write: Callable[[float, float], str],
) -> None:
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": write(NOW + 30, NOW)}

    state = RateHeaders(lambda: NOW).read(headers)

    assert (state.limit, state.remaining) == (60, 59)
    assert state.reset is not None
    assert 30 <= state.reset <= 31


@pytest.mark.parametrize("skew", [-86_400.0, -90.5, -3.6, 0.0, 0.4, 1.5, 90.5, 86_400.0])
@pytest.mark.parametrize("name", ["ISO", "epoch"])
def test_a_clock_that_is_wrong_on_either_side_changes_nothing(skew: float, name: str) -> None:
    service = NOW + skew
    headers = {"X-RateLimit-Reset": RESETS[name](service + 30, service), "Date": formatdate(service, usegmt=True)}

    reset = RateHeaders(lambda: NOW).read(headers).reset

    assert reset is not None
    assert 30 <= reset <= 32  # both headers are cut to whole seconds


@pytest.mark.parametrize("age", [0.0, 0.5, 1.5])
def test_a_date_header_that_is_renewed_now_and_then_is_not_taken_for_a_wrong_clock(age: float) -> None:
    headers = {"X-RateLimit-Reset": iso(NOW + 30), "Date": formatdate(NOW - age, usegmt=True)}

    reset = RateHeaders(lambda: NOW).read(headers).reset

    assert reset is not None
    assert 30 <= reset <= 31


def test_the_clocks_are_compared_the_better_the_more_answers_come() -> None:
    now, skew, reset = NOW, 1_000.0, None
    rate_headers = RateHeaders(lambda: now)
    for _ in range(40):
        now += 0.33
        headers = {"X-RateLimit-Reset": str(int(now + skew + 30)), "Date": formatdate(now + skew, usegmt=True)}
        reset = rate_headers.read(headers).reset

    exact = int(now + skew + 30) + 1 - (now + skew)
    assert reset == pytest.approx(exact, abs=0.34)


@pytest.mark.parametrize(
    "value",
    ["", " ", "soon", "nan", "inf", "-inf", "1e999", "9999-99-99", "Foo, 99 Bar 2026", "é", "0000-00-00 00:00:00"],
)
def test_headers_that_make_no_sense_are_as_good_as_none(value: str) -> None:
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Date")
    headers = dict.fromkeys(names, value)

    assert RateHeaders(lambda: NOW).read(headers) == RateState(None, None, None)
    assert RateHeaders(lambda: NOW).retry_after(headers) is None


@given(
    st.dictionaries(
        st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Date"]),
        st.text() | st.floats().map(str) | st.integers().map(str),
    )
)
def test_no_header_whatever_it_says_breaks_a_call(headers: dict[str, str]) -> None:
    rate_headers = RateHeaders(lambda: NOW)

    state = rate_headers.read(headers)
    asked = rate_headers.retry_after(headers)

    assert state.reset is None or state.reset >= 0
    assert asked is None or asked >= 0


def test_retry_after_comes_before_the_end_of_the_window() -> None:
    rate_headers = RateHeaders(lambda: NOW)

    assert rate_headers.retry_after({"Retry-After": "3", "X-RateLimit-Reset": "50"}) == 3
    assert rate_headers.retry_after({"X-RateLimit-Reset": "50"}) == 51
    assert rate_headers.asked({"X-RateLimit-Reset": "50"}) is None


# Letting requests through


def told(limit: int | None, remaining: int | None, reset: float | None) -> RateState:
    return RateState(limit, remaining, reset)


def make(clock: Clock, **settings: Any) -> Budget:
    return Budget(clock=clock.now, sleep=clock.sleep, **settings)


def test_without_any_headers_nothing_is_waited_for() -> None:
    clock = Clock()
    budget = make(clock)

    for _ in range(1_000):
        budget.acquire()
        budget.answered(told(None, None, None))

    assert clock.waits == []
    assert budget.remaining is None
    assert budget.limit is None


@pytest.mark.parametrize(("remaining", "reserve", "waits"), [(1, 0, []), (0, 0, [20.0]), (6, 5, []), (5, 5, [20.0])])
def test_the_next_window_is_waited_for_when_only_the_reserve_is_left(
    remaining: int, reserve: int, waits: list[float]
) -> None:
    clock = Clock()
    budget = make(clock, reserve=reserve)
    budget.acquire()
    budget.answered(told(60, remaining, 20.0))

    budget.acquire()

    assert clock.waits == waits


def test_a_reserve_of_the_whole_window_still_lets_one_request_through_a_window() -> None:
    clock = Clock()
    budget = make(clock, reserve=1_000)
    for remaining in (59, 59, 59):
        budget.acquire()
        budget.answered(told(60, remaining, 60.0))

    assert clock.waits == [60.0, 60.0]


def test_a_window_that_is_used_up_and_does_not_say_until_when_is_left_to_the_service_to_refuse() -> None:
    clock = Clock()
    budget = make(clock)
    budget.acquire()
    budget.answered(told(60, 0, None))

    budget.acquire()

    assert clock.waits == []


def test_of_answers_that_overtake_each_other_the_lowest_figure_counts() -> None:
    clock = Clock()
    budget = make(clock)
    for _ in range(3):
        budget.acquire()
    for remaining in (1, 0, 2):
        budget.answered(told(3, remaining, 30.0))

    budget.acquire()

    assert clock.waits == [30.0]


def test_requests_under_way_count_as_made() -> None:
    clock = Clock()
    budget = make(clock)
    budget.acquire()
    budget.answered(told(60, 2, 30.0))
    budget.acquire()
    budget.acquire()
    answers = iter([told(60, 1, 29.0), told(60, 0, 29.0)])

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if (answer := next(answers, None)) is not None:
            budget.answered(answer)

    budget._sleep = sleep
    budget.acquire()

    assert clock.waits[0] < 1  # a look whether those under way were counted already
    assert sum(clock.waits) == pytest.approx(30.0)


@pytest.mark.parametrize(("remaining", "waits"), [(2, []), (1, [30.0])])
def test_a_request_that_ends_without_an_answer_is_under_way_no_more_and_may_have_been_counted(
    remaining: int, waits: list[float]
) -> None:
    clock = Clock()
    budget = make(clock)
    budget.acquire()
    budget.answered(told(60, remaining, 30.0))
    budget.acquire()
    budget.unanswered()

    budget.acquire()

    assert clock.waits == waits
    assert budget.under_way == 1


def test_a_new_window_begins_with_the_whole_limit() -> None:
    clock = Clock()
    budget = make(clock)
    budget.acquire()
    budget.answered(told(60, 0, 10.0))

    budget.acquire()

    assert budget.remaining == 60
    budget.answered(told(60, 59, 60.0))
    assert budget.remaining == 59


def test_a_window_that_begins_before_the_last_one_is_over_for_sure_is_not_taken_for_a_fresh_one() -> None:
    clock = Clock()
    budget = make(clock)
    budget.acquire()
    budget.answered(told(60, 40, 2.0))  # which may be over a second earlier, its end was rounded
    clock.sleep(1.5)
    for remaining in (59, 58, 57):
        budget.acquire()
        budget.answered(told(60, remaining, 60.0))
    assert budget.remaining == 40  # until it is over for sure the lower figure counts
    clock.sleep(1.0)
    budget.acquire()
    assert budget.remaining == 57
    budget.answered(told(60, 0, 59.0))
    budget.acquire()
    assert clock.waits[-1] == pytest.approx(59.0, abs=1.5)


def test_an_answer_of_the_last_window_that_was_long_under_way_says_nothing_about_the_new_one() -> None:
    clock = Clock()
    budget = make(clock)
    for _ in range(2):
        budget.acquire()
    budget.answered(told(60, 0, 10.0))
    budget.acquire()  # in the next window, for which it waited
    budget.answered(told(60, 3, 0.5))
    assert budget.remaining == 60
    budget.answered(told(60, 57, 60.0))
    assert budget.remaining == 57
    clock.sleep(1.0)
    budget.acquire()
    assert budget.remaining == 57


@pytest.mark.parametrize(("late", "reset"), [(0.2, 0.0), (5.0, 0.0), (0.2, 0.3)])
def test_an_answer_of_the_last_window_does_not_use_up_a_new_one_that_is_known_already(
    late: float, reset: float
) -> None:
    clock = Clock()
    budget = make(clock)
    for _ in range(3):
        budget.acquire()
    budget.answered(told(60, 40, 2.0))
    clock.sleep(1.5)
    budget.answered(told(60, 59, 60.0))  # of the new window, which has begun
    clock.sleep(0.5 + late)
    budget.acquire()
    budget.answered(told(60, 0, reset))
    assert budget.remaining == 59


def test_a_new_window_is_not_overrun_by_all_threads_before_its_first_answer() -> None:
    clock = Clock()
    budget = make(clock, max_wait=5.0)
    budget.acquire()
    budget.answered(told(2, 0, 1.0))
    budget.acquire()
    budget.acquire()
    looks = len(clock.waits)

    def answer(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.waits) == looks + 3:
            budget.answered(told(2, 0, 4.0))

    budget._sleep = answer
    budget.acquire()

    assert sum(clock.waits[looks:]) > 4.0  # the third request of a window of two waited for the next one


def test_a_refusal_keeps_everybody_out_and_a_shorter_one_does_not_shorten_it() -> None:
    clock = Clock()
    budget = make(clock)
    budget.refused(30.0)
    budget.refused(5.0)

    budget.acquire()

    assert clock.waits == [30.0]


def test_a_wait_beyond_max_wait_is_refused_and_counts_as_no_request() -> None:
    clock = Clock()
    budget = make(clock, max_wait=10.0)
    budget.refused(10.5)

    with pytest.raises(RateLimitError) as caught:
        budget.acquire()

    assert caught.value.retry_after == 10.5
    assert clock.waits == []
    assert budget.under_way == 0


@given(
    requests=st.integers(1, 20),
    seconds=st.sampled_from([1.0, 60.0]),
    gaps=st.lists(st.floats(0, 10), min_size=1, max_size=120),
)
def test_a_known_pace_is_never_exceeded_however_requests_come(requests: int, seconds: float, gaps: list[float]) -> None:
    clock = Clock()
    budget = make(clock, paces=(Pace(requests, seconds),))
    made: list[float] = []
    for gap in gaps:
        clock.time += gap
        budget.acquire()
        made.append(clock.time)
        budget.answered(told(None, None, None))

    for first, later in zip(made, made[requests:], strict=False):
        assert later - first >= seconds - 1e-6


def test_a_pace_is_not_slower_than_it_says() -> None:
    clock = Clock()
    budget = make(clock, paces=(Pace(10, 60.0), Pace(1_000, 3_600.0)))
    for _ in range(100):
        budget.acquire()
        budget.answered(told(None, None, None))

    assert sum(clock.waits) == pytest.approx(9 * 60)


def test_one_account_has_one_budget_in_a_process() -> None:
    one = shared_budget(("account", 1), Budget)

    assert shared_budget(("account", 1), Budget) is one
    assert shared_budget(("account", 2), Budget) is not one


# Against a service with a fixed window


class FixedWindow(BaseAdapter):
    """A service that allows so many requests a window, which begins with its first request.

    :param skew: seconds its clock is ahead.
    """

    def __init__(
        self,
        time: VirtualTime,
        *,
        limit: int = 60,
        skew: float = 0.0,
        name: str = "ISO",
        latency: float = 0.1,
        retry_after: bool = True,
        silent: bool = False,
    ) -> None:
        super().__init__()
        self.time, self.limit, self.skew, self.latency = time, limit, skew, latency
        self.write, self.retry_after, self.silent = RESETS[name], retry_after, silent
        self.ends = 0.0
        self.used = self.served = self.refused = 0
        self.random = random.Random(1)

    def take(self) -> bool:
        now = self.time.now()
        if now >= self.ends:
            self.ends, self.used = now + 60.0, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.time.sleep(self.latency * self.random.random())
        is_let_in = self.take()
        self.served += is_let_in
        self.refused += not is_let_in
        now = self.time.now()
        response = requests.Response()
        response.status_code = 200 if is_let_in else 429
        response.raw, response.request, response.url = io.BytesIO(b"{}"), request, request.url or ""
        response.headers = CaseInsensitiveDict({"Date": formatdate(now + self.skew, usegmt=True)})
        if not self.silent:
            response.headers["X-RateLimit-Limit"] = str(self.limit)
            response.headers["X-RateLimit-Remaining"] = str(self.limit - self.used)
            response.headers["X-RateLimit-Reset"] = self.write(self.ends + self.skew, now + self.skew)
        if not is_let_in and self.retry_after:
            response.headers["Retry-After"] = str(int(self.ends - now) + 1)
        self.time.sleep(self.latency * self.random.random())
        return response

    def close(self) -> None:
        pass


def client_of(
    service: FixedWindow, monkeypatch: pytest.MonkeyPatch, *, max_retries: int = 8, **settings: Any
) -> Transport:
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: service)
    time = service.time
    budget = Budget(clock=time.now, sleep=time.sleep, **settings)
    transport = Transport(SenderDialect(TOKEN), Settings(BASE, max_retries=max_retries), budget, sleep=time.sleep)
    transport._rate_headers = RateHeaders(wall=time.now)
    return transport


def run(
    service: FixedWindow,
    monkeypatch: pytest.MonkeyPatch,
    *,
    calls: int,
    threads: int,
    max_retries: int = 8,
    **settings: Any,
) -> None:
    """Make so many calls through a whole client, from so many threads, and return when the last is answered."""
    transport = client_of(service, monkeypatch, max_retries=max_retries, **settings)

    def work() -> None:
        for _ in range(calls // threads):
            transport.call(repeatable("PUT", "/x"), Done)

    service.time.run(*[work] * threads)
    assert service.served >= calls
    assert transport.budget.under_way == 0


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("skew", [-7.7, 0.0, 3600.3])
@pytest.mark.parametrize("name", ["ISO", "epoch", "delta"])
@pytest.mark.parametrize("retry_after", [True, False])
def test_a_sole_client_is_never_refused_and_within_two_percent_of_the_floor(
    monkeypatch: pytest.MonkeyPatch, threads: int, skew: float, name: str, retry_after: bool
) -> None:
    service = FixedWindow(VirtualTime(), skew=skew, name=name, retry_after=retry_after)

    run(service, monkeypatch, calls=600, threads=threads)

    assert service.refused == 0
    # Ten windows of sixty: the tenth begins after nine minutes, and its own requests take their time.
    own_time = 60 * service.latency / threads
    assert service.time.passed <= 9 * 60 * 1.02 + own_time * 1.5


@pytest.mark.parametrize("name", ["ISO", "epoch", "delta"])
def test_a_burst_is_never_refused_however_near_to_the_end_of_a_window_it_begins(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    service = FixedWindow(VirtualTime(), name=name)
    transport, time = client_of(service, monkeypatch), service.time

    def call(number: int) -> None:
        for _ in range(number):
            transport.call(repeatable("PUT", "/x"), Done)

    for tenth in range(25):
        time.run(lambda: call(1))
        time.run(lambda: time.sleep(59.0 + tenth / 10))  # noqa: B023 (it is over by the next one)
        time.run(*[lambda: call(20)] * 8)
        time.run(lambda: time.sleep(300.0))

    assert service.refused == 0


@pytest.mark.parametrize("threads", [4, 8])
def test_threads_do_not_overrun_a_window_smaller_than_they_are_many(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    service = FixedWindow(VirtualTime(), limit=3)

    run(service, monkeypatch, calls=48, threads=threads)

    # Before the first answer ever nobody can know; from then on everybody does.
    assert service.refused <= threads - 3


def test_a_reserve_is_left_to_others_in_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FixedWindow(VirtualTime())
    highest = []
    take = service.take

    def watched() -> bool:
        is_let_in = take()
        highest.append(service.used)
        return is_let_in

    monkeypatch.setattr(service, "take", watched)
    run(service, monkeypatch, calls=200, threads=4, reserve=20)

    assert max(highest) == 40
    assert service.refused == 0


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("retry_after", [True, False])
def test_a_client_that_shares_its_account_survives_being_refused(
    monkeypatch: pytest.MonkeyPatch, threads: int, silent: bool, retry_after: bool
) -> None:
    service = FixedWindow(VirtualTime(), retry_after=retry_after, silent=silent)
    others = random.Random(2)
    take = service.take

    def shared() -> bool:
        for _ in range(others.choice([0, 0, 1, 3])):
            take()
        return take()

    monkeypatch.setattr(service, "take", shared)
    monkeypatch.setattr("random.uniform", others.uniform)

    # Where the service says nothing at all, chance alone decides when it is asked again, so it takes more attempts.
    max_retries = 30 if silent and not retry_after else 8
    run(service, monkeypatch, calls=240, threads=threads, max_retries=max_retries)

    assert service.served == 240
    assert service.refused > 0
