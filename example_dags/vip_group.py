"""Whenever the account was brought up to date: a group that holds exactly the people a query finds.

It is scheduled by the asset that ``warehouse_to_account.py`` is an outlet of, because only who is in the account can be
in a group.

The query's rows go through a file and not through an XCom, because Airflow keeps XComs in its database, and these are
people's addresses.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, BaseHook, ObjectStoragePath, Param, task

from airflow_provider_sender.assets import subscribers_asset
from airflow_provider_sender.operators.subscribers import SenderSyncGroupOperator

with DAG(
    dag_id="sender_vip_group",
    description="A group of a Sender account made equal to a query",
    schedule=[subscribers_asset()],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "storage": Param("/tmp/sender", type="string", description="Where the query's rows are kept meanwhile"),
        "group": Param("VIP", type="string", description="Id of the group"),
    },
    default_args={"retries": 2},
) as dag:

    @task
    def find_vips(params: dict[str, Any] | None = None, dag_run: Any = None) -> str:
        """Write the addresses to a file and return where it is."""
        assert params is not None
        path = ObjectStoragePath(f"{params['storage']}/vips-{dag_run.run_after:%Y%m%d}.jsonl")
        found = BaseHook.get_hook("warehouse").get_records("select email from customers where revenue > 1000")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps({"email": email}) + "\n" for (email,) in found))
        return str(path)

    # [START howto_operator_sender_sync_group]
    mirror_vips = SenderSyncGroupOperator(
        task_id="mirror_vips",
        group_id="{{ params.group }}",
        input_path=find_vips(),
        mode="mirror",
        rejects_path="{{ params.storage }}/not-in-the-account-{{ dag_run.run_after | ds }}.jsonl",
    )
    # [END howto_operator_sender_sync_group]

if __name__ == "__main__":
    dag.test()
