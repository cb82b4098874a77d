"""DAGs that mail somebody about what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_sender.notifications.sender import SenderNotifier


def notified(**options: Any) -> SenderNotifier:
    return SenderNotifier(**{"to": "oncall@example.com", "from_email": "airflow@example.com", **options})


def dag_of(dag_id: str, *, fails: bool = False, **options: Any) -> DAG:
    """Return a DAG of one task, which fails when wanted."""
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1), **options) as dag:

        @task
        def report() -> None:
            if fails:
                raise ValueError("The key of the vault is 12345")

        report()
    return dag


well = dag_of("well", on_success_callback=notified(), on_failure_callback=notified(subject="Never"))

badly = dag_of("badly", fails=True, on_failure_callback=notified(), on_success_callback=notified(subject="Never"))

with dag_of(
    "tasks",
    fails=True,
    default_args={
        "on_success_callback": notified(),
        "on_failure_callback": [notified(), notified(to="boss@example.com")],
    },
) as tasks:

    @task
    def load() -> None:
        """Go well."""

    load() >> tasks.get_task("report")

in_words = dag_of(
    "in_words",
    fails=True,
    default_args={
        "on_failure_callback": notified(
            to=["oncall@example.com", {"email": "boss@example.com", "name": "{{ dag.dag_id }}"}],
            subject="{{ ti.task_id }} of {{ run_id[:6] }}: {{ ti.state.value }}",
            html="<p>Look at {{ ti.log_url }}</p>",
            sender_conn_id="{{ 'sender_' }}default",
        )
    },
)

astray = dag_of(
    "astray",
    fails=True,
    on_failure_callback=[notified(to="oncall"), notified(to="{{ nothing.there }}"), notified(subject="This one")],
)
