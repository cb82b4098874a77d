"""A task in a process of its own that Airflow tells to end. Run as a script by the tests.

Arguments: which task, and the directory it works in. The connection comes by the environment.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from airflow_provider_sender.operators.base import SenderOperator
from airflow_provider_sender.operators.subscribers import (
    SenderExportSubscribersOperator,
    SenderUpsertSubscribersOperator,
)


def task(kind: str, directory: Path) -> SenderOperator:
    if kind == "upsert":
        return SenderUpsertSubscribersOperator(
            task_id="task",
            subscribers=[{"email": f"ann{number}@example.org"} for number in range(100)],
            ledger_path=str(directory / "ledger.sqlite"),
            rejects_path=str(directory / "rejects.jsonl"),
        )
    return SenderExportSubscribersOperator(task_id="task", output_path=str(directory / "people.csv"))


def main(kind: str, directory: Path) -> None:
    operator = task(kind, directory)
    # As Airflow's task runner does: after ``on_kill`` the work goes on.
    signal.signal(signal.SIGTERM, lambda signum, frame: operator.on_kill())
    ti = MagicMock(dag_id="dag", task_id="task", run_id="run", map_index=-1, max_tries=0)
    context: Any = {"ti": ti}
    operator.execute(context)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    finally:
        # As Airflow's task runner does, too: nobody waits for threads.
        sys.stdout.flush()
        os._exit(3)
