"""Runs of the task, try after try, alone or beside each other, in the sandbox's time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.kill_anywhere.process import Deferred, Ending, Failed, Fired, Pause, Process, Sent, Step
from tests.kill_anywhere.task import Airflow, Task, wait, work

# A task that fails for good is cleared by somebody who has read what it says; not for ever.
MOST_FAILURES = 2
# What a request takes where several runs are under way, so that they get between each other's requests.
REQUEST_TIME = 0.3
_LATER = timedelta(hours=2).total_seconds()


class AfterDeath(StrEnum):
    """What follows when a process is killed."""

    RETRIED = "retried"
    MEMORY_LOST = "retried by an Airflow that has forgotten everything"
    GONE = "not retried"


class Run:
    """A task in one Airflow, through all its processes until it is successful.

    :param dies_at: the number of the step, as they are told, before and after counting as two; None for never.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        task: Task,
        airflow: Airflow,
        log: Path,
        *,
        dies_at: int | None = None,
        after_death: AfterDeath = AfterDeath.RETRIED,
        request_time: float = 0.0,
    ) -> None:
        self._sandbox = sandbox
        self._task = task
        self._airflow = airflow
        self._log = log
        self._dies_at = dies_at
        self._after_death = after_death
        self._request_time = request_time
        self._process: Process | None = None
        self._deferred: Deferred | None = None
        self._has_looked = False
        self._is_over = False
        self._event: dict[str, object] | None = None
        self.steps: list[Step] = []
        self.died = False
        self.failures: list[str] = []
        self.campaign_id: str | None = None

    @property
    def requests(self) -> list[str]:
        """The requests that were made, as the service sees them."""
        # A process that is killed before a request has not made it.
        unmade = self._dies_at if self.died else None
        return [
            step.what
            for number, step in enumerate(self.steps)
            if step.is_request and not step.is_done and number != unmade
        ]

    def go(self) -> float | None:
        """Go on until time has to pass; return how much of it, or None when the run is over."""
        while not self._is_over:
            if self._process is None:
                self._process = Process(self._next(), self._log)
            else:
                self._process.go_on()
            message = self._process.hear()
            if isinstance(message, Pause):
                return message.seconds
            if not isinstance(message, Step):
                self._ended(message)
            elif pause := self._stepped(message):
                return pause
        return None

    def _stepped(self, step: Step) -> float:
        """Take note of a step; return how long it takes."""
        self.steps.append(step)
        if self._dies_at == len(self.steps) - 1:
            self._die()
        elif self._deferred is not None and step.is_done and not self._has_looked:
            # In the triggerer time is the wall's, so what it waits for is made to happen.
            self._has_looked = True
            self._sandbox.advance(_LATER)
        elif step.is_request and not step.is_done:
            return self._request_time
        return 0.0

    def _ended(self, ending: Ending) -> None:
        """Take note of what a process came to."""
        assert self._process is not None
        self._process.end()
        self._process = None
        self._deferred = self._event = None
        if isinstance(ending, Sent):
            self.campaign_id = ending.campaign_id
            self._is_over = True
        elif isinstance(ending, Deferred):
            self._deferred = ending
        elif isinstance(ending, Fired):
            self._event = ending.event
        elif isinstance(ending, Failed):
            self.failures.append(ending.why)
            self._is_over = len(self.failures) > MOST_FAILURES

    def _next(self) -> Callable[[], Ending]:
        deferred, event, airflow = self._deferred, self._event, self._airflow
        if deferred is not None:
            return lambda: wait(deferred)
        return lambda: work(self._task, airflow, event)

    def _die(self) -> None:
        assert self._process is not None
        self._process.die()
        self._process = None
        self.died = True
        self._is_over = self._after_death is AfterDeath.GONE
        # A trigger that dies is started again; a worker that dies has its task begin from the start.
        self._event = None
        if self._after_death is AfterDeath.MEMORY_LOST:
            self._airflow.memory.unlink(missing_ok=True)
            self._airflow = Airflow(self._airflow.dag_id, self._airflow.run_id, self._airflow.memory, has_memory=False)


def go_together(sandbox: Sandbox, runs: Sequence[Run], apart: float = 0.0) -> None:
    """Have runs begin one after the other and go on until all are over.

    :param apart: seconds from the beginning of one to that of the next.
    """
    now, order = 0.0, itertools.count()
    queue = [(apart * number, next(order), run) for number, run in enumerate(runs)]
    while queue:
        moment, _, run = heapq.heappop(queue)
        if moment > now:
            sandbox.advance(moment - now)
            now = moment
        pause = run.go()
        if pause is not None:
            heapq.heappush(queue, (now + pause, next(order), run))
