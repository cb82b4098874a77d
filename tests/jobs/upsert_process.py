"""An upsert with a ledger in a process of its own, which can be stopped and killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from upath import UPath

from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of

ROOT = Path(__file__).resolve().parents[2]


def rows(count: int, name: str) -> list[dict[str, Any]]:
    """Return the rows of a run: so many people, all with one name."""
    return [{"email": f"p{number}@x.lt", "firstname": name} for number in range(count)]


def start(sandbox: Sandbox, ledger: Path, *, count: int, name: str, owner: str) -> subprocess.Popen[str]:
    """Start a run that saves its ledger five times a second."""
    what = {"url": sandbox.url, "ledger": str(ledger), "count": count, "name": name, "owner": owner}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.upsert_process", json.dumps(what)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def main(url: str, ledger: str, count: int, name: str, owner: str) -> None:
    """Make a run, and say what became of its rows."""
    outcome = upsert(
        service_of(Sandbox(url)),
        rows(count, name),
        Upsert(),
        ledger_path=UPath(ledger),
        owner=owner,
        save_every=0.2,
    )
    print(json.dumps({"sent": outcome.sent, "unchanged": outcome.unchanged, "requests": outcome.requests}))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
