"""DAGs of one task each, told by the run's conf what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_sender.operators.campaigns import (
    SenderCancelCampaignOperator,
    SenderCreateCampaignOperator,
    SenderSendCampaignOperator,
)
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderExportSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor


def dag_of(dag_id: str, **params: Any) -> DAG:
    """Return a DAG whose tasks are tried more often than any test wants to see: each try too many shows."""
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        render_template_as_native_obj=True,
        default_args={"retries": 2, "retry_delay": timedelta(milliseconds=10)},
        params=params,
    )


CAMPAIGN = {
    "subject": "What is new",
    "from_name": "Example Ltd",
    "from_email": "news@example.com",
    "html": "<p>Dear reader</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
    "group_ids": ["{{ params.group }}"],
}

with dag_of("export", path="", on_drift="repair") as export:
    SenderExportSubscribersOperator(task_id="job", output_path="{{ params.path }}", on_drift="{{ params.on_drift }}")

with dag_of("export_as", path="", format="jsonl") as export_as:
    SenderExportSubscribersOperator(task_id="job", output_path="{{ params.path }}", file_format="{{ params.format }}")

with dag_of("export_group", path="", group=None) as export_group:
    SenderExportSubscribersOperator(task_id="job", output_path="{{ params.path }}", group_id="{{ params.group }}")

with dag_of("upsert_file", path="", rejects=None, on_reject="fail") as upsert_file:
    SenderUpsertSubscribersOperator(
        task_id="job",
        input_path="{{ params.path }}",
        rejects_path="{{ params.rejects }}",
        on_reject="{{ params.on_reject }}",
    )

with dag_of("upsert_rows", rows=[]) as upsert_rows:
    SenderUpsertSubscribersOperator(task_id="job", subscribers="{{ params.rows }}")

with dag_of("sync_group", rows=[], group="", mode="mirror") as sync_group:
    SenderSyncGroupOperator(
        task_id="job", group_id="{{ params.group }}", subscribers="{{ params.rows }}", mode="{{ params.mode }}"
    )

with dag_of("sync_group_file", path="", group="", rejects="") as sync_group_file:
    SenderSyncGroupOperator(
        task_id="job",
        group_id="{{ params.group }}",
        input_path="{{ params.path }}",
        create_missing=True,
        rejects_path="{{ params.rejects }}",
    )

with dag_of("erase", emails=[]) as erase:
    SenderDeleteSubscribersOperator(task_id="job", emails="{{ params.emails }}", timeout=1)

with dag_of("create", group="") as create:
    SenderCreateCampaignOperator(task_id="job", campaign=CAMPAIGN, send_key="create-{{ ds }}")

with dag_of("send_new", group="") as send_new:
    SenderSendCampaignOperator(task_id="job", campaign=CAMPAIGN, send_key="send-new-{{ ds }}")

with dag_of("send", campaign="") as send:
    SenderSendCampaignOperator(task_id="job", campaign_id="{{ params.campaign }}")

with dag_of("send_to_many", campaign="") as send_to_many:
    SenderSendCampaignOperator(task_id="job", campaign_id="{{ params.campaign }}", min_recipients=1_000)

with dag_of("schedule", campaign="", send_at=None) as schedule:
    SenderSendCampaignOperator(task_id="job", campaign_id="{{ params.campaign }}", send_at="{{ params.send_at }}")

with dag_of("send_and_wait", group="") as send_and_wait:
    for name, is_deferrable in {"in_the_worker": False, "in_the_triggerer": True}.items():
        SenderSendCampaignOperator(
            task_id=name,
            campaign=CAMPAIGN,
            send_key=name,
            wait_for_completion=True,
            poll_interval=0.1,
            timeout=20,
            deferrable=is_deferrable,
        )

with dag_of("cancel", campaign="") as cancel:
    SenderCancelCampaignOperator(task_id="job", campaign_id="{{ params.campaign }}")

with dag_of("wait_deferred", campaign="") as wait_deferred:
    SenderCampaignSensor(task_id="job", campaign_id="{{ params.campaign }}", poke_interval=0.2, deferrable=True)

with dag_of("wait_softly", campaign="") as wait_softly:
    SenderCampaignSensor(task_id="job", campaign_id="{{ params.campaign }}", soft_fail=True, deferrable=True)

with dag_of("wait", campaign="") as wait:
    SenderCampaignSensor(task_id="poke", campaign_id="{{ params.campaign }}", poke_interval=0.1, draft_timeout=0.3)
    SenderCampaignSensor(
        task_id="defer", campaign_id="{{ params.campaign }}", poke_interval=0.1, draft_timeout=0.3, deferrable=True
    )

with dag_of("wait_in_vain", campaign="") as wait_in_vain:
    SenderCampaignSensor(
        task_id="job", campaign_id="{{ params.campaign }}", poke_interval=0.1, timeout=0.5, deferrable=True
    )
