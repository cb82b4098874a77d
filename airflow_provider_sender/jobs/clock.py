"""The time a run has been going on, and waiting in it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """The time since a run began.

    :param sleep: waits for so many seconds.
    :param now: tells the time in seconds.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic) -> None:
        self.sleep = sleep
        self._now = now
        self._began = now()

    def running(self) -> float:
        """Return for how many seconds the run has been going on."""
        return self._now() - self._began
