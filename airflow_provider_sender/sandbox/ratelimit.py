"""How requests are limited: in fixed windows, as Laravel counts them, or in any stretch of time."""

from __future__ import annotations

import math
from collections import deque

import msgspec

# How far into a second a window may begin and still end with it. Without this a client that comes back on the
# very second it was told would begin every window a few milliseconds late, and wait a second more each time.
_GRACE = 0.1


class Window(msgspec.Struct, frozen=True):
    """The window a call fell into.

    :param limit: requests in a window.
    :param used: requests let through in it so far, this one included.
    :param resets_at: when it ends, in seconds since the epoch.
    :param now: when the call came.
    :param is_exceeded: whether this call was one too many.
    :param quota: the name of the quota it belongs to, where a service has several.
    """

    limit: int
    used: int
    resets_at: float
    now: float
    is_exceeded: bool
    quota: str = ""

    @property
    def remaining(self) -> int:
        """Requests left."""
        return max(self.limit - self.used, 0)

    @property
    def reset_second(self) -> int:
        """The first whole second in which the window is over."""
        return math.ceil(self.resets_at)

    @property
    def seconds_left(self) -> int:
        """Whole seconds after which the window is over."""
        return max(math.ceil(self.resets_at - self.now), 1)


class RateLimit:
    """Counts an account's requests. A window begins with its first request, not on the minute.

    In the wall clock's time: that is what clients hold the reset against, also while the sandbox's runs
    ahead.
    """

    def __init__(self) -> None:
        self._resets_at = 0.0
        self._used = 0

    def take(self, limit: int, window_seconds: float, now: float, quota: str = "") -> Window:
        """Count one request.

        :param limit: requests allowed in a window.
        :param window_seconds: the window's length.
        :param now: seconds since the epoch.
        :param quota: what the window is called.
        """
        if now >= self._resets_at:
            end = now + window_seconds
            self._resets_at = max(min(end, math.ceil(end - _GRACE)), now)
            self._used = 0
        is_exceeded = self._used >= limit
        if not is_exceeded:
            self._used += 1
        return Window(limit, self._used, self._resets_at, now, is_exceeded, quota)

    def advance(self, seconds: float) -> None:
        """Let a window end this much earlier, as time was skipped."""
        self._resets_at -= seconds


class SlidingLimit:
    """Counts an account's requests over the stretch of time that ends now."""

    def __init__(self) -> None:
        self._let_through: deque[float] = deque()

    def take(self, limit: int, window_seconds: float, now: float, quota: str = "") -> Window:
        """Count one request.

        :param limit: requests allowed in any stretch of the window's length.
        :param window_seconds: that length.
        :param now: seconds since the epoch.
        :param quota: what the window is called.
        :return: the window; it resets when its first request no longer counts.
        """
        counted = self._let_through
        while counted and counted[0] <= now - window_seconds:
            counted.popleft()
        is_exceeded = len(counted) >= limit
        if not is_exceeded:
            counted.append(now)
        return Window(limit, len(counted), counted[0] + window_seconds, now, is_exceeded, quota)

    def advance(self, seconds: float) -> None:
        """Let the requests have been this much earlier, as time was skipped."""
        self._let_through = deque(moment - seconds for moment in self._let_through)
