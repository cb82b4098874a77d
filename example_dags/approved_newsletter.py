"""The monthly newsletter: made from last month's, read by a person, sent at nine, reported on.

The draft is a copy of a master campaign with this month's subject. Somebody opens it in Sender, by the link on the task
or in the message that asks, and approves it in Airflow; without that nothing is sent. It goes out only if about as many
people would get it as last time. When it was sent, its figures become a page to look at and a mail.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

from airflow_provider_sender.operators.campaigns import (
    SenderCreateCampaignOperator,
    SenderExportCampaignReportOperator,
    SenderSendCampaignOperator,
)
from airflow_provider_sender.operators.messages import SenderSendMessageOperator

SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))

with DAG(
    dag_id="sender_approved_newsletter",
    description="A newsletter that a person approves before it is sent",
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "master": Param("b6gXkQ", type="string", description="Id of the campaign to copy"),
        "storage": Param("/tmp/sender", type="string", description="Where the report goes"),
        "reader": Param("boss@example.com", type="string", description="Who reads the figures"),
        "from_email": Param("airflow@example.com", type="string", description="An address on a verified domain"),
    },
    default_args={"retries": 2},
) as dag:
    # [START howto_operator_sender_copy]
    make_draft = SenderCreateCampaignOperator(
        task_id="make_draft",
        copy_of="{{ params.master }}",
        campaign={"title": "Newsletter {{ ds }}", "subject": "What is new in {{ logical_date.strftime('%B') }}"},
        send_key="monthly-{{ ds }}",
        send_key_prefix="monthly-",
    )
    # [END howto_operator_sender_copy]

    # [START howto_approval_sender]
    approve = ApprovalOperator(
        task_id="approve",
        subject="Send the newsletter of {{ ds }}?",
        body="The draft: {{ ti.xcom_pull('make_draft', key='campaign_url') }}",
        execution_timeout=timedelta(days=3),
    )

    send_newsletter = SenderSendCampaignOperator(
        task_id="send_newsletter",
        campaign_id=make_draft.output,
        send_key_prefix="monthly-",
        max_change=0.3,
        wait_for_completion=True,
        poll_interval=SECONDS_BETWEEN_LOOKS,
        deferrable=True,
    )
    # [END howto_approval_sender]

    report = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id=send_newsletter.output,
        output_path="{{ params.storage }}/newsletter-{{ ds }}.csv.gz",
        html_path="{{ params.storage }}/newsletter-{{ ds }}.html",
    )

    mail_figures = SenderSendMessageOperator(
        task_id="mail_figures",
        to="{{ params.reader }}",
        from_email="{{ params.from_email }}",
        subject="The newsletter of {{ ds }}",
        text=(
            "{% set totals = ti.xcom_pull('report').totals %}"
            "{{ totals.sent }} were sent, {{ totals.opened }} opened and {{ totals.clicked }} clicked."
        ),
    )

    make_draft >> approve >> send_newsletter >> report >> mail_figures

if __name__ == "__main__":
    # Nobody is there to approve it.
    dag.test(mark_success_pattern="approve")
