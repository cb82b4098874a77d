"""What the guide says of tables and queries, compared with what comes out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.dialects import registry

from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sql.types import new_type
from airflow_provider_sender.transfers.sender_to_sql import SenderToSqlOperator
from tests.databases import sqlite_database
from tests.docs.rst import literals, page

GUIDE = page("transfers/sql")


def test_what_a_load_returns(sender_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite_database(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    sender_sandbox.seed(count=3)
    ti = SimpleNamespace(dag_id="dag", task_id="task", run_id="run", map_index=-1, try_number=1)
    context: Any = {"ti": ti}

    returned = SenderToSqlOperator(task_id="load", table="people", sql_conn_id="warehouse").execute(context)

    assert list(returned) == list(GUIDE.column("Return value of SenderToSqlOperator"))


@pytest.mark.parametrize(("header", "name"), [("PostgreSQL", "postgresql"), ("SQLite", "sqlite")])
def test_types_of_a_new_table(header: str, name: str) -> None:
    documented = {kind: literals(row[header]) for kind, row in GUIDE.column("Types of a new table").items()}

    dialect = registry.load(name)()
    assert documented == {kind: [new_type(kind, name).compile(dialect)] for kind in documented}
    assert set(documented) == set(page("operators/subscribers").column("Types of columns"))
