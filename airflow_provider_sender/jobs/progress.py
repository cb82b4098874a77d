"""One log line every few seconds: how far, how fast, and how long yet."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from airflow_provider_sender.client.budget import Budget

EVERY_SECONDS = 5.0


class Progress:
    """Tells a log how a long job gets on.

    :param log: where to.
    :param what: what is counted, in the plural.
    :param budget: the account's request budget.
    :param total: how many there will be, if known.
    :param done: how many an earlier try has done.
    """

    def __init__(
        self,
        log: logging.Logger,
        what: str,
        budget: Budget,
        *,
        total: int | None = None,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self._log = log
        self._what = what
        self._budget = budget
        self._clock = clock
        self._began = self._told = clock()
        self._done = self._done_before = done

    def advance(self, count: int) -> None:
        """Count what was done, and say so when it is time."""
        self._done += count
        now = self._clock()
        if now - self._told < EVERY_SECONDS:
            return
        self._told = now
        rate = (self._done - self._done_before) / (now - self._began)
        facts = [f"{rate:,.0f} a second"]
        if self._budget.remaining is not None:
            facts.append(f"{self._budget.remaining} requests left in this window")
        if self.total and rate and self.total > self._done:
            facts.append(f"about {_duration((self.total - self._done) / rate)} to go")
        of_total = f" of {self.total:,}" if self.total else ""
        self._log.info("%s%s %s (%s)", f"{self._done:,}", of_total, self._what, ", ".join(facts))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
