"""The sandbox's time, which a test can move."""

from __future__ import annotations

import time


class Clock:
    """The wall clock plus everything it was advanced by.

    :param ahead: seconds this clock already runs ahead of the wall clock.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock; what became due meanwhile happens before the next call is served."""
        self.ahead += seconds
