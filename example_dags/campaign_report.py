"""What became of a campaign: who opened it, who clicked, who left, as a table and as a picture.

Start it with a campaign's id, by hand or from the DAG that sends it, and again some days later: people open mails for
days, and each run replaces the files with what is known by then.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_sender.operators.campaigns import SenderExportCampaignReportOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = float(os.environ.get("SENDER_EXAMPLE_POKE_INTERVAL", "60"))


@dag(
    dag_id="sender_campaign_report",
    description="What became of a campaign of a Sender account",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "campaign": Param("", type="string", description="Id of the campaign"),
        "storage": Param("/tmp/sender", type="string", description="Where the report goes"),
    },
    default_args={"retries": 2},
)
def campaign_report() -> None:
    """Wait until it is sent, and report."""
    wait_until_sent = SenderCampaignSensor(
        task_id="wait_until_sent",
        campaign_id="{{ params.campaign }}",
        poke_interval=SECONDS_BETWEEN_LOOKS,
        deferrable=True,
    )

    # [START howto_operator_sender_campaign_report]
    report = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id="{{ params.campaign }}",
        output_path="{{ params.storage }}/events/{{ params.campaign }}.parquet",
        html_path="{{ params.storage }}/reports/{{ params.campaign }}.html",
    )
    # [END howto_operator_sender_campaign_report]

    @task
    def say_how_it_went(found: Any) -> None:
        """Put the figures into the log."""
        totals = found["totals"]
        log.info("%s sent, %s opened, %s clicked", totals["sent"], totals["opened"], totals["clicked"])
        log.info("%s rows in %s, a picture in %s", found["rows"], found["path"], found["html_path"])

    wait_until_sent >> report
    say_how_it_went(report.output)


campaign_report_dag = campaign_report()

if __name__ == "__main__":
    campaign_report_dag.test()
