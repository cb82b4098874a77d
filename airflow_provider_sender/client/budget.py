"""The account's request budget: wait for the next window instead of being refused.

A service counts the requests of a whole account in windows and tells, with every answer, how many are left and when
the window ends. A client that heeds this is never refused. Services that tell nothing are paced by the limits they
publish. One :class:`Budget` is shared by all threads of a process that talk to the same account.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

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
        self._sent = [(pace, deque[float]()) for pace in paces]
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._limit: int | None = None
        self._remaining: int | None = None
        self._ends_at: float | None = None
        self._ended_at: float | None = None
        # What is left of a window that began before the one known here is over for sure, and when it ends.
        self._next: tuple[int, float] | None = None
        self._closed_until = 0.0
        self._under_way = 0

    @property
    def limit(self) -> int | None:
        """Requests a window allows, as far as the service has told."""
        return self._limit

    @property
    def remaining(self) -> int | None:
        """Requests left in the current window, as far as the service has told."""
        return self._remaining

    def at_once(self, requests: int, seconds: float, most: int) -> int:
        """Return how many of many requests are worth making at the same time.

        All that are allowed where the window has room for every one of them; else as many as it takes to use windows
        up, for more would only wait.

        :param seconds: how long one takes.
        :param most: the most that are allowed.
        """
        with self._lock:
            self._delay()  # a window that is over counts no more
            rooms = [pace.requests - len(sent) for pace, sent in self._sent]
            rates = [pace.requests / pace.seconds for pace, _ in self._sent]
            if self._remaining is not None:
                rooms.append(self._remaining - self._reserve)
            if self._limit is not None:
                rates.append(self._limit / self._window)
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
            with self._lock:
                delay = self._delay()
                if delay <= 0:
                    self._under_way += 1
                    now = self._clock()
                    for _, sent in self._sent:
                        sent.append(now)
                    return
            if delay > longest:
                raise RateLimitError(
                    f"The account's request window is used up for another {delay:.0f} s, longer than a worker may "
                    f"wait (max_wait of the connection: {longest:.0f} s).",
                    retry_after=delay,
                )
            if delay >= _LONG_ENOUGH_TO_MENTION and not mentioned:
                log.info("The account's request window is used up; going on in %.0f s", delay)
                mentioned = True
            self._sleep(max(delay, _SHORTEST_SLEEP))

    def answered(self, state: RateState) -> None:
        """Take note of an answer and what it says about the window."""
        with self._lock:
            self._under_way -= 1
            if state.remaining is None:
                return
            now = self._clock()
            # No window lasts longer, so what was added for the rounding of its end is taken off one that just began.
            ends_at = now + min(state.reset, self._window) if state.reset is not None else None
            if ends_at is not None and self._is_of_the_last_window(ends_at, now):
                return
            if self._ends_at is None or self._remaining is None:
                self._remaining = state.remaining
                self._ends_at = ends_at
            else:
                if ends_at is not None and ends_at > self._ends_at + ROUNDING:
                    left = self._next[0] if self._next is not None else state.remaining
                    self._next = (min(left, state.remaining), ends_at)
                # Answers overtake each other: within a window the lowest figure is the newest.
                self._remaining = min(self._remaining, state.remaining)
            if state.limit is not None:
                self._limit = state.limit

    def _is_of_the_last_window(self, ends_at: float, now: float) -> bool:
        """Tell whether an answer was long under way, and speaks of the window that is over by now."""
        if self._ended_at is None:
            return False
        is_over = ends_at <= now and self._ends_at is not None and now < self._ends_at
        return is_over or ends_at < self._ended_at + ROUNDING

    def unanswered(self) -> None:
        """Take note that a request ended without an answer; the service may have counted it all the same."""
        with self._lock:
            self._under_way -= 1
            if self._remaining:
                self._remaining -= 1
            if self._next is not None:
                self._next = (max(self._next[0] - 1, 0), self._next[1])

    def refused(self, seconds: float) -> None:
        """Let no request through for ``seconds``: the service said so."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def _delay(self) -> float:
        now = self._clock()
        waits = [self._closed_until - now, self._window_delay(now)]
        waits += [sent[0] + pace.seconds - now for pace, sent in self._sent if _is_full(pace, sent, now)]
        return max(waits)

    def _window_delay(self, now: float) -> float:
        while self._ends_at is not None and now >= self._ends_at:
            self._ended_at = self._ends_at
            self._remaining, self._ends_at = self._next or (self._limit, None)
            self._next = None
        if self._remaining is None:
            return 0.0
        reserve = min(self._reserve, (self._limit or self._reserve + 1) - 1)
        if self._remaining - self._under_way > reserve:
            return 0.0
        if self._remaining > reserve:
            return _LOOK_AGAIN  # those under way may be counted already; their answers will tell
        return self._ends_at - now if self._ends_at is not None else 0.0


def _is_full(pace: Pace, sent: deque[float], now: float) -> bool:
    while sent and sent[0] + pace.seconds <= now:
        sent.popleft()
    return len(sent) >= pace.requests


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
