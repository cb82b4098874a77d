"""What the headers of an answer say about the account's request window.

Services write the end of a window in three ways, and on a clock that is not ours; here it becomes seconds from now.
What :class:`~airflow_provider_sender.client.budget.Budget` makes of it is not decided here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Epoch seconds are beyond this and seconds-from-now are below it, whatever the year.
_SMALLEST_EPOCH = 1_000_000_000

# A reset told in whole seconds may have been rounded down, so the window may last up to a second longer.
ROUNDING = 1.0

# The Date header is cut to whole seconds and many servers renew it once a second, so up to so many seconds it cannot
# tell the clocks apart, and ours is the finer one.
_DATE_IS_BEHIND = 2.5


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
            reset=self._seconds_until(headers.get("X-RateLimit-Reset"), rounding=ROUNDING),
        )

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Return for how many seconds the service asks to be left alone (``Retry-After``, else the window's end).

        No time at all (``Retry-After: 0``) counts as not said.
        """
        return self.asked(headers) or self._seconds_until(headers.get("X-RateLimit-Reset"), rounding=ROUNDING)

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
