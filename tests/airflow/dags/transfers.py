"""DAGs of one transfer each, told by the run's conf what to do."""

from __future__ import annotations

from airflow_provider_sender.transfers.sender_to_sql import SenderToSqlOperator
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator
from tests.airflow.dags.jobs import dag_of

with dag_of("sender_to_sql", table="", conn="warehouse", mode="replace") as sender_to_sql:
    SenderToSqlOperator(
        task_id="job",
        table="{{ params.table }}",
        sql_conn_id="{{ params.conn }}",
        mode="{{ params.mode }}",
    )

with dag_of("sql_to_sender", sql="") as sql_to_sender:
    SqlToSenderOperator(
        task_id="job",
        sql="{{ params.sql }}",
        sql_conn_id="warehouse",
    )

with dag_of("sql_file_to_sender", who=[], table="") as sql_file_to_sender:
    SqlToSenderOperator(
        task_id="job",
        sql="customers.sql",
        sql_conn_id="warehouse",
        parameters="{{ params.who }}",
    )
