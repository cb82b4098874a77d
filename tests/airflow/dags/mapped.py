"""DAGs of mapped tasks: over what another task returned, and over what is written here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, ObjectStoragePath, task

from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.subscribers import (
    SenderExportSubscribersOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from airflow_provider_sender.transfers.sender_to_sql import SenderToSqlOperator

CAMPAIGN = {
    "subject": "What is new",
    "from_name": "Example Ltd",
    "from_email": "news@example.com",
    "html": "<p>Dear reader</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
    "group_ids": ["{{ params.group }}"],
}
MAIL: dict[str, Any] = {"subject": "Report", "text": "Dear reader", "from_email": "shop@example.com"}


def dag_of(dag_id: str, **params: Any) -> DAG:
    """Return a DAG whose tasks are tried more often than any test wants to see: each try too many shows."""
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        default_args={"retries": 2, "retry_delay": timedelta(milliseconds=10)},
        params=params,
    )


@task(show_return_value_in_logs=False)
def given(params: Mapping[str, Any] | None = None) -> Any:
    """Return what the run's conf says."""
    return (params or {})["given"]


with dag_of("send_kwargs", given=[], group="") as send_kwargs:
    SenderSendCampaignOperator.partial(task_id="job", campaign=CAMPAIGN).expand_kwargs(given())

with dag_of("send_expanded", given=[], group="") as send_expanded:
    SenderSendCampaignOperator.partial(task_id="job", campaign=CAMPAIGN, send_key="k").expand(max_recipients=given())

with dag_of("send_literally", group="") as send_literally:
    SenderSendCampaignOperator.partial(task_id="job", campaign=CAMPAIGN, send_key="k").expand(max_recipients=[None])

with dag_of("send_kwargs_literally", group="") as send_kwargs_literally:
    SenderSendCampaignOperator.partial(task_id="job", campaign=CAMPAIGN).expand_kwargs(
        [{"send_key": "k1", "send_at": None}]
    )

with dag_of("export_groups", given=[], path="") as export_groups:
    SenderExportSubscribersOperator.partial(task_id="job", output_path="{{ params.path }}").expand(group_id=given())

with dag_of("load_groups", given=[]) as load_groups:
    SenderToSqlOperator.partial(task_id="job", table="people", sql_conn_id="warehouse").expand(group_id=given())

with dag_of("wait_for_each", given=[]) as wait_for_each:
    SenderCampaignSensor.partial(task_id="job", campaign_id="x", poke_interval=0.1, timeout=5).expand_kwargs(given())

with dag_of("mail_kwargs", given=[]) as mail_kwargs:
    SenderSendMessageOperator.partial(task_id="job", map_index_template="{{ task.to }}", **MAIL).expand_kwargs(given())

with dag_of("mail_literally") as mail_literally:
    SenderSendMessageOperator.partial(task_id="job", variables={"name": "Ann Lee"}, **MAIL).expand(
        to=["ann@example.com", {"email": "bob@example.com", "name": "Bob {{ ds }}"}]
    )

with dag_of("upsert_each", given=[]) as upsert_each:
    SenderUpsertSubscribersOperator.partial(task_id="job").expand(subscribers=given())

with dag_of("upsert_by_function", rows=[]) as upsert_by_function:
    SenderUpsertSubscribersOperator(task_id="job", subscribers=lambda context, jinja_env: context["params"]["rows"])

with dag_of("export_to_path_object", path="") as export_to_path_object:
    SenderExportSubscribersOperator(task_id="job", output_path=ObjectStoragePath("file:///{{ params.path }}/all/"))
