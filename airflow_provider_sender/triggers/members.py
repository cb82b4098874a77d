"""Somebody who waits for a campaign together with others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.jobs.waiting import Wait

# However often somebody wants to look.
SHORTEST_INTERVAL = 0.01


@dataclass(eq=False)
class Member:
    """Somebody who waits.

    :param wait: for what.
    :param began: since when, epoch seconds.
    :param over: gets the campaign when it is sent, or the error that ends the wait.
    :param due: when the next look is due, by the event loop's clock.
    :param is_asked_for: whether a round that is under way looks for this one.
    """

    wait: Wait
    began: float
    over: asyncio.Future[Campaign]
    due: float = 0.0
    is_asked_for: bool = False

    @property
    def interval(self) -> float:
        """Seconds between two looks."""
        return max(self.wait.poll_interval, SHORTEST_INTERVAL)

    @property
    def is_waiting(self) -> bool:
        """Whether the wait is not over yet."""
        return not self.over.done()

    def take(self, answer: Campaign | Exception) -> None:
        """Go by what a look brought, or by why it brought nothing."""
        if self.wait.is_in_doubt and asyncio.get_running_loop().time() < self.due:
            return  # another answer of the look that raised the doubt; the next look settles it
        try:
            if isinstance(answer, Exception):
                self.wait.failed(answer)
            elif self.wait.saw(answer, time.time() - self.began):
                self.over.set_result(answer)
                return
            self._go_on()
        except Exception as final:
            self.over.set_exception(final)

    def end(self, error: Exception) -> None:
        """End the wait: nothing is asked for it any more."""
        self.over.set_exception(error)

    def _go_on(self) -> None:
        pause = self.wait.pause(time.time() - self.began)
        self.due = asyncio.get_running_loop().time() + max(pause, SHORTEST_INTERVAL)
