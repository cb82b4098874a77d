"""What a notification says when its DAG leaves that open: what happened to what, and where its log is.

Nothing a task computed, and no error's text, gets into a mail this way: either may hold what is not meant for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# State of a task or run -> what became of it.
_BECAME = {
    "success": "succeeded",
    "failed": "failed",
    "up_for_retry": "failed and will be tried again",
    "skipped": "was skipped",
    "running": "is running",
    "queued": "is queued",
}

# For DAGs' callbacks Airflow gives this reason when all went well, and others when not.
_ALL_WELL = "success"


def subject_of(context: Mapping[str, Any]) -> str:
    """Return a subject, as ``[Airflow] Task sales.load failed``."""
    return f"[Airflow] {_what_happened(context)}"


def text_of(context: Mapping[str, Any]) -> str:
    """Return a text of a few lines: the DAG, the task, the run, the state, the log's address."""
    lines = [f"{name}: {value}" for name, value in _facts(context) if value not in (None, "")]
    return "\n".join([f"{_what_happened(context)}.", "", *lines, ""])


def _what_happened(context: Mapping[str, Any]) -> str:
    dag_id = _dag_id(context)
    if "deadline" in context:
        return f"DAG {dag_id} missed its deadline"
    if _is_about_a_task(context):
        return f"Task {dag_id}.{_of(_ti(context), 'task_id')} {_became_of_task(context)}"
    if not dag_id:
        return "Airflow calls for attention"
    return f"DAG {dag_id} {_became_of_dag(context)}"


def _facts(context: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    ti, run = _ti(context), context.get("dag_run")
    yield "DAG", _dag_id(context)
    if _is_about_a_task(context):
        yield "Task", _of(ti, "task_id")
        map_index = _of(ti, "map_index")
        yield "Map index", map_index if isinstance(map_index, int) and map_index >= 0 else None
        yield "Try", _of(ti, "try_number")
    yield "Run", context.get("run_id") or _of(run, "run_id") or _of(run, "dag_run_id") or _of(ti, "run_id")
    yield "Logical date", _of(run, "logical_date")
    yield "Deadline", _of(context.get("deadline"), "deadline_time")
    yield "Reason", context.get("reason")
    # With a DAG's callback comes its last task, whose log may say why.
    yield "Log" if _is_about_a_task(context) else "Log of the last task", _of(ti, "log_url")


def _is_about_a_task(context: Mapping[str, Any]) -> bool:
    # A DAG's callback has a task instance, too; only there is a reason.
    return _ti(context) is not None and "reason" not in context


def _became_of_task(context: Mapping[str, Any]) -> str:
    ti = _ti(context)
    state = _state(ti)
    if state == "" and _of(ti, "start_date") is None:
        return _BECAME["failed"]  # Airflow found it dead, and says no more than that
    return _BECAME.get(state, f"is {state}" if state else _BECAME["running"])


def _became_of_dag(context: Mapping[str, Any]) -> str:
    if "reason" in context:
        return _BECAME["success" if context["reason"] == _ALL_WELL else "failed"]
    state = _state(context.get("dag_run"))
    return _BECAME.get(state, f"is {state or 'in a state of its own'}")


def _ti(context: Mapping[str, Any]) -> object | None:
    return context.get("ti") or context.get("task_instance")


def _dag_id(context: Mapping[str, Any]) -> object:
    things = (context.get("dag"), context.get("dag_run"), _ti(context))
    return next((found for thing in things if (found := _of(thing, "dag_id"))), "")


def _state(thing: object) -> str:
    state = _of(thing, "state")
    return "" if state is None else str(getattr(state, "value", state)).lower()


def _of(thing: object, name: str) -> Any:
    """Return an attribute; in a triggerer's callback, a run is a dictionary."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
