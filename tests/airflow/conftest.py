from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run, run_dag

# What no log may hold: the token, words that stand in the bodies these tests mail, and any address.
SECRETS = ("sandbox-token", "Dear reader", "<h1>News</h1>")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def secrets_in(log: str) -> list[str]:
    """Return what a log holds that it must not."""
    return [*(secret for secret in SECRETS if secret in log), *ADDRESS.findall(log)]


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own database, made once, with the DAGs in it (Airflow 3.1 runs no others)."""
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        subprocess.run([sys.executable, "-m", "airflow", *command], check=True, capture_output=True)


@pytest.fixture
def connection(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The connection ``sender_default``, to a sandbox where everything happens quickly."""
    sender_sandbox.reset(send_seconds=0.3)
    connection = {**sender_sandbox.connection, "extra": json.dumps({"settle_time": 0.5, "time_zone": "UTC"})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))
    return connection


@pytest.fixture
def run(airflow_database: None, connection: dict[str, Any], said: Callable[[], str]) -> Iterator[Callable[..., Run]]:
    """Run a DAG in a real Airflow, and search everything it logs for what must not be there."""
    runs: list[Run] = []

    def run_and_keep(module: str, attribute: str = "dag", **conf: Any) -> Run:
        runs.append(run_dag(module, attribute, said=said, **conf))
        return runs[-1]

    yield run_and_keep
    for each in runs:
        print(each.log)  # for whoever reads why a test failed
        assert "DagRun Finished" in each.log
        assert secrets_in(each.log) == []


@pytest.fixture
def worker(
    airflow_database: None, connection: dict[str, Any], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a DAG's run in a process of its own, which can be killed."""

    def start(module: str, attribute: str, results: Path, **conf: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "scripts/run_dag.py", module, attribute, "2026-01-05T00:00:00+00:00"]
        environment = {**os.environ, "PYTHONPATH": "."}
        with (tmp_path / "worker.log").open("ab") as log:
            return subprocess.Popen(
                [*command, json.dumps(conf), str(results)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    yield start
    log = (tmp_path / "worker.log").read_text(errors="replace")
    assert secrets_in(log) == []
