"""Two example DAGs in a real Airflow, run on each of the three services by changing the connection alone.

Each service is a sandbox, with things going wrong on purpose, and each has a column in the table at the end. Every
figure in it comes from the sandbox's own counters, from the files on disk or from what a task returned, and is held
against what it must be. The exit status is 1 if any of them is not.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.demo_accounts import FROM_EMAIL, Account, accounts
from scripts.demo_figures import Figure, Runs, figures, table
from scripts.local_airflow import ROOT, Command, LocalAirflow, run_showing_life

DEMO = ROOT / ".demo"
FILES = DEMO / "files"
LOGS = DEMO / "logs"
RESULTS = DEMO / "results"


def main() -> int:
    """Run the demo; return the exit status."""
    began = time.monotonic()
    for folder in (FILES, LOGS, RESULTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with accounts(FILES) as opened:
        for account in opened:
            print(f"{account.kind.name + ':':<11}{account.box.url} (a page to watch it is there, too)")
        stages = _set_up(opened)

        for account in opened:
            account.order_faults()
        print("Things go wrong: one answer in twenty to a reading call fails, some customers are refused,")
        print("and the reply to the call that sends is lost. On each service, only the connection changed:")
        runs = _run(stages, "Export; customers in, newsletter out; the same, cleared")
        lines = figures(opened, runs)
    print()
    print(table([account.kind.name for account in opened], lines))
    _say_what_to_look_at(lines, time.monotonic() - began)
    return 1 if any(line.wrong for line in lines) else 0


@dataclass(frozen=True)
class Stage:
    """Where an account's runs take place: an Airflow of its own, because SQLite lets only one write at a time."""

    account: Account
    airflow: LocalAirflow


def _set_up(opened: Sequence[Account]) -> list[Stage]:
    # All of them have all three connections; a run says which it means.
    connections = {account.kind.conn_id: account.connection for account in opened}
    stages = [Stage(each, LocalAirflow(DEMO / "airflow" / each.kind.name.lower(), connections)) for each in opened]
    first, *others = stages
    first.airflow.migrate(LOGS / "migrate.log")
    for stage in others:
        stage.airflow.migrate_like(first.airflow)
    for stage in stages:
        stage.airflow.environment["SENDER_EXAMPLE_POKE_INTERVAL"] = "1"
        # Nobody watching a demo waits five minutes for a second try.
        stage.airflow.environment["AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY"] = "1"
    return stages


def _run(stages: Sequence[Stage], what: str) -> list[Runs]:
    """Run the DAGs on all services side by side; return what their tasks returned."""
    names = [stage.account.kind.name.lower() for stage in stages]
    commands = [
        Command(
            [sys.executable, "-m", "scripts.demo_runs", _conf(stage.account), str(RESULTS / f"{name}.json")],
            stage.airflow.environment,
            LOGS / f"{name}.log",
        )
        for stage, name in zip(stages, names, strict=True)
    ]
    run_showing_life(f"  {what}", commands)
    return [Runs(*json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))) for name in names]


def _conf(account: Account) -> str:
    return json.dumps(
        {
            "conn_id": account.kind.conn_id,
            "storage": str(account.files),
            "customers": str(account.customers),
            "from_email": FROM_EMAIL,
        }
    )


def _say_what_to_look_at(lines: Sequence[Figure], seconds: float) -> None:
    print()
    print(f"  Exports, customers and rejected rows: {FILES.relative_to(ROOT)}/")
    print(f"  What Airflow logged: {LOGS.relative_to(ROOT)}/")
    wrong = sum(len(line.wrong) for line in lines)
    print(f"  {'All figures are what they must be' if not wrong else f'{wrong} figures are wrong'} ({seconds:.0f} s).")


if __name__ == "__main__":
    sys.exit(main())
