"""Every week: customers into a list of a Sendara account, a broadcast to the list, its figures, and a mail with them.

Contacts are written up to 500 in one request. A message carries a key that follows from the task and its run: a retry
whose first try was cut off sends the same mail under the same key, and Sendara sends it once.
"""

from __future__ import annotations

import os
from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_sender.operators.campaigns import (
    SenderExportCampaignReportOperator,
    SenderSendCampaignOperator,
)
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator

SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))

with DAG(
    dag_id="sendara_broadcast",
    description="Customers into a Sendara account, a broadcast to them, and what became of it",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sendara"],
    params={
        "customers": Param("/tmp/sendara/customers.csv", type="string", description="The customers, CSV or JSONL"),
        "list": Param("lst_1", type="string", description="Id of the list the broadcast goes to"),
        "storage": Param("/tmp/sendara", type="string", description="Where rejected rows and figures go"),
        "from_email": Param("news@example.com", type="string", description="An address on a verified domain"),
        "reader": Param("boss@example.com", type="string", description="Who reads the figures"),
    },
    default_args={"retries": 2, "sender_conn_id": "sendara_default"},
) as dag:
    # [START howto_operator_sendara_upsert]
    upsert_customers = SenderUpsertSubscribersOperator(
        task_id="upsert_customers",
        input_path="{{ params.customers }}",
        # What is neither an address nor a name becomes an attribute; "tags" are Sendara's own.
        columns={"first_name": "firstname", "plan": "fields.plan", "segments": "fields.tags"},
        group_ids=["{{ params.list }}"],
        rejects_path="{{ params.storage }}/rejected-{{ ds }}.jsonl",
        on_reject="warn",
    )
    # [END howto_operator_sendara_upsert]

    send_broadcast = SenderSendCampaignOperator(
        task_id="send_broadcast",
        campaign={
            "title": "Broadcast {{ ds }}",
            "subject": "What is new this week",
            "from_name": "Example Ltd",
            "from_email": "{{ params.from_email }}",
            # Sendara documents no placeholder for a link to unsubscribe, so it leads to a page of your own.
            "html": "<h1>News</h1><p>...</p><a href='https://example.com/unsubscribe'>Unsubscribe</a>",
            "group_ids": ["{{ params.list }}"],
        },
        send_key="broadcast-{{ ds }}",
        wait_for_completion=True,
        poll_interval=SECONDS_BETWEEN_LOOKS,
        deferrable=True,
    )

    report = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id=send_broadcast.output,
        html_path="{{ params.storage }}/broadcast-{{ ds }}.html",
    )

    # [START howto_operator_sendara_message]
    mail_figures = SenderSendMessageOperator(
        task_id="mail_figures",
        to="{{ params.reader }}",
        from_email="{{ params.from_email }}",
        subject="The broadcast of {{ ds }}",
        text="{{ ti.xcom_pull('report').totals.sent }} were sent, {{ ti.xcom_pull('report').totals.opened }} opened.",
    )
    # [END howto_operator_sendara_message]

    upsert_customers >> send_broadcast >> report >> mail_figures

if __name__ == "__main__":
    dag.test()
