from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow

JOBS = "tests.airflow.dags.jobs"
PEOPLE = [f"p{number:03d}@example.com" for number in range(250)]


@pytest.fixture
def group(connection: dict[str, Any], sender_sandbox: Sandbox) -> str:
    """A group of the first 120 of 250 people."""
    sender_sandbox.seed(rows=[{"email": each, "groups": ["VIP"] if each < "p120" else []} for each in PEOPLE])
    (found,) = service_of(sender_sandbox).groups()
    return found.id


def members(sandbox: Sandbox) -> list[str]:
    everybody = (json.loads(line) for line in sandbox.subscribers())
    return [each["email"] for each in everybody if each["subscriber_tags"]]


def rows(*addresses: str) -> list[dict[str, str]]:
    return [{"email": each} for each in addresses]


def rendered(dag_id: str, field: str) -> Any:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    with create_session() as session:
        fields = session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id).one()
        return fields.rendered_fields[field]


def test_a_group_is_mirrored_and_the_second_time_nothing_is_changed(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    wanted = PEOPLE[100:]
    done = run(JOBS, "sync_group", group=group, rows=rows(*wanted))
    counts = {"added": 130, "removed": 100, "unchanged": 20, "missing": 0, "requests": 7}
    assert done.returned["job"] == counts
    assert members(sender_sandbox) == wanted
    again = run(JOBS, "sync_group", group=group, rows=rows(*wanted))
    assert again.returned["job"] == {"added": 0, "removed": 0, "unchanged": 150, "missing": 0, "requests": 4}
    assert rendered("sync_group", "subscribers") == "<150 rows>"


def test_rows_that_are_rejected_fail_the_task_once_all_others_are_in(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(f"email,firstname,else\n{PEOPLE[0]},,1\nnope,,2\nnew@example.com,New,3\n")
    rejects = tmp_path / "rejects.jsonl"
    done = run(JOBS, "sync_group_file", group=group, path=str(tmp_path / "rows.csv"), rejects=str(rejects))
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "1 rows were rejected (1 x email: malformed address)" in done.log
    assert done.returned["job"] | {"requests": 0} == {
        "added": 0,
        "removed": 119,
        "unchanged": 1,
        "missing": 0,
        "requests": 0,
        "created": 1,
        "rejected": 1,
    }
    assert members(sender_sandbox) == [PEOPLE[0], "new@example.com"]
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [2]


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"rows": []}, "allow_empty: there are no rows"),
        ({"rows": [{"mail": "a@example.com"}]}, "columns: none of the 1 rows holds a usable address"),
        ({"rows": [{"email": "a@example.com"}], "mode": "sync"}, "mode: must be 'mirror' or 'add' or 'remove'"),
        ({"rows": [{"email": "a@example.com"}], "group": "nobody"}, "group_id: the account has no group 'nobody'"),
        ({"rows": [{"email": "a@example.com"}], "group": None}, "group_id: is empty"),
        ({"rows": "a@example.com"}, "not a list of dictionaries"),
        ({"rows": ["a@example.com"]}, "subscribers: holds a str where a dictionary is expected"),
    ],
)
def test_what_cannot_be_meant_is_named_and_changes_nothing(
    conf: dict[str, Any], words: str, run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    done = run(JOBS, "sync_group", **{"group": group, **conf})
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert words in done.log
    assert members(sender_sandbox) == PEOPLE[:120]


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_does_the_rest(
    run: Callable[..., Run],
    worker: Callable[..., subprocess.Popen[bytes]],
    sender_sandbox: Sandbox,
    group: str,
    tmp_path: Path,
) -> None:
    wanted = rows(*PEOPLE[100:])
    sender_sandbox.fault("delay", path="/subscribers/groups/*", method="POST", skip=1, seconds=5)
    process = worker(JOBS, "sync_group", tmp_path / "results.json", group=group, rows=wanted)
    deadline = time.monotonic() + 60
    while not sender_sandbox.faults()[0]["fired"]:
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    sender_sandbox.clear_faults()
    assert members(sender_sandbox) == PEOPLE[100:220]

    done = run(JOBS, "sync_group", group=group, rows=wanted)

    assert (done.returned["job"]["added"], done.returned["job"]["removed"]) == (30, 0)
    assert members(sender_sandbox) == PEOPLE[100:]


def test_people_are_erased_and_no_address_is_shown(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    sender_sandbox.settings(delete_seconds=0.5)
    named = [*PEOPLE[:3], "absent@example.com"]
    done = run(JOBS, "erase", emails=named)
    assert done.returned["job"] | {"requests": 0} == {"deleted": 3, "missing": 1, "requests": 0}
    assert len(sender_sandbox.subscribers()) == 247
    assert rendered("erase", "emails") == "<4 rows>"
    again = run(JOBS, "erase", emails=rows(*named))
    assert again.returned["job"] | {"requests": 0} == {"deleted": 0, "missing": 4, "requests": 0}
    nobody = run(JOBS, "erase", emails=[])
    assert nobody.returned["job"] == {"deleted": 0, "missing": 0, "requests": 0}


def test_people_who_are_not_gone_in_time_are_waited_for_by_the_next_try(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    sender_sandbox.settings(delete_seconds=1.5)
    done = run(JOBS, "erase", emails=PEOPLE[:2])
    assert (done.state, done.tries) == ("success", {"job": 2})
    assert "2 of 2 people whom Sender was asked to delete are still there after 1 s" in done.log
    assert sender_sandbox.subscriber(PEOPLE[0]) is None


@pytest.mark.parametrize(
    ("emails", "words"),
    [
        (["p001@example.com", "nope"], "emails: 1 rows hold no usable address (row 2: malformed address)"),
        (["p001@example.com", 7], "emails: holds a int where an address or a dictionary is expected"),
        ("p001@example.com", "emails: is a text, not a list"),
        (None, "emails: is empty"),
    ],
)
def test_an_erasure_that_would_miss_somebody_erases_nobody(
    emails: Any, words: str, run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    done = run(JOBS, "erase", emails=emails)
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert words in done.log
    assert len(sender_sandbox.subscribers()) == 250
