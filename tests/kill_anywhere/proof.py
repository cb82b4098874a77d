"""The proof that a campaign is mailed once: every step of every way to send one is found, and something happens there.

``make kill-anywhere`` runs all of it and prints a table; the tests run a part that is spread over all of it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_sender.client.sendpulse import campaigns as sendpulse_campaigns
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.kill_anywhere.accounts import RECIPIENTS, Form, When, mails_of_all_campaigns
from tests.kill_anywhere.cases import Case, Fate, Trial
from tests.kill_anywhere.process import Step
from tests.kill_anywhere.runs import REQUEST_TIME, AfterDeath, Run, go_together
from tests.kill_anywhere.task import CONN_ID, Airflow, Task

_TIME = timedelta(hours=1)
_OTHER_TIME = timedelta(hours=3)
# Two Airflows begin so many seconds apart: both have found nothing before either has made anything ...
_AT_ONCE = 2.0
# ... or the second begins when the first has made something, and not sent it yet.
_LATER = 45.0
_ALL_IS_OVER = timedelta(hours=12).total_seconds()


@dataclass(frozen=True)
class Discovery:
    """The steps of one way to send a campaign that nothing happens to.

    :param steps: as they were told, before and after.
    :param mails: what each recipient got.
    :param wrong: what is not as it should be: requests the service saw and the process did not announce, say.
    """

    case: Case
    steps: list[Step]
    mails: tuple[int, ...]
    wrong: list[str]

    @property
    def is_good(self) -> bool:
        """Whether everybody got exactly one mail, and nothing else is wrong."""
        return set(self.mails) == {1} and not self.wrong


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    :param mails: what each recipient got.
    :param wrong: what else is not as it should be.
    """

    trial: Trial
    mails: tuple[int, ...]
    wrong: list[str]

    @property
    def is_good(self) -> bool:
        """Whether everybody got exactly one mail, and nothing else is wrong."""
        return set(self.mails) == {1} and not self.wrong


class World:
    """A sandbox with one account and one task for it, furnished anew for each trial.

    :param folder: for the memories of Airflows and for logs.
    """

    def __init__(self, sandbox: Sandbox, case: Case, folder: Path) -> None:
        self.sandbox = sandbox
        self._case = case
        self._folder = folder
        self.log = folder / "log"
        account = case.account
        # SendPulse does not say that a campaign is scheduled, so its client goes by the clock.
        sendpulse_campaigns._now = lambda: datetime.fromtimestamp(sandbox.advance(0), UTC)
        account.furnish(sandbox, is_slow=case.is_slow)
        connection = {**account.connection(sandbox), "extra": json.dumps({**account.extra, **_extra})}
        os.environ[f"AIRFLOW_CONN_{CONN_ID.upper()}"] = json.dumps(connection)
        now = datetime.now(UTC).replace(microsecond=0)
        campaign_id = None
        if case.form is Form.ID:
            assert account.draft is not None
            campaign_id = account.draft(sandbox, now + _OTHER_TIME if case.when is When.RESCHEDULED else None)
        self._task = Task(
            campaign_id=campaign_id,
            campaign=account.definition(sandbox) if campaign_id is None else None,
            send_at=None if case.when is When.NOW else now + _TIME,
            waiting=case.waiting,
        )
        self._furnishing = len(sandbox.requests(10_000))
        for each in folder.glob("*.json"):
            each.unlink()

    def run(self, name: str, **options: object) -> Run:
        """Return a run of the task in an Airflow of that name, which remembers what its earlier runs did."""
        dag, _, run_id = name.partition(" ")
        airflow = Airflow(dag, run_id or "scheduled", self._folder / f"{name}.json")
        return Run(self.sandbox, self._task, airflow, self.log, **options)  # type: ignore[arg-type]

    def end_of_log(self, error: Exception) -> str:
        """Return an error of a process, and what it said last."""
        return f"{error!r}; {self.log.read_text()[-2_000:]}"

    def requests(self) -> list[str]:
        """Return the requests the service has seen since it was furnished."""
        seen = self.sandbox.requests(10_000)[self._furnishing :]
        return [f"{each['method']} {each['path']}" for each in seen]

    def mails(self) -> tuple[int, ...]:
        """Return what each recipient has got when all is over, and whoever should have got nothing but has."""
        self.sandbox.advance(_ALL_IS_OVER)
        mails = mails_of_all_campaigns(self.sandbox)
        others = [count for address, count in mails.items() if address not in RECIPIENTS]
        assert not others, "somebody was mailed who is no recipient"
        return tuple(mails[each] for each in RECIPIENTS)


def discover(case: Case) -> Discovery:
    """Run the task with nothing happening to it, and return the steps it takes."""
    world = World(_sandbox, case, _folder)
    world.log.write_text("")
    run = world.run("first")
    try:
        go_together(world.sandbox, [run])
    except (AssertionError, EOFError) as error:
        return Discovery(case, run.steps, (), [world.end_of_log(error)])
    wrong = list(run.failures)
    if run.requests != world.requests():
        wrong.append(f"announced {run.requests}, seen {world.requests()}")
    return Discovery(case, run.steps, world.mails(), wrong)


def carry_out(trial: Trial) -> Outcome:
    """Have something happen at a step, have the task run again in one way or another, and count mails."""
    world = World(_sandbox, trial.case, _folder)
    world.log.write_text("")
    try:
        wrong = _FATES[trial.fate](world, trial)
    except (AssertionError, EOFError) as error:
        wrong = [world.end_of_log(error)]
    return Outcome(trial, world.mails(), wrong)


def _retried(world: World, trial: Trial, after_death: AfterDeath = AfterDeath.RETRIED) -> list[str]:
    run = world.run("first", dies_at=trial.at, after_death=after_death)
    cleared = world.run("first")
    return _one_after_the_other(world, trial, [run, cleared])


def _forgotten(world: World, trial: Trial) -> list[str]:
    return _retried(world, trial, AfterDeath.MEMORY_LOST)


def _elsewhere(name: str) -> Callable[[World, Trial], list[str]]:
    def follows(world: World, trial: Trial) -> list[str]:
        run = world.run("first", dies_at=trial.at, after_death=AfterDeath.GONE)
        return _one_after_the_other(world, trial, [run, world.run(name), world.run("first")])

    return follows


def _together(after_death: AfterDeath, apart: float) -> Callable[[World, Trial], list[str]]:
    """Return the fate of a run that dies beside another, and is retried at once.

    :param apart: seconds after which the other begins.
    """

    def happens(world: World, trial: Trial) -> list[str]:
        dying = world.run("first", dies_at=trial.at, after_death=after_death, request_time=REQUEST_TIME)
        other = world.run("second", request_time=REQUEST_TIME)
        go_together(world.sandbox, [dying, other], apart)
        cleared = world.run("first")
        go_together(world.sandbox, [cleared])
        return _wrong_with(world, trial, [dying, other, cleared])

    return happens


def _lost(kind: str) -> Callable[[World, Trial], list[str]]:
    def happens(world: World, trial: Trial) -> list[str]:
        world.sandbox.fault(kind, skip=trial.at)
        found = _one_after_the_other(world, trial, [world.run("first"), world.run("first")])
        fired = [fault["fired"] for fault in world.sandbox.faults()]
        return found if fired == [1] else [*found, "nothing was lost"]

    return happens


def _one_after_the_other(world: World, trial: Trial, runs: list[Run]) -> list[str]:
    for run in runs:
        go_together(world.sandbox, [run])
    return _wrong_with(world, trial, runs)


_FATES: dict[Fate, Callable[[World, Trial], list[str]]] = {
    Fate.RETRIED: _retried,
    Fate.FORGOTTEN: _forgotten,
    Fate.BACKFILLED: _elsewhere("first backfill"),
    Fate.TAKEN_OVER: _elsewhere("second"),
    Fate.TOGETHER: _together(AfterDeath.RETRIED, _AT_ONCE),
    Fate.TOGETHER_FORGOTTEN: _together(AfterDeath.MEMORY_LOST, _AT_ONCE),
    Fate.ONE_LATER: _together(AfterDeath.MEMORY_LOST, _LATER),
    Fate.REPLY_LOST: _lost("drop_after"),
    Fate.REQUEST_LOST: _lost("drop_before"),
}


def _wrong_with(world: World, trial: Trial, runs: list[Run]) -> list[str]:
    """Return what is wrong beside the number of mails."""
    first, *_ = runs
    wrong = []
    if trial.fate.is_death:
        # Beside another that is quicker it may be done before, or take other steps.
        if not trial.fate.is_beside_another and (not first.died or str(first.steps[trial.at]) != str(trial.step)):
            wrong.append(f"it took other steps: {', '.join(map(str, first.steps[: trial.at + 1]))}")
        wrong += [f"failed: {why}" for run in runs for why in run.failures]
    found = {run.campaign_id for run in runs if run.campaign_id is not None}
    if len(found) != 1 or runs[-1].campaign_id is None:
        wrong.append(f"runs returned {len(found)} campaigns")
    announced, seen = sum(len(run.requests) for run in runs), len(world.requests())
    if announced != seen:
        wrong.append(f"{announced} requests were announced, {seen} seen")
    return wrong


# Each process that carries trials out has a sandbox and a folder of its own.
_sandbox: Sandbox
_folder: Path
_extra: Mapping[str, Json] = {}


def settle_in(base: str, extra: Mapping[str, Json]) -> None:
    """Prepare this process for trials.

    :param base: the folder to make its own in.
    :param extra: extras of the connection that are to be otherwise.
    """
    global _sandbox, _folder, _extra
    _extra = extra
    _folder = Path(tempfile.mkdtemp(dir=base))
    _sandbox = Sandbox.start()
