from __future__ import annotations

import datetime
import json
import logging
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator
from tests.databases import Database, postgres_database
from tests.jobs.accounts import MemoryService
from tests.transfers.loads import context


@pytest.fixture
def sandbox(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account of ``sender_default``."""
    connection = {**sender_sandbox.connection, "extra": json.dumps({"settle_time": 0.1})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))
    return sender_sandbox


def transfer(sql: str, **parameters: Any) -> SqlToSenderOperator:
    return SqlToSenderOperator(task_id="push", sql=sql, **{"sql_conn_id": "warehouse", **parameters})


def rows_of(sql: str, **parameters: Any) -> list[Any]:
    return list(transfer(sql, **parameters).rows())


# Rows


def test_rows_of_a_query_are_in_the_account(database: Database, sandbox: Sandbox) -> None:
    sandbox.seed(rows=[{"email": "there@example.com", "firstname": "Old", "fields": {"Plan": "free"}}])
    database.run(
        "create table customers (mail varchar(100), firstname varchar(100), plan varchar(100), secret varchar(100))",
        "insert into customers values ('there@example.com', 'New', 'pro', 'x')",
        "insert into customers values ('new@example.com', 'Žana \U0001f600', NULL, 'x')",
        "insert into customers values ('no address', 'Nobody', NULL, 'x')",
    )
    push = transfer("select * from customers", columns={"mail": "email", "secret": None}, on_reject="warn")
    returned = push.execute(context())
    assert {name: returned[name] for name in ("sent", "unchanged", "rejected")} == {
        "sent": 2,
        "unchanged": 0,
        "rejected": 1,
    }
    there, new = sandbox.subscriber("there@example.com"), sandbox.subscriber("new@example.com")
    assert there is not None
    assert new is not None
    assert (there["firstname"], new["firstname"]) == ("New", "Žana \U0001f600")
    assert [column["value"] for column in there["columns"] if column["title"] == "Plan"] == ["pro"]

    again = transfer("select * from customers", columns={"mail": "email", "secret": None}, on_reject="warn")
    assert again.execute(context())["sent"] == 0


def test_rows_that_did_not_change_cost_no_request(database: Database, sandbox: Sandbox, tmp_path: Path) -> None:
    database.run(
        "create table customers (email varchar(100), firstname varchar(100))",
        *(f"insert into customers values ('p{number}@example.com', 'Name')" for number in range(20)),
    )

    def push() -> Any:
        ledger = str(tmp_path / "ledger.sqlite")
        return transfer("select * from customers", ledger_path=ledger).execute(context())

    assert push()["sent"] == 20
    assert (push()["unchanged"], push()["requests"]) == (20, 0)
    database.run("update customers set firstname = 'Other' where email = 'p7@example.com'")
    assert push()["sent"] == 1


def test_every_type_of_postgresql_is_what_a_row_may_hold(postgres: Database) -> None:
    (row,) = rows_of(
        """
        select null::text as nothing, true as yes, 7::bigint as whole, 0.1::float8 as fraction, 12.50::numeric as exact,
               'NaN'::numeric as nan, 'x'::char(3) as filled, date '2026-01-31' as day, time '08:00' as hour,
               timestamp '2026-01-31 08:00:00' as local, timestamptz '2026-01-31 08:00:00+01' as moment,
               '\\xff00'::bytea as bytes, array['a', 'b'] as list, array['a', null] as gaps,
               '8a6e0804-2bd0-4672-b79d-d97027f9071a'::uuid as uuid, '{"a": [1]}'::jsonb as json,
               interval '1 hour' as span
        """
    )
    moment = row.pop("moment")
    assert moment == datetime.datetime(2026, 1, 31, 7, tzinfo=datetime.UTC)
    assert row == {
        "nothing": None,
        "yes": True,
        "whole": 7,
        "fraction": 0.1,
        "exact": Decimal("12.50"),
        "nan": None,
        "filled": "x  ",
        "day": datetime.date(2026, 1, 31),
        "hour": datetime.time(8),
        "local": datetime.datetime(2026, 1, 31, 8),
        "bytes": b"\xff\x00",
        "list": ["a", "b"],
        "gaps": ["a", None],
        "uuid": "8a6e0804-2bd0-4672-b79d-d97027f9071a",
        "json": {"a": [1]},
        "span": datetime.timedelta(hours=1),
    }


def test_what_of_a_row_the_account_can_hold_goes_in_and_the_rest_is_rejected(
    postgres: Database, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.seed(rows=[{"email": "x@example.com", "fields": {"Plan": "x", "Visits": 1, "Day": "2026-01-01"}}])
    rejects = tmp_path / "rejects.jsonl"
    push = transfer(
        """
        select 'good' || n || '@example.com' as email,
               case n when 1 then 12.50 when 2 then 'infinity'::numeric when 5 then 'NaN'::numeric end as "Visits",
               case n when 3 then '\\xff'::bytea end as "Plan",
               case n when 4 then array[null, 'a'] end as groups
        from generate_series(1, 5) as n
        """,
        rejects_path=str(rejects),
        on_reject="warn",
    )
    returned = push.execute(context())
    assert (returned["sent"], returned["rejected"]) == (2, 3)
    told = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [each["line"] for each in told] == [2, 3, 4]
    good = sandbox.subscriber("good1@example.com")
    assert good is not None
    assert [float(each["value"]) for each in good["columns"] if each["title"] == "Visits"] == [12.5]


def test_rows_can_be_gone_through_again(database: Database) -> None:
    rows = transfer("select 'a@example.com' as email union all select 'b@example.com' order by 1").rows()
    assert list(rows) == list(rows) == [{"email": "a@example.com"}, {"email": "b@example.com"}]


def test_a_query_for_nobody_sends_nothing(database: Database, sandbox: Sandbox) -> None:
    returned = transfer("select 'a@example.com' as email where 1 = 0").execute(context())
    assert (returned["sent"], returned["rejected"]) == (0, 0)


def test_a_percent_sign_is_one_and_parameters_are_the_driver_s_own(database: Database) -> None:
    assert rows_of("select 'a%s' as a where 'ab' like 'a%'") == [{"a": "a%s"}]
    place, name = ("%s", "%(a)s") if database.dialect == "postgresql" else ("?", ":a")
    assert rows_of(f"select {place} as a", parameters=["x"]) == [{"a": "x"}]
    assert rows_of(f"select {name} as a", parameters={"a": "x"}) == [{"a": "x"}]
    assert rows_of("select 1 as a", parameters=[]) == [{"a": 1}]


@pytest.mark.parametrize("cursor", ["dictcursor", "namedtuplecursor"])
def test_a_connection_that_returns_rows_in_its_own_way_will_do(cursor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = postgres_database(cursor=cursor)
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    assert rows_of("select 1 as a, 2 as b") == [{"a": 1, "b": 2}]


# The connection


@pytest.mark.parametrize("ledger", [None, "ledger.sqlite"])
def test_no_connection_is_open_while_the_account_is_written_to(
    ledger: str | None, postgres: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_at_writes = []
    name = postgres.connection["schema"]
    watching = postgres.connect()

    def watch(call: str) -> None:
        if call == "create_subscriber":
            cursor = watching.cursor()
            cursor.execute(
                "select count(*) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()", (name,)
            )
            open_at_writes.append(cursor.fetchone()[0])
            watching.rollback()

    account = MemoryService(before=watch)
    monkeypatch.setattr(SqlToSenderOperator, "service", lambda self: account)
    query = "select 'p' || n || '@example.com' as email from generate_series(1, 1100) as n"
    ledger = ledger and str(tmp_path / ledger)
    returned = transfer(query, ledger_path=ledger).execute(context())
    watching.close()
    assert returned["sent"] == len(open_at_writes) == 1_100
    assert set(open_at_writes) == {0}


def test_a_million_rows_are_read_in_little_memory(postgres: Database) -> None:
    code = """
import resource, sys
from tests.transfers.test_sql_to_sender import transfer
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
query = "select n as id, n || '@example.com' as email, repeat('x', 100) as firstname from generate_series(1, {}) as n"
count = sum(1 for _ in transfer(query.format(2_000)).rows())
before = peak()
count += sum(1 for _ in transfer(query.format(1_000_000)).rows())
print(count, (peak() - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {postgres.variable: json.dumps(postgres.connection)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, mebibytes = map(int, done.stdout.splitlines()[-1].split())
    assert count == 1_002_000
    assert mebibytes < 16


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_a_query_changes_nothing(dialect: str, request: pytest.FixtureRequest, sandbox: Sandbox) -> None:
    database: Database = request.getfixturevalue(dialect)
    database.run("create table people (email text)", "insert into people values ('a@example.com')")
    for statement in ("delete from people", "delete from people returning email", "drop table people"):
        with pytest.raises(AirflowFailException, match="sql: "):
            transfer(statement).execute(context())
    assert database.select("select * from people") == [("a@example.com",)]


# What cannot work

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "sql: is empty"),
    ("None", {}, "sql: is empty"),
    ("select 1 as a, 2 as b, 3 as a", {}, r"sql: returns more than one column 'a'\. Name each differently"),
    ("select email from nowhere", {}, r"connection 'warehouse' did not run the query \(\w+Error|UndefinedTable"),
    ("selekt 1", {}, "did not run the query .*syntax error"),
    ("select 1 as a", {"sql_conn_id": ""}, "sql_conn_id: is empty"),
    ("select 1 as a", {"sql_conn_id": "sender_default"}, "is of type 'sender', which is no SQL database"),
    ("select 1 as a", {"parameters": "a"}, "parameters: must be a dictionary or a list; got a str"),
    ("select 1 as a", {"parameters": "None"}, "parameters: is empty"),
    ("select 1 as nonsense", {}, "columns: 'nonsense' has no place in the account"),
]


@pytest.mark.parametrize(("sql", "parameters", "words"), BAD)
def test_bad_input_is_refused_before_anything_is_sent(
    sql: str, parameters: dict[str, Any], words: str, database: Database, sandbox: Sandbox
) -> None:
    with pytest.raises(AirflowFailException, match=words):
        transfer(sql, **parameters).execute(context())
    assert all(each["method"] == "GET" for each in sandbox.requests())


def test_parameters_that_do_not_go_with_the_query_are_refused(database: Database, sandbox: Sandbox) -> None:
    place = "%s" if database.dialect == "postgresql" else "?"
    for parameters in (["ada@example.com", "bob@example.com"], {"b": "ada@example.com"}):
        with pytest.raises(AirflowFailException) as failed:
            transfer(f"select {place} as a", parameters=parameters).execute(context())
        assert "parameters" in str(failed.value) or "did not run the query" in str(failed.value)
        assert "@" not in str(failed.value)


def test_a_query_that_fails_on_a_row_does_not_quote_it(
    postgres: Database, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    postgres.run("create table people (email text)", "insert into people values ('Ada Lovelace')")
    with caplog.at_level(logging.DEBUG), pytest.raises(AirflowFailException) as failed:
        transfer("select email::int as email from people").execute(context())
    assert "InvalidTextRepresentation, 22P02" in str(failed.value)
    assert "Ada" not in str(failed.value) + caplog.text


def test_a_value_given_for_a_placeholder_is_not_quoted_either(postgres: Database, sandbox: Sandbox) -> None:
    with pytest.raises(AirflowFailException) as failed:
        transfer("select a from people where %s", parameters=["Ada Lovelace"]).execute(context())
    assert "Ada" not in str(failed.value)


@pytest.mark.parametrize("name", ["subscribers", "input_path", "file_format"])
def test_rows_of_elsewhere_are_no_parameter(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        transfer("select 1 as a", **{name: "x"})


# What Airflow shows


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        (["ann@example.com"], "<1 values>"),
        (("ann@example.com", 1), "<2 values>"),
        ({"email": "ann@example.com"}, "<1 values>"),
        ("['ann@example.com']", "<a text of 19 characters>"),
        ("{{ params.who }}", "<a text of 16 characters>"),
        (None, "None"),
    ],
)
def test_no_form_of_parameters_shows_what_is_in_them(parameters: object, shown: str) -> None:
    assert str(transfer("select 1", parameters=parameters).parameters) == shown


def test_parameters_that_hold_another_task_s_result_make_the_transfer_wait_for_that_task() -> None:
    with DAG("parameters", schedule=None, start_date=datetime.datetime(2026, 1, 1)):

        @task
        def day() -> str:
            return "2026-01-01"

        in_a_list = SqlToSenderOperator(task_id="in_a_list", sql="x", sql_conn_id="x", parameters=[day()])
        by_name = SqlToSenderOperator(task_id="by_name", sql="x", sql_conn_id="x", parameters={"day": day()})
    assert in_a_list.upstream_task_ids == {"day"}
    assert by_name.upstream_task_ids == {"day__1"}
