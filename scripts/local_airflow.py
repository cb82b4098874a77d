"""An Airflow of its own in a folder, for the demo and for ``make up``: SQLite, no examples, nothing shared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent

# Connection id -> the connection.
Connections: TypeAlias = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Command:
    """A command, and the file its output goes to."""

    words: list[str]
    environment: Mapping[str, str]
    log: Path


class LocalAirflow:
    """Runs Airflow's commands in a folder.

    :param home: the folder; made when it is not there, and kept.
    :param connections: what its DAGs can talk to.
    """

    def __init__(self, home: Path, connections: Connections) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            # Airflow starts parts of itself as the command "airflow".
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "PYTHONPATH": str(ROOT),
            **{f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(each) for conn_id, each in connections.items()},
        }

    @property
    def database(self) -> Path:
        """The file with Airflow's own database."""
        return self.home / "airflow.db"

    def migrate(self, log: Path) -> None:
        """Make or update the database."""
        run_showing_life("Setting up Airflow", [Command([*airflow(), "db", "migrate"], self.environment, log)])

    def migrate_like(self, other: LocalAirflow) -> None:
        """Begin with the database of another, which takes no time."""
        shutil.copyfile(other.database, self.database)


def airflow() -> list[str]:
    """Return the command line of this Python's Airflow."""
    return [sys.executable, "-m", "airflow"]


def run_showing_life(what: str, commands: list[Command]) -> None:
    """Run commands side by side with their output in files, and a dot on the screen every second.

    :raises SystemExit: when one fails; the end of its output is shown.
    """
    began = time.monotonic()
    print(f"{what} ", end="", flush=True)
    with ExitStack() as stack:
        running = [(each, stack.enter_context(_started(each))) for each in commands]
        try:
            for _, process in running:
                _wait_showing_life(process)
        except BaseException:
            for _, process in running:
                process.kill()
            raise
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    for command, process in running:
        if process.returncode != 0:
            tail = "\n".join(command.log.read_text(errors="replace").splitlines()[-30:])
            sys.exit(f"{tail}\n{what.strip()} failed; all of its output is in {command.log}")


def _started(command: Command) -> subprocess.Popen[bytes]:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("wb") as output:
        return subprocess.Popen(
            command.words, env=dict(command.environment), stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
        )


def _wait_showing_life(process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            process.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            print(".", end="", flush=True)
