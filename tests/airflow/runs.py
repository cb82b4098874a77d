"""Running a DAG in a real Airflow, in this process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LOGICAL_DATE = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What became of a run.

    :param states: task -> state.
    :param tries: task -> how often it was tried.
    :param returned: task -> what it returned.
    :param log: all that Airflow said.
    """

    state: str
    states: dict[str, str]
    tries: dict[str, int]
    returned: dict[str, Any]
    log: str


def run_dag(
    module: str, attribute: str, *, said: Callable[[], str], passed_over: str | None = None, **conf: Any
) -> Run:
    """Run a DAG; an earlier run for the same date is cleared, as ``dag.test`` does.

    :param said: returns what was printed since it was last called.
    :param passed_over: pattern of the tasks that are taken for successful without being run.
    """
    # A DAG keeps the params of its last run, so each run gets a DAG of its own.
    dag = getattr(importlib.reload(importlib.import_module(module)), attribute)
    said()
    run = dag.test(logical_date=LOGICAL_DATE, run_conf=conf, mark_success_pattern=passed_over)
    instances = run.get_task_instances()
    return Run(
        state=str(run.state),
        states={ti.task_id: str(ti.state) for ti in instances},
        tries={ti.task_id: ti.try_number for ti in instances},
        returned={ti.task_id: ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index) for ti in instances},
        log=said(),
    )
