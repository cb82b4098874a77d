from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import TaskInstanceState
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.notifications.wording import subject_of, text_of

DAG = SimpleNamespace(dag_id="sales")
RUN = SimpleNamespace(dag_id="sales", run_id="manual__1", logical_date="2026-01-05", state="running")


def ti(**facts: Any) -> SimpleNamespace:
    task = {"dag_id": "sales", "task_id": "load", "run_id": "manual__1", "map_index": -1, "try_number": 2}
    return SimpleNamespace(**{**task, "start_date": "now", "log_url": "http://airflow/log", **facts})


def of_task(**facts: Any) -> dict[str, Any]:
    return {"dag": DAG, "dag_run": RUN, "run_id": "manual__1", "ti": ti(**facts)}


@pytest.mark.parametrize(
    ("context", "subject"),
    [
        (of_task(state=TaskInstanceState.FAILED), "Task sales.load failed"),
        (of_task(state=TaskInstanceState.SUCCESS), "Task sales.load succeeded"),
        (of_task(state=TaskInstanceState.UP_FOR_RETRY), "Task sales.load failed and will be tried again"),
        (of_task(state=TaskInstanceState.SKIPPED), "Task sales.load was skipped"),
        (of_task(state="removed"), "Task sales.load is removed"),
        # A task's callback on start, and one of a task that Airflow found dead, for which it knows no more.
        (of_task(state=None), "Task sales.load is running"),
        (of_task(state=None, start_date=None), "Task sales.load failed"),
        # With the callback of a DAG comes the task that was last.
        (of_task(state=None) | {"reason": "task_failure"}, "DAG sales failed"),
        (of_task(state="failed") | {"reason": "success"}, "DAG sales succeeded"),
        ({"dag": DAG, "run_id": "manual__1", "reason": "timed_out"}, "DAG sales failed"),
        ({"dag": DAG, "run_id": "manual__1"}, "DAG sales is in a state of its own"),
        # What a triggerer is told.
        ({"dag_run": {"dag_id": "sales"}, "deadline": {"deadline_time": "noon"}}, "DAG sales missed its deadline"),
        ({"dag_run": {"dag_id": "sales", "state": "failed"}}, "DAG sales failed"),
        ({}, "Airflow calls for attention"),
    ],
)
def test_the_subject_says_what_happened_to_what(context: dict[str, Any], subject: str) -> None:
    assert subject_of(context) == f"[Airflow] {subject}"
    assert text_of(context).startswith(f"{subject}.\n")


def test_the_text_of_a_task_says_where_to_look() -> None:
    assert text_of(of_task(state="failed", map_index=3)) == (
        "Task sales.load failed.\n"
        "\n"
        "DAG: sales\n"
        "Task: load\n"
        "Map index: 3\n"
        "Try: 2\n"
        "Run: manual__1\n"
        "Logical date: 2026-01-05\n"
        "Log: http://airflow/log\n"
    )


def test_the_text_of_a_missed_deadline_says_which() -> None:
    context = {"dag_run": {"dag_id": "sales", "dag_run_id": "r"}, "deadline": {"id": 1, "deadline_time": "noon"}}
    assert text_of(context) == "DAG sales missed its deadline.\n\nDAG: sales\nRun: r\nDeadline: noon\n"


def test_the_error_is_not_in_it() -> None:
    context = of_task(state="failed") | {"exception": ValueError("The key is 12345"), "params": {"key": "12345"}}
    assert "12345" not in subject_of(context) + text_of(context)


_THINGS = (
    st.none() | st.text() | st.integers() | st.dictionaries(st.sampled_from(["dag_id", "state", "run_id"]), st.text())
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # that is a matter of the machine
@given(
    st.dictionaries(st.sampled_from(["dag", "dag_run", "ti", "task_instance", "deadline", "reason", "run_id"]), _THINGS)
)
def test_whatever_airflow_tells_makes_a_subject_and_a_text(context: dict[str, Any]) -> None:
    assert subject_of(context).startswith("[Airflow] ")
    assert text_of(context)
