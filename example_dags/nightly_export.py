"""Every night: all subscribers to object storage, and a flat file for the spreadsheet people.

The JSONL export is a directory: part files, and a manifest that names them and is replaced last, so that whoever
reads by the manifest never sees half an export. When a worker is lost, the retry goes on where it was. The CSV export
is one file, which appears when it is complete.

Which account that is, and so which service, a parameter of the run says: give it ``sendpulse_default`` and nothing else
has to change.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_sender.operators.subscribers import SenderExportSubscribersOperator

with DAG(
    dag_id="sender_nightly_export",
    description="All subscribers of an account to object storage",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "conn_id": Param("sender_default", type="string", description="The account: Sender, SendPulse or Sendara"),
        "storage": Param(
            "/tmp/sender",
            type="string",
            description="Where the files go: a local folder or s3://conn_id@bucket/prefix, gs://..., abfs://...",
        ),
    },
    default_args={"retries": 2},
) as dag:
    # [START howto_operator_sender_export]
    export_everything = SenderExportSubscribersOperator(
        task_id="export_everything",
        sender_conn_id="{{ params.conn_id }}",
        output_path="{{ params.storage }}/subscribers/{{ ds }}/",
        file_format="jsonl.gz",
    )
    # [END howto_operator_sender_export]

    # [START howto_operator_sender_export_csv]
    export_for_spreadsheets = SenderExportSubscribersOperator(
        task_id="export_for_spreadsheets",
        sender_conn_id="{{ params.conn_id }}",
        output_path="{{ params.storage }}/subscribers-{{ ds }}.csv",
        columns={"email": "E-mail", "firstname": "First name", "status": "Status", "created": "Since"},
    )
    # [END howto_operator_sender_export_csv]

    # One after the other: the two share the account's requests, and together they would only take turns.
    export_everything >> export_for_spreadsheets

if __name__ == "__main__":
    dag.test()
