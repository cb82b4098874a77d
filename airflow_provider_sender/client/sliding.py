"""The request budget of a service that counts the requests of the last second, whenever that began.

A request counts from when the service received it, which is not later than when its answer came back: so one may be
made as soon as the answers of the window before it leave room. What others use of the account shows in what the
service says is left, and is allowed for until the window has passed over it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_sender.client.budget import Budget, Pace
from airflow_provider_sender.client.budget_state import BudgetState
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

    def answered(self, rate: RateState) -> None:
        """Take note of an answer and what it says about the window."""
        with self._state() as (state, now):
            state.end(self._store.process())
            state.answers.append(now)
            self._forget(state, now)
            if rate.limit is not None:
                state.limit = rate.limit
            if rate.remaining is None or state.limit is None:
                return
            state.remaining = rate.remaining
            # Those under way may be counted already, so only what neither they nor ours explain is somebody else's.
            others = state.limit - rate.remaining - len(state.answers) - state.all_under_way
            if others > 0:
                state.others, state.others_until = others, now + self._window

    def _unanswered(self, state: BudgetState, requests: int, now: float) -> None:
        state.answers += [now] * requests

    def _window_delay(self, state: BudgetState, now: float) -> float:
        self._forget(state, now)
        if state.limit is None:
            return 0.0
        room = state.limit - min(self._reserve, state.limit - 1) - state.others
        if len(state.answers) + state.all_under_way < room:
            return 0.0
        if state.answers and len(state.answers) >= room:
            return state.answers[0] + self._window - now
        # Nothing of ours is in the way but what is under way, or others use all there is.
        return _LOOK_AGAIN if state.under_way else max(0.0, state.others_until - now)

    def _forget(self, state: BudgetState, now: float) -> None:
        """Leave out what the window has passed over."""
        while state.answers and state.answers[0] + self._window <= now:
            del state.answers[0]
        if now >= state.others_until:
            state.others = 0


# Seconds after which a thread looks again whether an answer that is under way has made room.
_LOOK_AGAIN = 0.005
