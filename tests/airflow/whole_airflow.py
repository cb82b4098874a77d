"""A whole Airflow for a test: scheduler, triggerer, DAG processor and API server as processes, SQLite, one folder."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from scripts.local_airflow import ROOT, Connections, LocalAirflow, airflow

FoundT = TypeVar("FoundT")

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")


class WholeAirflow:
    """Airflow's processes, each of which can be stopped and started again. A context manager.

    :param home: a folder that is made, for everything it writes.
    :param connections: what its DAGs can talk to.
    :param dags: file name -> what is in the DAG file.
    :param environment: anything else its processes are to know.
    """

    def __init__(
        self,
        home: Path,
        connections: Connections,
        dags: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._local = LocalAirflow(home, connections)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder = home / "dags"
        folder.mkdir(parents=True)
        for name, text in dags.items():
            (folder / name).write_text(text)
        port = str(free_port())
        self._local.environment |= {
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
            "AIRFLOW__API__PORT": port,
            "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
            "AIRFLOW__API__WORKERS": "1",
            # All processes must know the same, and Airflow 3.1 signs no token without an issuer.
            "AIRFLOW__API_AUTH__JWT_SECRET": "s" * 64,
            "AIRFLOW__API_AUTH__JWT_ISSUER": "tests",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "300",
            **(environment or {}),
        }

    def __enter__(self) -> WholeAirflow:
        self.run("db", "migrate")
        for component in COMPONENTS:
            self.start(component)
        return self

    def __exit__(self, *error: object) -> None:
        for component in list(self._running):
            self.stop(component)

    def run(self, *words: str) -> None:
        """Run a command of Airflow's to its end."""
        done = subprocess.run(
            [*airflow(), *words], env=self._local.environment, cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[-3_000:]

    def start(self, component: str) -> None:
        """Start one of its processes, in a session of its own."""
        with self._log(component).open("ab") as log:
            self._running[component] = subprocess.Popen(
                [*airflow(), component],
                env=self._local.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, component: str) -> None:
        """Stop one of its processes and all that it started."""
        process = self._running.pop(component)
        for how, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
            try:
                os.killpg(process.pid, how)
                process.wait(timeout=seconds)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what Airflow's database answers; nothing while it is busy."""
        try:
            with sqlite3.connect(f"file:{self._local.database}?mode=ro", uri=True, timeout=5) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def until(self, look: Callable[[], FoundT], what: str, seconds: float = 300) -> FoundT:
        """Return what a look finds, as soon as it finds something. A busy machine is slow, so there is much time."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            died = [component for component, process in self._running.items() if process.poll() is not None]
            assert not died, f"{died} ended before {what}:\n{self.said()}"
            assert time.monotonic() < deadline, f"{what} did not happen:\n{self.said()}"
            time.sleep(0.5)
        return found

    def said(self) -> str:
        """Return the end of what each process said."""
        logs = [(component, self._log(component)) for component in COMPONENTS]
        return "\n".join(
            f"--- {name}\n{log.read_text(errors='replace')[-3_000:]}" for name, log in logs if log.exists()
        )

    def _log(self, component: str) -> Path:
        return self._local.home / f"{component}.log"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
