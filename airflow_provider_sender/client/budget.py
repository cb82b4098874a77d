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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from weakref import WeakValueDictionary

from airflow_provider_sender.client.errors import RateLimitError

log = logging.getLogger(__name__)

# Epoch seconds are beyond this and seconds-from-now are below it, whatever the year.
_SMALLEST_EPOCH = 1_000_000_000

# Seconds the window of a service's rate headers lasts, unless the service says otherwise.
_WINDOW = 60.0

# How often a thread looks again whether an answer that is under way has made room for it.
_LOOK_AGAIN = 0.02

# Rounding can leave a wait of no length at all, which would be waited for over and over.
_SHORTEST_SLEEP = 0.001

# A reset told in whole seconds may have been rounded down, so the window may last up to a second longer.
_ROUNDING = 1.0

# The Date header is cut to whole seconds and many servers renew it once a second, so up to so many seconds it cannot
# tell the clocks apart, and ours is the finer one.
_DATE_IS_BEHIND = 2.5

_LONG_ENOUGH_TO_MENTION = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """A limit that is known beforehand: at most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RateState:
    """What one answer says about the window.

    :param limit: requests a window allows.
    :param remaining: requests left in this window.
    :param reset: seconds from now until the window ends.
    """

    limit: int | None
    remaining: int | None
    reset: float | None


class RateHeaders:
    """Reads ``X-RateLimit-*``, ``Retry-After`` and ``Date`` of one service's answers.

    ``X-RateLimit-Reset`` may be ISO-8601, epoch seconds or seconds from now. The first two are on the service's clock,
    which is compared with ours through the ``Date`` header: it is cut to whole seconds, so it says how far the
    service's clock is ahead at the least, and the greatest value seen is the best one.

    :param wall: the time in epoch seconds, on our clock.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._ahead: float | None = None

    def read(self, headers: Mapping[str, str]) -> RateState:
        """Return what an answer's headers say; whatever is missing or unreadable is None."""
        self._compare_clocks(headers.get("Date"))
        return RateState(
            limit=_whole(headers.get("X-RateLimit-Limit")),
            remaining=_whole(headers.get("X-RateLimit-Remaining")),
            reset=self._seconds_until(headers.get("X-RateLimit-Reset"), rounding=_ROUNDING),
        )

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Return for how many seconds the service asks to be left alone (``Retry-After``, else the window's end).

        No time at all (``Retry-After: 0``) counts as not said.
        """
        return self.asked(headers) or self._seconds_until(headers.get("X-RateLimit-Reset"), rounding=_ROUNDING)

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds ``Retry-After`` says, and nothing else: outside a 429 the window's end is no advice."""
        return self._seconds_until(headers.get("Retry-After"), rounding=0.0)

    def _compare_clocks(self, date: str | None) -> None:
        moment = _http_date(date) if date else None
        if moment is None:
            return
        ahead = moment - self._wall()
        if self._ahead is None or ahead > self._ahead:
            self._ahead = ahead

    def _service_time(self) -> float:
        ahead = self._ahead or 0.0
        return self._wall() + (0.0 if -_DATE_IS_BEHIND <= ahead <= 0.0 else ahead)

    def _seconds_until(self, value: str | None, *, rounding: float) -> float | None:
        if not value:
            return None
        number = _number(value)
        if number is not None and number < _SMALLEST_EPOCH:
            left = number
        else:
            moment = number if number is not None else _moment(value)
            if moment is None:
                return None
            number = moment
            left = moment - self._service_time()
        return max(0.0, left + (rounding if number == int(number) else 0.0))


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
            if self._ends_at is None and self._is_of_the_last_window(ends_at):
                return
            if self._ends_at is None or self._remaining is None:
                self._remaining = state.remaining
                self._ends_at = ends_at
            else:
                # Answers overtake each other: within a window the lowest figure is the newest.
                self._remaining = min(self._remaining, state.remaining)
            if state.limit is not None:
                self._limit = state.limit

    def _is_of_the_last_window(self, ends_at: float | None) -> bool:
        """Tell whether an answer was long under way, and speaks of the window that is over by now."""
        return ends_at is not None and self._ended_at is not None and ends_at < self._ended_at + _ROUNDING

    def unanswered(self) -> None:
        """Take note that a request ended without an answer; the service may have counted it all the same."""
        with self._lock:
            self._under_way -= 1
            if self._remaining:
                self._remaining -= 1

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
        if self._ends_at is not None and now >= self._ends_at:
            self._remaining, self._ends_at, self._ended_at = self._limit, None, self._ends_at
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


def _whole(value: str | None) -> int | None:
    number = _number(value) if value else None
    return int(number) if number is not None else None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _moment(value: str) -> float | None:
    """Return epoch seconds of an ISO-8601 or HTTP date; one without a zone is UTC."""
    try:
        return _epoch(datetime.fromisoformat(value))
    except ValueError:
        return _http_date(value)


def _http_date(value: str) -> float | None:
    try:
        return _epoch(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return None


def _epoch(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
