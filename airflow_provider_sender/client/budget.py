"""The account's request budget: wait for the next window instead of being refused.

A service counts the requests of a whole account in windows and tells, with every answer, how many are left and when
the window ends. A client that heeds this is never refused. Services that tell nothing are paced by the limits they
publish. One :class:`Budget` is shared by all threads of a process that talk to the same account, and what it knows is
shared by all processes of the machine (``budget_store.py``).
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self
from weakref import WeakValueDictionary

from airflow_provider_sender.client.budget_state import BudgetState
from airflow_provider_sender.client.budget_store import BudgetStore, MemoryStore
from airflow_provider_sender.client.errors import RateLimitError
from airflow_provider_sender.client.rate_headers import ROUNDING, RateState

log = logging.getLogger(__name__)

# Seconds the window of a service's rate headers lasts, unless the service says otherwise.
_WINDOW = 60.0

# How often a thread looks again whether an answer that is under way has made room for it.
_LOOK_AGAIN = 0.02

# Rounding can leave a wait of no length at all, which would be waited for over and over.
_SHORTEST_SLEEP = 0.001

_LONG_ENOUGH_TO_MENTION = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """A limit that is known beforehand: at most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float


class Budget:
    """Lets each request through when the account has room for it.

    :param paces: limits known beforehand, the service's published ones and the user's own cap.
    :param reserve: requests of every window that are left to others.
    :param max_wait: the longest single wait in seconds; a longer one raises :class:`RateLimitError`.
    :param window: seconds the window of the service's rate headers lasts.
    :param clock: tells the time; where processes share the budget, the same to all of them.
    """

    def __init__(
        self,
        *,
        paces: tuple[Pace, ...] = (),
        reserve: int = 0,
        max_wait: float = 120.0,
        window: float = _WINDOW,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._max_wait = max_wait
        self._reserve = reserve
        self._window = window
        self._paces = [(pace, f"{pace.requests}/{pace.seconds:g}") for pace in paces]
        self._clock = clock
        self._sleep = sleep
        self._store: BudgetStore = MemoryStore()

    def shared(self, store: BudgetStore) -> Self:
        """Go by what a store knows of the account, and return this budget.

        :param store: where other processes that talk to the account keep their budget, too.
        """
        self._store = store
        return self

    @property
    def limit(self) -> int | None:
        """Requests a window allows, as far as the service has told."""
        with self._state() as (state, _):
            return state.limit

    @property
    def remaining(self) -> int | None:
        """Requests left in the current window, as far as the service has told."""
        with self._state() as (state, _):
            return state.remaining

    @property
    def under_way(self) -> int:
        """Requests that are not answered yet."""
        with self._state() as (state, _):
            return state.all_under_way

    @contextlib.contextmanager
    def _state(self) -> Iterator[tuple[BudgetState, float]]:
        """Hold the state for the length of the block, and the time."""
        now = self._clock()
        with self._store.open(now) as state:
            yield state, now

    def at_once(self, requests: int, seconds: float, most: int) -> int:
        """Return how many of many requests are worth making at the same time.

        All that are allowed where the window has room for every one of them; else as many as it takes to use windows
        up, for more would only wait.

        :param seconds: how long one takes.
        :param most: the most that are allowed.
        """
        with self._state() as (state, now):
            self._delay(state, now)  # a window that is over counts no more
            rooms = [pace.requests - sum(each.count for each in state.sent.get(name, ())) for pace, name in self._paces]
            rates = [pace.requests / pace.seconds for pace, _ in self._paces]
            if state.remaining is not None:
                rooms.append(state.remaining - self._reserve)
            if state.limit is not None:
                rates.append(state.limit / self._window)
        if not rates or all(room >= requests for room in rooms):
            return most
        return max(1, min(most, math.ceil(min(rates) * seconds)))

    def acquire(self, max_wait: float | None = None) -> None:
        """Wait until one more request may be made, and count it as under way.

        :param max_wait: the longest single wait in seconds, by default the budget's own.

        :raises RateLimitError: when that would take longer than ``max_wait`` seconds; nothing was sent.
        """
        longest = self._max_wait if max_wait is None else max_wait
        mentioned = False
        while True:
            delay = self._begin()
            if delay <= 0:
                return
            if delay > longest:
                raise RateLimitError(
                    f"The account's request window is used up for another {delay:.0f} s, longer than a worker may "
                    f"wait (max_wait of the connection: {longest:.0f} s).",
                    retry_after=delay,
                )
            if delay >= _LONG_ENOUGH_TO_MENTION and not mentioned:
                log.info("Rate limit reached; resuming in %.0f s", delay)
                mentioned = True
            self._sleep(max(delay, _SHORTEST_SLEEP))

    def _begin(self) -> float:
        """Count a request as under way, if there is room for it; return for how many seconds there is none."""
        with self._state() as (state, now):
            delay = self._delay(state, now)
            if delay > 0 and self._forget_dead(state, now):
                delay = self._delay(state, now)
            if delay <= 0:
                state.begin(self._store.process(), now)
                for pace, name in self._paces:
                    state.count_sent(name, pace.requests, pace.seconds, now)
            return delay

    def _forget_dead(self, state: BudgetState, now: float) -> bool:
        """Count the requests of processes that were killed, or are frozen, as answered; return whether there were any.

        The service may have counted them.
        """
        dead = set(state.old_under_way(now))
        dead |= {process for process in state.under_way if not self._store.is_alive(process)}
        for process in dead:
            self._unanswered(state, state.under_way.pop(process).count, now)
        return bool(dead)

    def answered(self, rate: RateState) -> None:
        """Take note of an answer and what it says about the window."""
        with self._state() as (state, now):
            state.end(self._store.process())
            if rate.remaining is None:
                return
            # No window lasts longer, so what was added for the rounding of its end is taken off one that just began.
            ends_at = now + min(rate.reset, self._window) if rate.reset is not None else None
            if ends_at is not None and _is_of_the_last_window(state, ends_at, now):
                return
            if state.ends_at is None or state.remaining is None:
                state.remaining = rate.remaining
                state.ends_at = ends_at
            else:
                if ends_at is not None and ends_at > state.ends_at + ROUNDING:
                    left = state.next_window[0] if state.next_window is not None else rate.remaining
                    state.next_window = (min(left, rate.remaining), ends_at)
                # Answers overtake each other: within a window the lowest figure is the newest.
                state.remaining = min(state.remaining, rate.remaining)
            if rate.limit is not None:
                state.limit = rate.limit

    def unanswered(self) -> None:
        """Take note that a request ended without an answer; the service may have counted it all the same."""
        with self._state() as (state, now):
            state.end(self._store.process())
            self._unanswered(state, 1, now)

    def _unanswered(self, state: BudgetState, requests: int, now: float) -> None:
        state.may_have_been_counted(requests)

    def refused(self, seconds: float) -> None:
        """Let no request through for ``seconds``: the service said so."""
        with self._state() as (state, now):
            state.closed_until = max(state.closed_until, now + seconds)

    def _delay(self, state: BudgetState, now: float) -> float:
        paced = (state.delay_of(name, pace.requests, pace.seconds, now) for pace, name in self._paces)
        return max(state.closed_until - now, self._window_delay(state, now), *paced)

    def _window_delay(self, state: BudgetState, now: float) -> float:
        while state.ends_at is not None and now >= state.ends_at:
            state.ended_at = state.ends_at
            state.remaining, state.ends_at = state.next_window or (state.limit, None)
            state.next_window = None
        if state.remaining is None:
            return 0.0
        reserve = min(self._reserve, (state.limit or self._reserve + 1) - 1)
        if state.remaining - state.all_under_way > reserve:
            return 0.0
        if state.remaining > reserve:
            return _LOOK_AGAIN  # those under way may be counted already; their answers will tell
        return state.ends_at - now if state.ends_at is not None else 0.0


def _is_of_the_last_window(state: BudgetState, ends_at: float, now: float) -> bool:
    """Tell whether an answer was long under way, and speaks of the window that is over by now."""
    if state.ended_at is None:
        return False
    is_over = ends_at <= now and state.ends_at is not None and now < state.ends_at
    return is_over or ends_at < state.ended_at + ROUNDING


_budgets: WeakValueDictionary[object, Budget] = WeakValueDictionary()
_budgets_lock = threading.Lock()


def shared_budget(account: object, make: Callable[[], Budget]) -> Budget:
    """Return this process's budget for an account, made by ``make`` when there is none yet.

    :param account: what tells accounts and their settings apart; it is hashed and compared, never shown.
    """
    with _budgets_lock:
        budget = _budgets.get(account)
        if budget is None:
            budget = _budgets[account] = make()
        return budget
