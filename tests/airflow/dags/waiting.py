"""DAGs of one task each that waits, is killed, or is tried again as the service says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import task

from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from tests.airflow.dags.jobs import dag_of

# Airflow takes it for a kill when a task in a worker runs longer than it may.
KILLED: dict[str, Any] = {"execution_timeout": timedelta(seconds=2.5), "retries": 0}

with dag_of("send_and_be_killed", campaign="", send_at="") as send_and_be_killed:
    for task_id, cancels in {"cancels": True, "leaves": False}.items():
        SenderSendCampaignOperator(
            task_id=task_id,
            campaign_id="{{ params.campaign[ti.task_id] }}",
            send_at="{{ params.send_at }}",
            wait_for_completion=True,
            poll_interval=0.2,
            deferrable=False,
            cancel_on_kill=cancels,
            **KILLED,
        )

with dag_of("wait_and_be_killed", campaign="") as wait_and_be_killed:
    SenderCampaignSensor(
        task_id="job",
        campaign_id="{{ params.campaign }}",
        poke_interval=0.2,
        deferrable=False,
        cancel_on_kill=True,
        **KILLED,
    )

with dag_of("wait_rescheduled", campaign="") as wait_rescheduled:
    SenderCampaignSensor(
        task_id="job", campaign_id="{{ params.campaign }}", poke_interval=0.2, mode="reschedule", deferrable=False
    )

with dag_of("wait_badly", campaign="") as wait_badly:
    SenderSendCampaignOperator(
        task_id="job", campaign_id="{{ params.campaign }}", wait_for_completion=True, poll_interval=-1
    )

try:
    from airflow_provider_sender.retry_policy import SenderRetryPolicy
except ImportError:  # before Airflow 3.3
    pass
else:
    with dag_of("ask") as ask:

        @task(retries=2, retry_delay=timedelta(hours=1), retry_policy=SenderRetryPolicy())
        def job() -> Any:
            from airflow_provider_sender.hooks.sender import SenderHook

            return SenderHook().list_groups().meta.total

        job()
