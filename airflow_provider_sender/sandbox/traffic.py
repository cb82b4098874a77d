"""What came in: a log of the last requests, and counters since the last reset."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice

import msgspec

_KEPT = 10_000


class LoggedRequest(msgspec.Struct):
    """One request to a service.

    :param time: when it came, in seconds since the epoch of the sandbox's clock.
    :param path: below the service's own.
    :param status: ``None`` when the connection was closed without an answer.
    :param fault: the faults that happened to it, by kind.
    :param milliseconds: how long the answer took, delays included.
    """

    id: int
    time: float
    service: str
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None
    milliseconds: float


class Traffic:
    """Log and counters."""

    def __init__(self) -> None:
        self.requests = 0
        self.rate_limited = 0
        self.by_path: Counter[str] = Counter()
        self._log: deque[LoggedRequest] = deque(maxlen=_KEPT)

    def count(self, endpoint: str) -> int:
        """Count a request when it comes.

        :param endpoint: method and route, e.g. ``GET /groups/{id}``.
        :return: its number.
        """
        self.requests += 1
        self.by_path[endpoint] += 1
        return self.requests

    def log(self, request: LoggedRequest, *, is_over_quota: bool = False) -> None:
        """Log a request when it is answered.

        :param is_over_quota: whether it was refused as one too many, with whatever status.
        """
        self.rate_limited += is_over_quota or request.status == 429
        self._log.append(request)

    def latest(self, limit: int) -> list[LoggedRequest]:
        """The last requests answered, oldest first."""
        return list(islice(self._log, max(len(self._log) - limit, 0), None))
