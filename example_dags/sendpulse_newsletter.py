"""Every week: a newsletter to two mailing lists of a SendPulse account, and its figures.

SendPulse sends a campaign as it makes it: there is no draft to be sent later. So the task that sends is given what to
make, and ``send_key`` lets it be made once, however often the task is retried, cleared or backfilled. Waiting takes no
worker: the task is deferred until the service has sent the last mail.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_sender.operators.campaigns import (
    SenderExportCampaignReportOperator,
    SenderSendCampaignOperator,
)

SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))

with DAG(
    dag_id="sendpulse_newsletter",
    description="A newsletter to mailing lists of a SendPulse account",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sendpulse"],
    params={
        "lists": Param(["101", "102"], type="array", items={"type": "string"}, description="Ids of the mailing lists"),
        "storage": Param("/tmp/sendpulse", type="string", description="Where the figures go"),
        "from_email": Param("news@example.com", type="string", description="A sender the account has activated"),
    },
    default_args={"retries": 2, "sender_conn_id": "sendpulse_default"},
) as dag:
    # [START howto_operator_sendpulse_send]
    @task
    def mailing_lists(params: dict[str, Any] | None = None) -> list[str]:
        """Return the ids of the mailing lists, as the list they are."""
        return list((params or {})["lists"])

    send_newsletter = SenderSendCampaignOperator(
        task_id="send_newsletter",
        campaign={
            "title": "Newsletter {{ ds }}",
            "subject": "What is new this week",
            "from_name": "Example Ltd",
            "from_email": "{{ params.from_email }}",
            # SendPulse puts a link to unsubscribe beneath every campaign by itself.
            "html": "<h1>News</h1><p>...</p>",
            # A template would make a text of them.
            "group_ids": mailing_lists(),
        },
        send_key="newsletter-{{ ds }}",
        send_key_prefix="newsletter-",
        min_recipients=1,
        max_change=0.5,
        wait_for_completion=True,
        poll_interval=SECONDS_BETWEEN_LOOKS,
        deferrable=True,
    )
    # [END howto_operator_sendpulse_send]

    # Who opened what is told by webhooks only, so there is no table of events: the totals, as a page to look at.
    report = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id=send_newsletter.output,
        html_path="{{ params.storage }}/newsletter-{{ ds }}.html",
    )

if __name__ == "__main__":
    dag.test()
