from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow

DAGS = "tests.airflow.dags.ledger"


@pytest.fixture
def conf(tmp_path: Path) -> dict[str, str]:
    rows = [{"email": f"p{number}@example.com", "firstname": "Ann"} for number in range(5)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"email": "bad"}]))
    return {"path": str(tmp_path / "rows.jsonl"), "ledger": str(tmp_path / "ledger.sqlite")}


def test_the_plan_is_returned_then_carried_out_and_the_same_file_again_costs_nothing(
    run: Callable[..., Run], sender_sandbox: Sandbox, conf: dict[str, Any]
) -> None:
    planned = run(DAGS, "plan_ledger", **conf).returned["job"]
    assert planned["plan"] == {
        "creates": 5,
        "updates": 0,
        "unchanged": 0,
        "group_adds": 0,
        "group_removals": 0,
        "held": 0,
        "rejected": 1,
        "requests": planned["requests"] + 5,
        "minutes": None,
    }
    assert sender_sandbox.subscribers() == []
    assert not Path(conf["ledger"]).exists()

    first = run(DAGS, "upsert_ledger", **conf).returned["job"]
    assert (first["sent"], first["rejected"]) == (5, 1)
    assert "plan" not in first
    before = sender_sandbox.counters()["requests"]
    second = run(DAGS, "upsert_ledger", **conf).returned["job"]
    assert (second["sent"], second["unchanged"], second["rejected"], second["requests"]) == (0, 5, 1, 0)
    assert sender_sandbox.counters()["requests"] == before


def test_a_ledger_somebody_works_with_is_waited_for_with_retries(
    run: Callable[..., Run], sender_sandbox: Sandbox, conf: dict[str, Any]
) -> None:
    now = datetime.now(UTC).isoformat()
    lock = Path(conf["ledger"] + ".lock")
    lock.write_text(json.dumps({"owner": "nightly/upsert/run 1/-1", "since": now, "heartbeat": now, "token": "t"}))
    busy = run(DAGS, "upsert_ledger", **conf)
    assert (busy.state, busy.tries) == ("failed", {"job": 3})
    assert "is in use by nightly/upsert/run 1/-1 since" in busy.log
    assert sender_sandbox.counters()["requests"] == 0
    lock.unlink()
    assert run(DAGS, "upsert_ledger", **conf).state == "success"
    assert not lock.exists()


def test_the_retry_of_a_worker_that_died_takes_its_ledger_over_at_once(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path, conf: dict[str, Any]
) -> None:
    Path(conf["path"]).write_text('{"email": "p@example.com"}\n')
    done = run(DAGS, "die_and_upsert", **conf)
    assert (done.state, done.tries) == ("success", {"job": 2})
    assert "left behind by an earlier try of this task" in done.log
    assert len(sender_sandbox.subscribers()) == 1


@pytest.mark.parametrize(
    ("ledger", "words"),
    [("rows.jsonl", "is no ledger: it is no SQLite file"), ("", "is empty"), ("folder/", "is a directory")],
)
def test_what_cannot_be_a_ledger_is_named_and_not_tried_again(
    ledger: str, words: str, run: Callable[..., Run], tmp_path: Path, conf: dict[str, Any], sender_sandbox: Sandbox
) -> None:
    rows = Path(conf["path"]).read_bytes()
    refused = run(DAGS, "upsert_ledger", path=conf["path"], ledger=ledger and f"{tmp_path}/{ledger}")
    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert f"ledger_path: {tmp_path if ledger else ''}" in refused.log
    assert words in refused.log
    assert Path(conf["path"]).read_bytes() == rows
    assert sender_sandbox.counters()["requests"] == 0
