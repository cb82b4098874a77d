from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowTaskTimeout
from airflow_provider_sender.operators.base import SenderOperator
from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor

ROOT = Path(__file__).resolve().parent.parent.parent

TASKS: dict[str, Any] = {
    "operator": lambda: SenderOperator(task_id="task"),
    "send": lambda: SenderSendCampaignOperator(task_id="task", campaign_id="c"),
    "sensor": lambda: SenderCampaignSensor(task_id="task", campaign_id="c"),
}


@pytest.mark.parametrize("kind", ["export", "upsert"])
def test_a_task_that_is_told_to_end_ends_and_leaves_nothing_behind(
    kind: str, sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.seed(count=500)
    sender_sandbox.fault("delay", "/subscribers*", seconds=600, skip=3, times=None)
    work, temporary = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    temporary.mkdir()
    environment = {
        **os.environ,
        "AIRFLOW_CONN_SENDER_DEFAULT": json.dumps({**sender_sandbox.connection, "extra": '{"timeout": 900}'}),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-m", "tests.operators.terminated", kind, str(work)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        while not sum(fault["fired"] for fault in sender_sandbox.faults()):
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.wait(60) == 3
    finally:
        process.kill()
        sender_sandbox.reset()
    assert list(temporary.iterdir()) == []
    assert [path.name for path in work.iterdir()] == (["ledger.sqlite"] if kind == "upsert" else [])


@pytest.mark.parametrize("kind", TASKS)
def test_the_work_ends_where_it_is_so_that_airflow_may_try_it_again(kind: str) -> None:
    with pytest.raises(SystemExit, match="SIGTERM"):
        TASKS[kind]().on_kill()


@pytest.mark.parametrize("kind", TASKS)
def test_a_task_that_ran_for_too_long_has_ended_already(kind: str) -> None:
    task = TASKS[kind]()
    with pytest.raises(AirflowTaskTimeout):  # noqa: PT012
        try:
            raise AirflowTaskTimeout
        except AirflowTaskTimeout:
            task.on_kill()
            raise
