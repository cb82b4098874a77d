"""Mapped tasks, as Airflow makes them for a worker."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, XComArg, task
from airflow.sdk.definitions.xcom_arg import PlainXComArg
from airflow.serialization import serialized_objects

# It was called SerializedDAG before Airflow 3.2.
NAME = "DagSerialization" if hasattr(serialized_objects, "DagSerialization") else "SerializedDAG"
Serialization: Any = getattr(serialized_objects, NAME)


def stored(of: DAG) -> str:
    """Return what Airflow stores of a DAG."""
    return json.dumps(Serialization.to_dict(of))


def scheduled(of: DAG) -> Any:
    """Return a DAG as the scheduler has it, which knows nothing but what is stored."""
    return Serialization.from_dict(json.loads(stored(of)))


def dag() -> DAG:
    return DAG("mapped", schedule=None, start_date=datetime(2026, 1, 1))


def returned(value: Any, monkeypatch: pytest.MonkeyPatch) -> XComArg:
    """Return the output of a task that returned a value; to be called within a DAG."""

    @task
    def source() -> Any:
        return value

    monkeypatch.setattr(PlainXComArg, "resolve", lambda self, context: value)
    return source()


def made_in_a_worker(mapped: Any, map_index: int = 0, **context: Any) -> Any:
    """Return the operator of one of a mapped task's instances, rendered."""
    ti = SimpleNamespace(
        map_index=map_index,
        task=mapped,
        task_id=mapped.task_id,
        dag_id="mapped",
        run_id="run",
        _upstream_map_indexes={},
    )
    in_the_worker: Any = {"ti": ti, "task_instance": ti, "task": mapped, "dag": mapped.dag, "params": {}, **context}
    in_the_worker["dag_run"] = SimpleNamespace(conf={})
    mapped.prepare_for_execution().render_template_fields(in_the_worker)
    return in_the_worker["task"]
