from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_sender.client.errors import ServiceFailureError
from airflow_provider_sender.client.paging import ListingDriftError, OnDrift
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.jobs import parts as parts_module
from airflow_provider_sender.jobs.export import Export
from airflow_provider_sender.jobs.parts import MANIFEST, export_to_directory
from airflow_provider_sender.jobs.unfinished import UNFINISHED, TakenOverError
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of

RUN = "dag/task/scheduled__2026-01-05/-1"
JSONL = Export(file_format="jsonl")


class Killed(BaseException):
    """What a worker that is killed does: nothing more."""


def killed_after(service: SenderService, requests: int) -> SenderService:
    """Return the account of a process that ends at one of its requests."""
    fetch = service.transport.fetch
    left = iter(range(requests))

    def mortal(*args: Any, **kwargs: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return fetch(*args, **kwargs)

    service.transport.fetch = mortal  # type: ignore[method-assign]
    return service


def begun(sandbox: Sandbox, directory: UPath, requests: int, export: Export = JSONL, run: str = RUN) -> None:
    """Leave an export behind that ended after so many requests."""
    with pytest.raises(Killed):
        export_to_directory(killed_after(service_of(sandbox, connections=1), requests), export, directory, run=run)


def ids_in(directory: UPath) -> list[str]:
    manifest = json.loads((directory / MANIFEST).read_bytes())
    return [
        json.loads(line)["id"]
        for part in manifest["parts"]
        for line in (directory / part["name"]).read_bytes().splitlines()
    ]


def named_in(directory: UPath) -> set[str]:
    return {part["name"] for part in json.loads((directory / MANIFEST).read_bytes())["parts"]}


def names_in(directory: UPath) -> set[str]:
    return {path.name for path in directory.iterdir()}


def is_exact(sandbox: Sandbox, directory: UPath) -> bool:
    ids = ids_in(directory)
    return len(ids) == len(set(ids)) and set(ids) == {json.loads(row)["id"] for row in sandbox.subscribers()}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "BATCHES_A_PART", 3)


@pytest.mark.parametrize(
    "points",
    [
        # An export of 30,000 subscribers publishes 11 files and removes 4.
        list(range(1, 30, 2)),
        list(range(2, 31, 4)),
        [0.1, 0.25, 0.4, 0.55, 0.7, 0.85],
    ],
    ids=["before a step", "after a step", "at some time"],
)
def test_an_export_killed_anywhere_is_finished_by_the_next_try(
    sender_sandbox: Sandbox, tmp_path: Path, points: list[float]
) -> None:
    sender_sandbox.reset(subscribers=30_000)
    script = [sys.executable, "-m", "tests.jobs.mortal_export", sender_sandbox.sender_url, sender_sandbox.token]
    done = subprocess.run(
        [*script, str(tmp_path / "out"), "jsonl", json.dumps(points)], check=True, capture_output=True, text=True
    )
    tries = json.loads(done.stdout)

    assert [each["point"] for each in tries] == points
    was_killed = [each for each in tries if each["killed"]]
    # At a step for certain; of those at some time the last may come too late where the machine has got quicker.
    assert len(was_killed) >= (len(points) if points[0] >= 1 else 4)
    for each in was_killed:
        assert (each["rows"], each["people"]) == (30_000, 30_000), each
        assert each["strays"] == [], each
        # At most one part is read again, and what was under way beside it.
        assert each["requests"] + each["requests_saved"] <= each["requests_of_a_whole_export"] + 8 + 4, each


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("file_format", ["jsonl", "jsonl.gz", "csv", "csv.gz"])
def test_what_is_finished_is_not_read_again(sender_sandbox: Sandbox, tmp_path: Path, file_format: str) -> None:
    sender_sandbox.reset(subscribers=3_000)
    directory, export = UPath(tmp_path / "out"), Export(file_format=file_format)
    begun(sender_sandbox, directory, 20, export)
    finished = {name for name in names_in(directory) if name.startswith("part-")}
    assert len(finished) == 6

    before = sender_sandbox.counters()["requests"]
    done = export_to_directory(service_of(sender_sandbox, connections=1), export, directory, run=RUN)

    assert done.rows == 3_000
    assert finished < names_in(directory)
    assert sender_sandbox.counters()["requests"] - before <= 30 - 15 + 3
    # What it took altogether is told, and the pages of every part.
    manifest = json.loads((directory / MANIFEST).read_bytes())
    assert manifest["requests"] == done.requests > sender_sandbox.counters()["requests"] - before
    pages = [page for part in manifest["parts"] for low, high in part["pages"] for page in range(low, high + 1)]
    assert sorted(pages) == list(range(1, 31))


@pytest.mark.usefixtures("small_parts")
def test_who_leaves_or_comes_between_two_tries_disturbs_nothing(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=3_000)
    directory = UPath(tmp_path / "out")
    everybody = {json.loads(row)["id"] for row in sender_sandbox.subscribers()}
    begun(sender_sandbox, directory, 20)

    leaving = [json.loads(row)["email"] for row in sender_sandbox.subscribers()[::4]]
    for start in range(0, len(leaving), 100):
        service_of(sender_sandbox).delete_subscribers(leaving[start : start + 100])
    sender_sandbox.seed(count=450)
    done = export_to_directory(service_of(sender_sandbox), JSONL, directory, run=RUN)

    ids = ids_in(directory)
    assert len(ids) == len(set(ids)) == done.rows
    there = {json.loads(row)["id"] for row in sender_sandbox.subscribers()}
    assert there & everybody <= set(ids)
    assert there <= set(ids)  # the newcomers, too


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "change",
    [
        {"run": "dag/task/scheduled__2026-01-06/-1"},
        {"run": None},
        {"export": Export(file_format="jsonl", group_id="GROUP")},
        {"export": Export(file_format="csv")},
        {"token": "another"},
        {"saved": "2020-01-01T00:00:00Z"},
        {"lost": "part-"},
        {"lost": "_keys-"},
    ],
    ids=lambda change: next(iter(change)) + "=" + str(next(iter(change.values())))[:12],
)
def test_only_the_same_export_of_the_same_run_and_account_is_gone_on_with(
    sender_sandbox: Sandbox, tmp_path: Path, change: dict[str, Any]
) -> None:
    sender_sandbox.reset(subscribers=1_000)
    directory = UPath(tmp_path / "out")
    begun(sender_sandbox, directory, 9)
    left = {name for name in names_in(directory) if name.startswith(("part-", "_keys-"))}
    assert left
    service = service_of(sender_sandbox)
    if "token" in change:
        service.fingerprint = "of another account"
    if "saved" in change:
        state = json.loads((directory / UNFINISHED).read_bytes())
        (directory / UNFINISHED).write_bytes(json.dumps({**state, "saved": change["saved"]}).encode())
    if "lost" in change:
        (directory / next(name for name in left if name.startswith(change["lost"]))).unlink()
    export = change.get("export", JSONL)
    if export.group_id:
        export = Export(file_format="jsonl", group_id=service.client.create_group("VIP").id)

    done = export_to_directory(service, export, directory, run=change.get("run", RUN))

    assert not left & names_in(directory)
    assert done.rows == (0 if export.group_id else 1_000)
    assert names_in(directory) == {
        MANIFEST,
        *(part["name"] for part in json.loads((directory / MANIFEST).read_bytes())["parts"]),
    }


@pytest.mark.usefixtures("small_parts")
def test_until_it_is_finished_readers_find_the_export_before_it(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=500)
    directory = UPath(tmp_path / "out")
    export_to_directory(service_of(sender_sandbox), JSONL, directory, run="yesterday")
    before = ids_in(directory)

    begun(sender_sandbox, directory, 6)

    assert ids_in(directory) == before
    export_to_directory(service_of(sender_sandbox), JSONL, directory, run=RUN)
    assert is_exact(sender_sandbox, directory)
    assert len(names_in(directory)) == 1 + 2


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("run", [RUN, "another run"])
def test_a_try_that_was_given_up_stops_and_spoils_nothing(sender_sandbox: Sandbox, tmp_path: Path, run: str) -> None:
    """A worker that Airflow lost sight of goes on beside the try that replaced it."""
    sender_sandbox.reset(subscribers=2_000)
    directory = UPath(tmp_path / "out")
    given_up = service_of(sender_sandbox, connections=1)
    fetch, requests = given_up.transport.fetch, iter(range(100))

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if next(requests) == 11:
            export_to_directory(service_of(sender_sandbox), JSONL, directory, run=run)
        return fetch(*args, **kwargs)

    given_up.transport.fetch = interrupted  # type: ignore[method-assign]
    with pytest.raises((TakenOverError, FileNotFoundError)):
        export_to_directory(given_up, JSONL, directory, run=RUN)

    assert is_exact(sender_sandbox, directory)
    assert names_in(directory) == {MANIFEST, *named_in(directory)}


@pytest.mark.usefixtures("small_parts")
def test_a_reading_that_cannot_be_trusted_is_not_gone_on_with(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=1_000, ignore_order=True)
    directory = UPath(tmp_path / "out")
    with pytest.raises(ListingDriftError):
        export_to_directory(
            service_of(sender_sandbox), Export(file_format="jsonl", on_drift=OnDrift.FAIL), directory, run=RUN
        )
    assert names_in(directory) == set()


@pytest.mark.usefixtures("small_parts")
def test_a_service_that_fails_half_way_leaves_what_is_finished_to_the_next_try(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.reset(subscribers=2_000)
    directory = UPath(tmp_path / "out")
    sender_sandbox.fault("status", path="/subscribers", times=20, skip=10, status=503)
    with pytest.raises(ServiceFailureError):
        export_to_directory(service_of(sender_sandbox, max_retries=1), JSONL, directory, run=RUN)
    assert UNFINISHED in names_in(directory)
    sender_sandbox.clear_faults()
    export_to_directory(service_of(sender_sandbox), JSONL, directory, run=RUN)
    assert is_exact(sender_sandbox, directory)


def test_files_of_others_in_the_directory_are_left_alone(
    sender_sandbox: Sandbox, tmp_path: Path, small_parts: None
) -> None:
    sender_sandbox.reset(subscribers=100)
    others = ["part-00000-of-Spark.parquet", "part-1.jsonl", "_SUCCESS", "_keys.txt", ".part-12.partial"]
    for name in others:
        (tmp_path / name).write_text("theirs")
    export_to_directory(service_of(sender_sandbox), JSONL, UPath(tmp_path), run=RUN)
    assert set(others) < names_in(UPath(tmp_path))


@pytest.mark.usefixtures("small_parts")
def test_an_export_in_a_store_that_is_no_file_system_is_gone_on_with_too(sender_sandbox: Sandbox, memory: str) -> None:
    sender_sandbox.reset(subscribers=1_000)
    directory = UPath(memory) / "out"
    begun(sender_sandbox, directory, 9)
    before = sender_sandbox.counters()["requests"]
    export_to_directory(service_of(sender_sandbox, connections=1), JSONL, directory, run=RUN)
    assert is_exact(sender_sandbox, directory)
    assert sender_sandbox.counters()["requests"] - before <= 10
