from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run
from tests.databases import Database, postgres_database, sqlite_database

pytestmark = pytest.mark.airflow

TRANSFERS = "tests.airflow.dags.transfers"


@pytest.fixture(params=["postgres", "sqlite"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    database = postgres_database() if request.param == "postgres" else sqlite_database(tmp_path)
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    return database


def test_an_account_goes_into_a_table_and_back(
    run: Callable[..., Run], sender_sandbox: Sandbox, warehouse: Database
) -> None:
    sender_sandbox.seed(count=250)
    loaded = run(TRANSFERS, "sender_to_sql", table="people", mode="merge")
    assert loaded.returned["job"] | {"requests": 0} == {
        "table": "people",
        "rows": 250,
        "inserted": 250,
        "updated": 0,
        "deleted": 0,
        "requests": 0,
    }
    assert set(warehouse.rows("people")) == {json.loads(raw)["id"] for raw in sender_sandbox.subscribers()}
    warehouse.run("update people set firstname = 'Renamed' where email = 'subscriber-000001@example.com'")

    pushed = run(TRANSFERS, "sql_to_sender", sql="select email, firstname from people")

    counts = pushed.returned["job"]
    assert (counts["sent"], counts["unchanged"] + counts["held"]) == (1, 249)
    person = sender_sandbox.subscriber("subscriber-000001@example.com")
    assert person is not None
    assert person["firstname"] == "Renamed"
    again = run(TRANSFERS, "sender_to_sql", table="people", mode="merge")
    assert again.returned["job"] | {"requests": 0} == loaded.returned["job"] | {"inserted": 0, "requests": 0}


def test_a_query_in_a_file_with_parameters_that_nobody_is_shown(
    run: Callable[..., Run], sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres_database()
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    database.run(
        "create table customers (email text, firstname text)",
        "insert into customers values ('shy@example.com', 'Shy'), ('other@example.com', 'Other')",
    )
    done = run(TRANSFERS, "sql_file_to_sender", table="customers", who=["shy@example.com"])
    assert done.returned["job"]["sent"] == 1
    assert sender_sandbox.subscriber("shy@example.com") is not None
    shown = rendered("sql_file_to_sender")
    assert shown["sql"].strip() == "select email, firstname from customers where email = %s"
    assert shown["parameters"] == "<1 values>"


def rendered(dag_id: str) -> Any:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    with create_session() as session:
        return session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id).one().rendered_fields


@pytest.mark.parametrize(
    ("dag", "conf", "words", "tries"),
    [
        ("sender_to_sql", {"table": ""}, "table: is empty", 1),
        ("sender_to_sql", {"table": "people", "mode": "append"}, "mode: must be 'replace' or 'merge'", 1),
        ("sender_to_sql", {"table": "people", "conn": "nobody"}, "sql_conn_id: there is no connection 'nobody'", 1),
        ("sender_to_sql", {"table": "narrow"}, "column firstname", 1),
        ("sql_to_sender", {"sql": "select email::int as email from narrow"}, "22P02", 1),
        ("sql_to_sender", {"sql": "select pg_terminate_backend(pg_backend_pid())"}, "did not run the query", 3),
    ],
)
def test_what_a_database_refuses_is_tried_again_only_if_that_may_help(
    dag: str,
    conf: dict[str, Any],
    words: str,
    tries: int,
    run: Callable[..., Run],
    sender_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = postgres_database()
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    database.run(
        "create table narrow (id text, email text, firstname varchar(3))",
        "insert into narrow (email) values ('narrow@example.com')",
    )
    sender_sandbox.seed(rows=[{"email": "long@example.com", "firstname": "Bartholomew"}])
    done = run(TRANSFERS, dag, **conf)
    assert (done.state, done.tries) == ("failed", {"job": tries})
    assert words in done.log
    assert "Bartholomew" not in done.log
    assert database.select("select email from narrow") == [("narrow@example.com",)]
