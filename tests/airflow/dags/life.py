"""The whole life of a campaign: made, approved, scheduled, taken back, sent, waited for, reported, announced."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

from airflow_provider_sender.notifications.sender import SenderNotifier
from airflow_provider_sender.operators.campaigns import (
    SenderCancelCampaignOperator,
    SenderCreateCampaignOperator,
    SenderExportCampaignReportOperator,
    SenderSendCampaignOperator,
)
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from tests.airflow.dags.jobs import CAMPAIGN

with DAG(
    "life",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    render_template_as_native_obj=True,
    default_args={"retries": 2, "retry_delay": timedelta(milliseconds=10)},
    params={"group": "", "path": "", "send_at": ""},
    on_success_callback=SenderNotifier(to="boss@example.com", from_email="airflow@example.com"),
) as life:
    create = SenderCreateCampaignOperator(task_id="create", campaign=CAMPAIGN)
    approve = ApprovalOperator(task_id="approve", subject="Send it?")
    schedule = SenderSendCampaignOperator(
        task_id="schedule", campaign_id=create.output, send_at="{{ params.send_at }}", min_recipients=1
    )
    cancel = SenderCancelCampaignOperator(task_id="cancel", campaign_id=create.output)
    send = SenderSendCampaignOperator(task_id="send", campaign_id=create.output, max_recipients=1000)
    wait = SenderCampaignSensor(task_id="wait", campaign_id=send.output, poke_interval=0.2, timeout=60, deferrable=True)
    report = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id=send.output,
        output_path="{{ params.path }}/report.jsonl",
        html_path="{{ params.path }}/report.html",
    )
    create >> approve >> schedule >> cancel >> send >> wait >> report
