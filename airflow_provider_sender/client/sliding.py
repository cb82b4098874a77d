"""The request budget of a service that counts the requests of the last second, whenever that began.

A request counts from when the service received it, which is not later than when its answer came back: so one may be
made as soon as the answers of the window before it leave room. What others use of the account shows in what the
service says is left, and is allowed for until the window has passed over it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from airflow_provider_sender.client.budget import Budget, Pace
from airflow_provider_sender.client.rate_headers import RateState


class SlidingBudget(Budget):
    """Lets each request through when the last window has room for it.

    :param window: seconds the service looks back.
    """

    def __init__(
        self,
        *,
        window: float,
        paces: tuple[Pace, ...] = (),
        reserve: int = 0,
        max_wait: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(paces=paces, reserve=reserve, max_wait=max_wait, window=window, clock=clock, sleep=sleep)
        self._answers = deque[float]()
        self._others = 0
        self._others_until = 0.0

    def answered(self, state: RateState) -> None:
        """Take note of an answer and what it says about the window."""
        with self._lock:
            now = self._clock()
            self._under_way -= 1
            self._answers.append(now)
            self._forget(now)
            if state.limit is not None:
                self._limit = state.limit
            if state.remaining is None or self._limit is None:
                return
            self._remaining = state.remaining
            # Those under way may be counted already, so only what neither they nor ours explain is somebody else's.
            others = self._limit - state.remaining - len(self._answers) - self._under_way
            if others > 0:
                self._others, self._others_until = others, now + self._window

    def unanswered(self) -> None:
        """Take note that a request ended without an answer; the service may have counted it all the same."""
        with self._lock:
            self._under_way -= 1
            self._answers.append(self._clock())

    def _window_delay(self, now: float) -> float:
        self._forget(now)
        if self._limit is None:
            return 0.0
        room = self._limit - min(self._reserve, self._limit - 1) - self._others
        if len(self._answers) + self._under_way < room:
            return 0.0
        if self._answers and len(self._answers) >= room:
            return self._answers[0] + self._window - now
        # Nothing of ours is in the way but what is under way, or others use all there is.
        return _LOOK_AGAIN if self._under_way else max(0.0, self._others_until - now)

    def _forget(self, now: float) -> None:
        """Leave out what the window has passed over."""
        while self._answers and self._answers[0] + self._window <= now:
            self._answers.popleft()
        if now >= self._others_until:
            self._others = 0


# Seconds after which a thread looks again whether an answer that is under way has made room.
_LOOK_AGAIN = 0.005
