"""Every hour: who joined lately, for the few pages they fill instead of the thousands of a whole account.

Runs overlap by a day, so that nothing depends on when exactly one began, or on the zone of times that come without
one; whoever loads the files goes by the subscriber's id. Who changed or left is not in them: that takes a whole export
now and then.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Asset, Param

from airflow_provider_sender.operators.subscribers import SenderExportSubscribersOperator

with DAG(
    dag_id="sender_newcomers",
    description="Who joined a Sender account lately, to object storage",
    schedule="@hourly",
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
    # [START howto_operator_sender_export_newcomers]
    SenderExportSubscribersOperator(
        task_id="export_newcomers",
        output_path="{{ params.storage }}/newcomers/{{ ts_nodash }}.jsonl.gz",
        created_since="{{ dag_run.run_after - macros.timedelta(days=1, hours=1) }}",
        # DAGs that are scheduled by this asset find the number of rows in its event.
        outlets=[Asset("x-sender://newcomers")],
    )
    # [END howto_operator_sender_export_newcomers]

if __name__ == "__main__":
    dag.test()
