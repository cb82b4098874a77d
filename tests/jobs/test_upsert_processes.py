"""Real processes with one ledger: killed, started twice, stopped and woken up again."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from upath import UPath

from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of
from tests.jobs.upsert_process import rows, start

COUNT = 100
SAVE_EVERY = 0.2


@pytest.fixture
def ledger(sender_sandbox: Sandbox, tmp_path: Path) -> Path:
    """A ledger of people who are all in a large account, on which every write takes its time."""
    sender_sandbox.reset(subscribers=1_000)
    path = tmp_path / "ledger.sqlite"
    upsert(service_of(sender_sandbox), rows(COUNT, "Old"), Upsert(), ledger_path=UPath(path), owner="before")
    sender_sandbox.fault("delay", "/subscribers/*", "PATCH", seconds=0.02, times=None)
    return path


@pytest.fixture
def begin(sender_sandbox: Sandbox, ledger: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a process that renames everybody."""
    started: list[subprocess.Popen[str]] = []

    def begin(owner: str) -> subprocess.Popen[str]:
        started.append(start(sender_sandbox, ledger, count=COUNT, name="New", owner=owner))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def renamed(sandbox: Sandbox) -> int:
    return sandbox.counters()["by_path"].get("PATCH /subscribers/{key}", 0)


def wait_until_renamed(sandbox: Sandbox, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while renamed(sandbox) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def names(sandbox: Sandbox) -> set[str]:
    people = (json.loads(line) for line in sandbox.subscribers())
    return {person["firstname"] for person in people if person["email"].endswith("@x.lt")}


def known(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as database:
        found: int = database.execute("select count(*) from subscriber where outcome = 'accepted'").fetchone()[0]
        return found


@pytest.mark.parametrize("at", [1, 35, 70])
def test_after_a_kill_the_next_try_repeats_at_most_what_was_not_saved_and_loses_nothing(
    sender_sandbox: Sandbox, ledger: Path, begin: Callable[[str], subprocess.Popen[str]], at: int
) -> None:
    process = begin("dag/task/run/-1")
    wait_until_renamed(sender_sandbox, at, process)
    process.kill()
    process.wait()
    sent_before = [each for each in sender_sandbox.requests() if each["method"] == "PATCH"]
    since = sent_before[-1]["time"] - SAVE_EVERY - 0.3 if sent_before else 0.0
    unsaved = sum(each["time"] > since for each in sent_before) + 1  # one was under way
    assert len(sent_before) < COUNT

    service = service_of(sender_sandbox)
    outcome = upsert(service, rows(COUNT, "New"), Upsert(), ledger_path=UPath(ledger), owner="dag/task/run/-1")
    assert outcome.sent + outcome.unchanged == COUNT
    assert names(sender_sandbox) == {"New"}
    repeated = renamed(sender_sandbox) - COUNT
    assert 0 <= repeated <= unsaved
    assert known(ledger) == COUNT
    assert not [each for each in ledger.parent.iterdir() if each.name.endswith(".lock")]


def test_a_second_process_is_refused_and_the_first_one_goes_on(
    sender_sandbox: Sandbox, ledger: Path, begin: Callable[[str], subprocess.Popen[str]]
) -> None:
    first = begin("dag/first/run/-1")
    wait_until_renamed(sender_sandbox, 1, first)
    first.send_signal(signal.SIGSTOP)  # or it might be done before the second one has begun
    second = begin("dag/second/run/-1")
    said = second.communicate(timeout=30)[1]
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert "LedgerUnavailableError: ledger_path: " in said
    assert "in use by dag/first/run/-1 since" in said
    done = json.loads(first.communicate(timeout=30)[0])
    assert (done["sent"], renamed(sender_sandbox), known(ledger)) == (COUNT, COUNT, COUNT)


def test_a_process_that_was_taken_for_dead_stops_when_it_wakes_up_and_overwrites_nothing(
    sender_sandbox: Sandbox, ledger: Path, begin: Callable[[str], subprocess.Popen[str]]
) -> None:
    undead = begin("dag/task/run/-1")
    wait_until_renamed(sender_sandbox, 1, undead)
    undead.send_signal(signal.SIGSTOP)
    retry = begin("dag/task/run/-1")
    done = json.loads(retry.communicate(timeout=30)[0])
    assert done["sent"] + done["unchanged"] == COUNT
    after = ledger.read_bytes()
    undead.send_signal(signal.SIGCONT)
    said = undead.communicate(timeout=30)[1]
    assert undead.returncode == 1
    assert "LedgerUnavailableError: ledger_path: " in said
    assert "so this task stopped and left it as it is" in said
    assert ledger.read_bytes() == after
    assert names(sender_sandbox) == {"New"}
