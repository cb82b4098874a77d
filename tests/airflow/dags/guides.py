"""The guides' own tasks that return something to an operator: a DAG for each of their code blocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from airflow.sdk import DAG

from tests.docs.rst import pages


def dags() -> Iterator[DAG]:
    """Return a DAG for each code block that has a task and an operator."""
    for guide in pages():
        for block in guide.code("python"):
            if "@task" in block.text and "task_id=" in block.text:
                name = f"guide_{guide.name.replace('/', '_')}_{block.line}"
                with DAG(name, schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
                    exec(compile(block.text, name, "exec"), {"__name__": name})
                yield dag


DAGS = {dag.dag_id: dag for dag in dags()}
globals().update(DAGS)
