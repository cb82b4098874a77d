"""Every night: a warehouse table into the account, and only what changed since the night before.

The ledger remembers what was last accepted, so a row that is as it was costs no request. Rows that are malformed or
refused go to a file of their own, and the task fails at the end; whoever unsubscribed stays unsubscribed.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_sender.assets import subscribers_asset
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator

with DAG(
    dag_id="sender_warehouse_to_account",
    description="A warehouse table into a Sender account, only what changed",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "storage": Param("/tmp/sender", type="string", description="Where the ledger and the rejected rows are kept"),
    },
    # Two runs at once would be refused: the ledger has one writer.
    max_active_runs=1,
    default_args={"retries": 2},
) as dag:
    # [START howto_operator_sql_to_sender]
    push_customers = SqlToSenderOperator(
        task_id="push_customers",
        sql_conn_id="warehouse",
        sql="select email, first_name, plan from customers where wants_mail",
        columns={"first_name": "firstname", "plan": "fields.Plan"},
        ledger_path="{{ params.storage }}/ledger.sqlite",
        rejects_path="{{ params.storage }}/rejected-{{ ds }}.jsonl",
        # DAGs that are scheduled by this asset run when it is done.
        outlets=[subscribers_asset()],
    )
    # [END howto_operator_sql_to_sender]

if __name__ == "__main__":
    dag.test()
