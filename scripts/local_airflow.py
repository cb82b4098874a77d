"""An Airflow of its own in a folder, for the demo and for ``make up``: SQLite, no examples, nothing shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class LocalAirflow:
    """Runs Airflow's commands in a folder.

    :param home: the folder; made when it is not there, and kept.
    :param connection: the connection ``sender_default``.
    """

    def __init__(self, home: Path, connection: Mapping[str, object]) -> None:
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
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW_CONN_SENDER_DEFAULT": json.dumps(connection),
            "PYTHONPATH": str(ROOT),
        }

    def migrate(self, log: Path) -> None:
        """Make or update the database."""
        run_showing_life("Setting up Airflow", [*airflow(), "db", "migrate"], self.environment, log)


def airflow() -> list[str]:
    """Return the command line of this Python's Airflow."""
    return [sys.executable, "-m", "airflow"]


def run_showing_life(what: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
    """Run a command with its output in a file, and a dot on the screen every second.

    :raises SystemExit: when it fails; the end of its output is shown.
    """
    began = time.monotonic()
    print(f"{what} ", end="", flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            while True:
                try:
                    process.wait(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    print(".", end="", flush=True)
        except BaseException:
            process.kill()
            raise
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        sys.exit(f"{tail}\n{what} failed; all of its output is in {log}")
