"""What is tried: every way to send a campaign, and at each of its steps everything that may happen there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.kill_anywhere.accounts import ACCOUNTS, Account, Form, When
from tests.kill_anywhere.process import Step
from tests.kill_anywhere.task import Waiting


class Fate(StrEnum):
    """What happens at a step, and what follows."""

    RETRIED = "killed, retried"
    FORGOTTEN = "killed, retried without memory"
    BACKFILLED = "killed, backfilled, retried"
    TAKEN_OVER = "killed, another Airflow, retried"
    TOGETHER = "killed beside another Airflow, retried"
    TOGETHER_FORGOTTEN = "killed beside another Airflow, retried without memory"
    ONE_LATER = "killed beside another Airflow that began later, retried without memory"
    REPLY_LOST = "reply lost"
    REQUEST_LOST = "request lost"

    @property
    def is_death(self) -> bool:
        """Whether the process is killed."""
        return self not in (Fate.REPLY_LOST, Fate.REQUEST_LOST)

    @property
    def is_beside_another(self) -> bool:
        """Whether another Airflow runs the task at the same time."""
        return self in (Fate.TOGETHER, Fate.TOGETHER_FORGOTTEN, Fate.ONE_LATER)


@dataclass(frozen=True)
class Case:
    """One way to send a campaign.

    :param service: its name in ``ACCOUNTS``.
    :param is_slow: whether the service is late with showing what was done, so that it is looked at more often.
    """

    service: str
    form: Form
    when: When
    waiting: Waiting
    is_slow: bool

    def __str__(self) -> str:
        return f"{self.service}, {self.form}, {self.when}, {self.waiting}, {'slow' if self.is_slow else 'prompt'}"

    @property
    def account(self) -> Account:
        """What has to be known of the service."""
        return next(account for account in ACCOUNTS if account.name == self.service)

    @property
    def fates(self) -> Iterator[Fate]:
        """What may happen to it."""
        for fate in Fate:
            # Two that send the same draft at the same moment are not promised to know of each other, two that make
            # it are. Once it is sent, the waiting of one has nothing to do with that of the other.
            if not fate.is_beside_another or (self.form is Form.DEFINITION and self.waiting is Waiting.NOT):
                yield fate


@dataclass(frozen=True)
class Trial:
    """Something that happens at one step.

    :param at: the number of the step as it is told; for what happens on the way, the number of the request.
    :param step: the step that has been found there.
    """

    case: Case
    fate: Fate
    at: int
    step: Step

    def __str__(self) -> str:
        return f"{self.case}: {self.fate} at {self.at}, {self.step}"


def all_cases() -> Iterator[Case]:
    """Return every way to send a campaign."""
    for account in ACCOUNTS:
        for form, when in account.sends:
            for waiting in Waiting:
                for is_slow in (False, True):
                    yield Case(account.name, form, when, waiting, is_slow)


def trials_of(case: Case, steps: list[Step]) -> Iterator[Trial]:
    """Return everything that may happen at the steps that were found."""
    requests = [step for step in steps if step.is_request and not step.is_done]
    for fate in case.fates:
        for at, step in enumerate(steps if fate.is_death else requests):
            yield Trial(case, fate, at, step)
