"""DAGs of one task each that mail one person, start workflows and record events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import task

from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.workflows import SenderCreateEventOperator, SenderStartWorkflowOperator
from tests.airflow.dags.jobs import dag_of

if TYPE_CHECKING:
    from airflow.sdk import Context

MAIL: dict[str, Any] = {
    "subject": "Report of {{ ds }}",
    "html": "<p>Dear reader</p> {% raw %}{{ name }}{% endraw %}",
    "variables": {"name": "{{ params.name }}"},
    "from_email": "shop@example.com",
}


class FailsAfterwards(SenderSendMessageOperator):
    """Sends the mail, and fails in its first tries all the same."""

    def execute(self, context: Context) -> str | None:
        sent = super().execute(context)
        if context["ti"].try_number < 3:
            raise RuntimeError("The worker was lost right after.")
        return sent


with dag_of("mail", to="ann@example.com", name="Ann") as mail:
    SenderSendMessageOperator(task_id="job", to="{{ params.to }}", **MAIL)

with dag_of("mail_and_fail", to="ann@example.com", name="Ann") as mail_and_fail:
    FailsAfterwards(task_id="job", to="{{ params.to }}", **MAIL)

with dag_of("mail_slowly", to="ann@example.com", name="Ann") as mail_slowly:
    SenderSendMessageOperator(task_id="job", to="{{ params.to }}", execution_timeout=timedelta(seconds=1), **MAIL)

with dag_of("mail_everybody", people=[], name="Ann") as mail_everybody:

    @task(show_return_value_in_logs=False)  # Airflow would log the addresses
    def people(params: dict[str, Any] | None = None) -> list[str]:
        """Return whom to mail."""
        return list((params or {})["people"])

    SenderSendMessageOperator.partial(task_id="job", **MAIL).expand(to=people())

with dag_of("start_workflow", workflow="", to="ann@example.com") as start_workflow:
    SenderStartWorkflowOperator(task_id="job", workflow_id="{{ params.workflow }}", subscriber_email="{{ params.to }}")

with dag_of("record_event", to="ann@example.com") as record_event:
    SenderCreateEventOperator(
        task_id="job",
        event="order",
        subscriber_email="{{ params.to }}",
        value="{{ 10 + 2.5 }}",
        currency="EUR",
        properties={"day": "{{ ds }}"},
    )
