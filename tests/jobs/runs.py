"""Runs of a task that are killed, retried and run at the same time, in the sandbox's time instead of the wall's."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.transport import Answer
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of

SETTLE_TIME = 30.0
REQUEST_TIME = 0.3


class Killed(BaseException):
    """What a worker that is killed does: nothing more."""


class Notes:
    """Where a task notes what it is about to do; outlives the process."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def noted(self) -> Mapping[str, str]:
        return dict(self.kept)

    def note(self, **facts: str) -> None:
        self.kept.update(facts)


class Nowhere(Notes):
    """Keeps nothing, as an Airflow without such a place, or another Airflow."""

    def note(self, **facts: str) -> None:
        pass


@dataclass
class Life:
    """Counts the steps of a run, each request and each note being one, and ends it at one of them.

    :param ends_at: the step, from 0; None for never.
    :param is_done: whether that step is carried out before the end.
    """

    ends_at: int | None = None
    is_done: bool = False
    steps: int = 0

    def step(self, act: Callable[[], Any]) -> Any:
        is_last = self.steps == self.ends_at
        self.steps += 1
        if is_last and not self.is_done:
            raise Killed
        result = act()
        if is_last:
            raise Killed
        return result


class MortalNotes:
    """Notes of a run that may end at each of them."""

    def __init__(self, notes: Notes, life: Life) -> None:
        self._notes = notes
        self._life = life

    def noted(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._life.step(self._notes.noted)
        return found

    def note(self, **facts: str) -> None:
        self._life.step(lambda: self._notes.note(**facts))


def mortal_service(sandbox: Sandbox, life: Life, **settings: Any) -> SenderService:
    """Return the account of a process that may end at each of its requests."""
    service = service_of(sandbox, settle_time=SETTLE_TIME, **settings)
    exchange = service.transport._exchange

    def mortal(request: Request) -> tuple[Answer, str]:
        answer: tuple[Answer, str] = life.step(lambda: exchange(request))
        return answer

    service.transport._exchange = mortal  # type: ignore[method-assign]
    return service


Job = Callable[[SenderService, Any, Callable[[float], object]], Any]


def run(sandbox: Sandbox, job: Job, notes: Notes, life: Life | None = None) -> Any:
    """Run a job in a new process, so to speak."""
    life = life or Life()
    return job(mortal_service(sandbox, life), MortalNotes(notes, life), sandbox.advance)


def steps_of(sandbox: Sandbox, job: Job) -> int:
    """Return how many steps a job takes when nothing goes wrong."""
    life = Life()
    run(sandbox, job, Notes(), life)
    return life.steps


def killed_at(sandbox: Sandbox, job: Job, notes: Notes, step: int, *, is_done: bool) -> None:
    """Run a job that is killed at a step, if it gets that far."""
    with suppress(Killed):
        run(sandbox, job, notes, Life(step, is_done))


class SharedTime:
    """The time of runs in several threads: it goes on when all of them sleep."""

    def __init__(self, sandbox: Sandbox, runners: int) -> None:
        self._sandbox = sandbox
        self._awake = runners
        self._sleepers: dict[int, float] = {}
        self._numbers = itertools.count()
        self._now = 0.0
        self._changed = threading.Condition()

    def sleep(self, seconds: float) -> None:
        with self._changed:
            number = next(self._numbers)
            self._sleepers[number] = self._now + seconds
            self._awake -= 1
            self._go_on()
            self._changed.wait_for(lambda: number not in self._sleepers, timeout=60)

    def leave(self) -> None:
        with self._changed:
            self._awake -= 1
            self._go_on()

    def _go_on(self) -> None:
        if self._awake or not self._sleepers:
            return
        moment = min(self._sleepers.values())
        self._sandbox.advance(moment - self._now)
        self._now = moment
        for number in [number for number, wakes in self._sleepers.items() if wakes <= moment]:
            del self._sleepers[number]
            self._awake += 1
        self._changed.notify_all()


def unhurried_service(sandbox: Sandbox, time: SharedTime) -> SenderService:
    """Return the account over a line on which every request takes its time."""
    service = service_of(sandbox, settle_time=SETTLE_TIME)
    exchange = service.transport._exchange

    def unhurried(request: Request) -> tuple[Answer, str]:
        time.sleep(REQUEST_TIME)
        return exchange(request)

    service.transport._exchange = unhurried  # type: ignore[method-assign]
    return service


def run_at_once(sandbox: Sandbox, job: Job, starts: list[float]) -> list[BaseException]:
    """Run a job several times at the same time, as several Airflows do, each beginning at its second."""
    time, errors = SharedTime(sandbox, len(starts)), []

    def one(start: float) -> None:
        try:
            time.sleep(start)
            job(unhurried_service(sandbox, time), Nowhere(), time.sleep)
        except BaseException as error:
            errors.append(error)
        finally:
            time.leave()

    threads = [threading.Thread(target=one, args=(start,)) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
