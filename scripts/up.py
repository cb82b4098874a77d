"""The sandbox and a whole Airflow with the example DAGs, to try things by hand; Ctrl-C stops both."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from airflow_provider_sender.sandbox.remote import Sandbox
from scripts.local_airflow import ROOT, LocalAirflow, airflow

UP = ROOT / ".up"
SECONDS_TO_START = 180


def main() -> None:
    """Start both, say where they are, and wait."""
    # What stops this script by other means than Ctrl-C must stop Airflow, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with Sandbox.start(subscribers=10_000) as box:
        extra = json.dumps({"settle_time": 5})
        connections = {
            "sender_default": {**box.connection, "extra": extra},
            "sendpulse_default": {**box.sendpulse_connection, "extra": extra},
            "sendara_default": {**box.sendara_connection, "extra": extra},
        }
        local = LocalAirflow(UP / "airflow", connections)
        port = _free_port(8080)
        local.environment["AIRFLOW__API__PORT"] = str(port)
        local.environment["AIRFLOW__API__BASE_URL"] = f"http://localhost:{port}"
        local.environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"http://localhost:{port}/execution/"
        log = UP / "airflow.log"
        print("Starting Airflow ", end="", flush=True)
        with log.open("wb") as output:
            # In a session of its own, so that all of Airflow's processes can be stopped together.
            process = subprocess.Popen(
                [*airflow(), "standalone"],
                env=local.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )
            try:
                _wait_until_there(f"http://localhost:{port}/api/v2/monitor/health", process, log)
                _say_where(local, port, box)
                process.wait()
            except KeyboardInterrupt:
                print("\nStopping.")
            finally:
                _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and all it started, whatever else comes from the keyboard meanwhile."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for how, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _free_port(wanted: int) -> int:
    """Return the wanted port, or another one when it is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_there(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(SECONDS_TO_START):
        try:
            with urllib.request.urlopen(url, timeout=2):
                print()
                return
        except OSError:
            print(".", end="", flush=True)
        if process.poll() is not None:
            break
        time.sleep(1)
    sys.exit(f"\nAirflow did not start; all it said is in {log}")


def _say_where(local: LocalAirflow, port: int, box: Sandbox) -> None:
    passwords = local.home / "simple_auth_manager_passwords.json.generated"
    (user, password), *_ = json.loads(passwords.read_text()).items()
    print(f"Airflow      http://localhost:{port}   login {user}, password {password}")
    print(f"The sandbox  {box.url}")
    print("The connections sender_default, sendpulse_default and sendara_default are there, all to one account.")
    print("Ctrl-C stops both.", flush=True)


if __name__ == "__main__":
    main()
