"""Whenever a newsletter was sent, by whomever: look at its figures.

Nobody has to send it from a DAG. The triggerer watches the account, and every campaign with "newsletter" in its
internal title that is sent is told of in an event of the asset, which this DAG is scheduled on.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_sender.assets import campaigns_sent
from airflow_provider_sender.triggers.campaigns import SenderCampaignEventTrigger

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))

# [START howto_trigger_sender_campaign_event]
newsletter_sent = Asset(
    "sender_newsletter_sent",
    watchers=[
        AssetWatcher(
            name="newsletter_sent",
            trigger=SenderCampaignEventTrigger(
                sender_conn_id="sender_default",
                title_contains="newsletter",
                poll_interval=SECONDS_BETWEEN_LOOKS,
            ),
        )
    ],
)
# [END howto_trigger_sender_campaign_event]


@dag(
    dag_id="sender_on_campaign_sent",
    description="Whenever a newsletter was sent from a Sender account",
    schedule=[newsletter_sent],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    default_args={"retries": 2},
)
def on_campaign_sent() -> None:
    """The figures of every newsletter that was sent."""

    # [START howto_campaign_event_payload]
    @task
    def look_at_the_figures(triggering_asset_events: Any = None) -> list[str]:
        """Return the ids of the campaigns this run is about: several, if they were sent at about the same time."""
        # There are no events when the DAG is started by hand. One event may tell of several campaigns, or of none.
        events = triggering_asset_events[newsletter_sent] if triggering_asset_events else []
        campaigns = campaigns_sent(events)
        for campaign in campaigns:
            log.info("%s: %s of %s mails", campaign["title"], campaign["sent"], campaign["recipients"])
        return [campaign["id"] for campaign in campaigns]

    # [END howto_campaign_event_payload]

    look_at_the_figures()


on_campaign_sent_dag = on_campaign_sent()

if __name__ == "__main__":
    on_campaign_sent_dag.test()
