"""Every week: customers into the account, and a newsletter to them, once.

A customers table (here a CSV file) goes into the account's newsletter group; rows that are refused are kept with their
reasons and do not hold up the rest. Then the newsletter of the week is made and sent. However often the send is
retried, cleared or backfilled, ``send_key`` lets it go out once.

Nothing here is about one service: the parameter ``conn_id`` says which account this is, and the connection's type which
service. Operators and ``@task`` functions stand side by side here, as they do in most people's DAGs.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor

log = logging.getLogger(__name__)

# A campaign to a million people takes its time; once a minute is often enough to ask.
SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))


@dag(
    dag_id="sender_newsletter",
    description="Customers into an account, and the newsletter of the week to them",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "conn_id": Param("sender_default", type="string", description="The account: Sender, SendPulse or Sendara"),
        "customers": Param("/tmp/sender/customers.csv", type="string", description="The customers table, CSV or JSONL"),
        "storage": Param("/tmp/sender", type="string", description="Where rejected rows go"),
        "group": Param("Newsletter", type="string", description="Title of the group the newsletter goes to"),
        "from_email": Param("news@example.com", type="string", description="An address on a verified domain"),
    },
    default_args={"retries": 2},
)
def newsletter() -> None:
    """Customers in, newsletter out."""

    # [START howto_service_for]
    @task
    def find_group(params: dict[str, Any] | None = None) -> str:
        """Return the id of the newsletter's group."""
        from airflow_provider_sender.hooks.services import service_for

        assert params is not None
        title = params["group"]
        ids = {group.title: group.id for group in service_for(params["conn_id"]).groups()}
        if title not in ids:
            raise ValueError(f"The account has no group {title!r}; it has {', '.join(ids)}.")
        return ids[title]

    # [END howto_service_for]

    group_id = find_group()

    # [START howto_operator_sender_upsert]
    upsert_customers = SenderUpsertSubscribersOperator(
        task_id="upsert_customers",
        sender_conn_id="{{ params.conn_id }}",
        input_path="{{ params.customers }}",
        columns={"first_name": "firstname", "last_name": "lastname", "plan": "fields.Plan", "customer_no": None},
        group_ids=[group_id],
        rejects_path="{{ params.storage }}/rejected-{{ ds }}.jsonl",
        on_reject="warn",
    )
    # [END howto_operator_sender_upsert]

    # [START howto_operator_sender_send]
    send_newsletter = SenderSendCampaignOperator(
        task_id="send_newsletter",
        sender_conn_id="{{ params.conn_id }}",
        campaign={
            "title": "Newsletter {{ ds }}",
            "subject": "What is new this week",
            "from_name": "Example Ltd",
            "from_email": "{{ params.from_email }}",
            # The placeholder is Sender's, which asks for one. SendPulse adds a link by itself: leave it out there.
            "html": "<h1>News</h1><p>...</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
            "group_ids": [group_id],
        },
        send_key="newsletter-{{ ds }}",
        min_recipients=1,
        max_recipients=1_000_000,
    )
    # [END howto_operator_sender_send]

    # [START howto_sensor_sender_campaign]
    wait_until_sent = SenderCampaignSensor(
        task_id="wait_until_sent",
        sender_conn_id="{{ params.conn_id }}",
        campaign_id=send_newsletter.output,
        poke_interval=SECONDS_BETWEEN_LOOKS,
        timeout=24 * 60 * 60,
        deferrable=True,
    )
    # [END howto_sensor_sender_campaign]

    @task
    def say_what_was_sent(customers: Any, campaign: Any) -> None:
        """Put the figures into the log."""
        log.info("Customers: %s", customers)
        log.info("Campaign %s: %s, %s mails", campaign["id"], campaign["state"], campaign["sent"])

    upsert_customers >> send_newsletter
    say_what_was_sent(upsert_customers.output, wait_until_sent.output)


newsletter_dag = newsletter()

if __name__ == "__main__":
    newsletter_dag.test()
