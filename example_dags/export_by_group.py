"""Every week: a file for every group, however many there are by then.

Each group is a task of its own, made when the DAG runs. They share the account's requests, so they share an Airflow
pool, too: with two slots, two groups are read at a time, and all other tasks of the account that are in the pool wait
their turn. Make it once: ``airflow pools set sender 2 "What talks to the Sender account"``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_sender.operators.subscribers import SenderExportSubscribersOperator

POOL = "sender"

with DAG(
    dag_id="sender_export_by_group",
    description="A file for every group of a Sender account",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "storage": Param(
            "/tmp/sender",
            type="string",
            description="Where the files go: a local folder or s3://conn_id@bucket/prefix, gs://..., abfs://...",
        )
    },
    default_args={"retries": 2},
) as dag:
    # [START howto_operator_sender_export_mapped]
    @task(pool=POOL)
    def list_groups(params: dict[str, Any] | None = None) -> list[dict[str, str]]:
        """Return what differs from task to task."""
        from airflow_provider_sender.hooks.sender import SenderHook

        assert params is not None
        groups = SenderHook("sender_default").list_groups(limit=100).data
        return [{"group_id": group.id, "output_path": f"{params['storage']}/groups/{group.id}.csv"} for group in groups]

    SenderExportSubscribersOperator.partial(task_id="export_group", pool=POOL).expand_kwargs(list_groups())
    # [END howto_operator_sender_export_mapped]

if __name__ == "__main__":
    dag.test()
