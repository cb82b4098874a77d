from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import ListingDriftError, OnDrift
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, SubscriberChange
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sql.loading import OnMissing
from airflow_provider_sender.transfers.sender_to_sql import SenderToSqlOperator
from tests.databases import Database, postgres_database
from tests.jobs.accounts import MemoryService, service_of
from tests.transfers.loads import FIELDS, Unsteady, account_of, context, load, people, texts


@pytest.fixture
def sandbox(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account of ``sender_default``."""
    connection = {**sender_sandbox.connection, "extra": json.dumps({"settle_time": 0.1})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))
    return sender_sandbox


def transfer(**parameters: Any) -> dict[str, Any]:
    operator = SenderToSqlOperator(task_id="load", **{"table": "people", "sql_conn_id": "warehouse", **parameters})
    returned: dict[str, Any] = operator.execute(context())
    return returned


# The account


def test_a_new_table_holds_exactly_the_account(database: Database, sandbox: Sandbox) -> None:
    sandbox.reset(subscribers=1_234)
    returned = transfer()

    assert returned | {"requests": 0} == {
        "table": "people",
        "rows": 1_234,
        "inserted": 1_234,
        "updated": 0,
        "deleted": 0,
        "requests": 0,
    }
    assert database.rows("people") == account_of(sandbox, database.dialect)
    assert database.tables() == {"people"}
    with pytest.raises(Exception, match=r"(?i)unique"):
        database.run("insert into people (id) select id from people")


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_table_holds_exactly_the_account_after_additions_changes_and_deletions(
    mode: str, database: Database, sandbox: Sandbox
) -> None:
    sandbox.reset(subscribers=1_000)
    assert transfer(mode=mode)["inserted"] == 1_000
    before = database.rows("people")
    service = service_of(sandbox)
    addresses = sorted(row["email"] for row in before.values())
    service.delete_subscribers(addresses[:70])
    sandbox.seed(rows=[{"email": f"new{number}@example.org", "fields": {"Visits": 5}} for number in range(40)])
    for address in addresses[100:130]:
        service.update_subscriber(SubscriberChange(address, address, firstname="Changed"), trigger_automation=False)

    returned = transfer(mode=mode)

    assert database.rows("people") == account_of(sandbox, database.dialect)
    changes = {name: returned[name] for name in ("rows", "inserted", "updated", "deleted")}
    if mode == "merge":
        assert changes == {"rows": 970, "inserted": 40, "updated": 30, "deleted": 70}
        assert transfer(mode=mode) | {"requests": 0} == returned | {
            "inserted": 0,
            "updated": 0,
            "deleted": 0,
            "requests": 0,
        }
    else:
        assert changes == {"rows": 970, "inserted": 970, "updated": 0, "deleted": 1_000}
        assert transfer(mode=mode)["deleted"] == 970
    assert database.rows("people") == account_of(sandbox, database.dialect)


def test_a_group_of_its_own_makes_a_table_of_its_own(database: Database, sandbox: Sandbox) -> None:
    sandbox.seed(
        rows=[{"email": f"p{number}@example.com", "groups": ["VIP"] * (number % 3 == 0)} for number in range(30)]
    )
    (group,) = (each.id for each in service_of(sandbox).groups() if each.title == "VIP")
    assert transfer(table="vip", group_id=group)["rows"] == 10
    members = [address for address, groups in database.select("select email, groups from vip") if group in groups]
    assert sorted(members) == sorted(f"p{number}@example.com" for number in range(0, 30, 3))


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_an_account_of_nobody_makes_an_empty_table(mode: str, database: Database) -> None:
    load(MemoryService(people(3)), mode=mode)
    emptied = load(MemoryService(), mode=mode)
    assert (emptied.rows, emptied.changes.deleted) == (0, 3)
    assert database.rows("people") == {}


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_an_account_that_lists_nobody_and_counts_somebody_changes_nothing(mode: str, database: Database) -> None:
    load(MemoryService(people(3)), mode=mode)
    account = Unsteady()
    account.counted = 3
    with pytest.raises(ListingDriftError):
        load(account, mode=mode, on_drift=OnDrift.WARN)
    assert len(database.rows("people")) == 3


def test_a_merge_deletes_nobody_when_people_may_be_missing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    load(MemoryService(people(5)), mode="merge")
    account = Unsteady(people(2, firstname="Changed"))
    account.counted = 5
    done = load(account, mode="merge", on_drift=OnDrift.WARN)
    assert (done.changes.updated, done.changes.deleted) == (2, 0)
    assert len(database.rows("people")) == 5
    assert "no row is deleted" in caplog.text


# The table


def test_a_merge_leaves_alone_what_is_not_the_account_s_and_rows_that_did_not_change(database: Database) -> None:
    database.run(
        "create table people (score double precision default 7, id varchar(20), email varchar(200), note text)",
        "insert into people (id, email, note) values ('id0', 'person0@example.com', 'kept'), ('id1', 'old', 'so, too')",
        "insert into people (id, email, note) values ('left', 'left@example.com', 'deleted')",
    )
    place = "ctid::text" if database.dialect == "postgresql" else "rowid"
    untouched = database.select(f"select {place}, * from people where id = 'id0'")

    done = load(MemoryService(people(3)), mode="merge", columns=["id", "email"])

    assert (done.changes.inserted, done.changes.updated, done.changes.deleted) == (1, 1, 1)
    rows = database.rows("people")
    assert texts(rows, "note") == ["kept", "so, too", None]
    assert texts(rows, "email") == [f"person{number}@example.com" for number in range(3)]
    assert texts(rows, "score") == [7, 7, 7]
    assert database.select(f"select {place}, * from people where id = 'id0'") == untouched


def test_rows_of_people_who_are_gone_can_be_kept(database: Database) -> None:
    load(MemoryService(people(3)), mode="merge")
    done = load(MemoryService(people(1, firstname="Changed")), mode="merge", on_missing=OnMissing.KEEP)
    assert (done.changes.updated, done.changes.deleted) == (1, 0)
    assert texts(database.rows("people"), "firstname") == ["Changed", None, None]


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_field_created_since_becomes_a_column(mode: str, database: Database) -> None:
    account = MemoryService(people(2), fields=FIELDS)
    load(account, mode=mode)
    assert 'fields.100% "sure" (it\'s new)' not in database.rows("people")["id0"]
    account.account_fields.append(Field('100% "sure" (it\'s new)'))
    account.people["id1"] = people(2, fields={'100% "sure" (it\'s new)': "yes"})[1]
    load(account, mode=mode)
    assert texts(database.rows("people"), 'fields.100% "sure" (it\'s new)') == [None, "yes"]


def test_columns_are_picked_ordered_and_renamed(database: Database) -> None:
    account = MemoryService(people(1, fields={"Visits": 4}), fields=FIELDS)
    load(account, mode="merge", columns={"email": "Mail", "fields.Visits": "visits", "id": "subscriber_id"})
    assert database.rows("people", key="subscriber_id") == {
        "id0": {"Mail": "person0@example.com", "visits": 4, "subscriber_id": "id0"}
    }
    assert load(account, mode="merge", columns={"id": "subscriber_id"}).changes.updated == 0


def test_types_of_a_new_table_are_those_of_its_columns(postgres: Database) -> None:
    load(MemoryService(people(1), fields=FIELDS))
    types = dict(
        postgres.select("select column_name, data_type from information_schema.columns where table_name = 'people'")
    )
    assert {types["email"], types["groups"], types["fields.Plan"]} == {"text"}
    assert {types["created"], types["fields.Renewal date"]} == {"timestamp with time zone"}
    assert types["fields.Visits"] == "double precision"


def test_a_schema_is_where_the_table_goes(postgres: Database, sandbox: Sandbox) -> None:
    sandbox.seed(count=3)
    postgres.run("create schema crm")
    assert transfer(schema="crm")["table"] == "crm.people"
    assert transfer(table="crm.people", mode="merge")["inserted"] == 0
    assert postgres.select("select count(*) from crm.people") == [(3,)]


def test_views_grants_and_other_columns_defaults_survive_a_replace(postgres: Database) -> None:
    load(MemoryService(people(3)))
    postgres.run(
        "create view addresses as select email from people",
        "create role reader",
        "grant select on people to reader",
        "alter table people add column loaded timestamptz not null default now()",
    )
    try:
        load(MemoryService(people(5)))
        assert postgres.select("select count(*) from addresses") == [(5,)]
        assert postgres.select("select has_table_privilege('reader', 'people', 'select')") == [(True,)]
        assert postgres.select("select count(loaded) from people") == [(5,)]
    finally:
        postgres.run("drop owned by reader", "drop role reader")


def test_other_types_that_hold_the_values_will_do(database: Database) -> None:
    time = "timestamp" if database.dialect == "postgresql" else "datetime"
    database.run(
        f'create table people (id varchar(10) primary key, created {time}, "fields.Visits" numeric, '
        'groups varchar(99), unsubscribed_at text, "fields.Renewal date" varchar(40))'
    )
    account = MemoryService(
        people(
            1, unsubscribed_at=datetime(2026, 2, 1, tzinfo=UTC), fields={"Visits": 0.1, "Renewal date": "2026-03-01"}
        ),
        fields=FIELDS,
    )
    columns = ["id", "created", "fields.Visits", "groups", "unsubscribed_at", "fields.Renewal date"]
    load(account, mode="merge", columns=columns)
    assert load(account, mode="merge", columns=columns).changes.updated == 0
    row = database.rows("people")["id0"]
    assert row["created"] == (datetime(2026, 1, 31, 8) if database.dialect == "postgresql" else "2026-01-31T08:00:00Z")
    assert float(row["fields.Visits"]) == 0.1
    assert (row["unsubscribed_at"], row["fields.Renewal date"]) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")
    assert row["groups"] == '["vip"]'


# Values

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["\\N", "\\.", "\\", "\t", "\r\n", "'", '"', "%s", "\0", "a\0b", "NULL", "\U0001f600", "\ufeff", "{}", "\\x41"]
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(TEXTS | st.none(), min_size=1, max_size=30))
def test_any_text_comes_out_as_it_went_in(database: Database, names: list[str | None]) -> None:
    named = zip(people(len(names)), names, strict=True)
    load(MemoryService([replace(each, firstname=name) for each, name in named]), columns=["id", "firstname"])
    rows = database.rows("people")
    held = [rows[f"id{number}"]["firstname"] for number in range(len(names))]
    if database.dialect == "postgresql":
        names = [name and name.replace("\0", "") for name in names]
    assert held == names


def test_what_postgresql_cannot_hold_is_left_out_and_said(postgres: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load(MemoryService(people(3, firstname="a\0b")))
    assert texts(postgres.rows("people"), "firstname") == ["ab"] * 3
    assert "3 texts hold the character NUL" in caplog.text


def test_a_value_that_is_not_of_its_column_s_type_is_beside_it(database: Database) -> None:
    fields = {"Visits": "many", "Renewal date": "soon", "Plan": "x" * 1_000_000, "Unknown": 1}
    load(MemoryService(people(1, fields=fields), fields=FIELDS))
    row = database.rows("people")["id0"]
    assert (row["fields.Visits"], row["fields.Renewal date"], len(row["fields.Plan"])) == (None, None, 1_000_000)
    assert json.loads(row["other_fields"]) == {"Visits": "many", "Renewal date": "soon", "Unknown": 1}


def test_times_are_the_same_moment_whatever_zone_the_session_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = postgres_database(options="-c timezone=Asia/Tokyo -c datestyle=German,DMY")
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    load(MemoryService(people(1)))
    assert database.select("select extract(epoch from created)::bigint from people") == [
        (int(datetime(2026, 1, 31, 8, tzinfo=UTC).timestamp()),)
    ]


@pytest.mark.parametrize("cursor", ["dictcursor", "namedtuplecursor"])
def test_a_connection_that_returns_rows_in_its_own_way_will_do(cursor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = postgres_database(cursor=cursor)
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    load(MemoryService(people(3)), mode="merge")
    assert load(MemoryService(people(2)), mode="merge").changes.deleted == 1


def test_a_hook_whose_driver_is_not_sqlalchemy_s_will_do(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    url = vars(PostgresHook)["sqlalchemy_url"].fget
    by_psycopg2 = property(lambda hook: url(hook).set(drivername="postgresql+psycopg2"))
    monkeypatch.setattr(PostgresHook, "sqlalchemy_url", by_psycopg2)
    load(MemoryService(people(3)), mode="merge")
    assert load(MemoryService(people(2)), mode="merge").changes.deleted == 1


def test_a_database_in_another_encoding_gets_what_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    database = postgres_database(encoding="latin1")
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    load(MemoryService(people(1, firstname="Zoë")))
    assert database.select("select firstname from people") == [("Zoë",)]
    with pytest.raises(ConfigurationError, match=r"stays as it was \(UntranslatableCharacter, 22P05\)"):
        load(MemoryService(people(1, firstname="Жанна")))


# What cannot work

TABLES: list[tuple[str, dict[str, Any], str]] = [
    ("id text, created integer", {}, r"column 'created' of people is INTEGER, and 'created' needs a date with a time"),
    ("id text, email integer", {}, r"column 'email' of people is INTEGER, and 'email' needs a text"),
    ('id text, "fields.Visits" integer', {}, r"needs a double-precision number"),
    ("id text, must text not null", {}, r"has a column 'must' that is not the account's"),
    ("id text", {"columns": ["email"], "mode": "merge"}, r"mode='merge' tells rows apart by 'id'"),
    ("id text", {"on_missing": OnMissing.KEEP}, r"on_missing: 'keep' is for mode='merge'"),
    ("id text", {"schema": "nowhere"}, r"schema: the database has no schema 'nowhere'"),
    ("id text", {"columns": {"id": " "}}, r"'id' would get a column without a name"),
    ("id text", {"columns": ["nothing"]}, r"columns: the account has no nothing"),
]


@pytest.mark.parametrize(("columns", "how", "words"), TABLES)
def test_what_cannot_work_is_refused_before_anybody_is_read(
    columns: str, how: dict[str, Any], words: str, database: Database
) -> None:
    database.run(f"create table people ({columns})")
    account = MemoryService(people(3), fields=FIELDS)
    with pytest.raises(ConfigurationError, match=words):
        load(account, **how)
    assert "listing" not in account.calls
    assert database.select("select count(*) from people") == [(0,)]


def test_columns_that_a_database_cannot_tell_apart_are_refused(sqlite: Database) -> None:
    account = MemoryService(people(1), fields=[Field("Plan"), Field("plan")])
    with pytest.raises(ConfigurationError, match=r"cannot tell the columns 'fields.Plan' and 'fields.plan' apart"):
        load(account)
    load(account, columns={"id": "id", "fields.Plan": "a", "fields.plan": "b"})


def test_columns_that_a_database_can_tell_apart_are_not(postgres: Database) -> None:
    account = MemoryService(people(1, fields={"Plan": "a", "plan": "b"}), fields=[Field("Plan"), Field("plan")])
    load(account)
    assert postgres.select('select "fields.Plan", "fields.plan" from people') == [("a", "b")]


def test_a_name_that_postgresql_would_cut_off_is_refused(postgres: Database) -> None:
    account = MemoryService(people(1), fields=[Field("ž" * 30)])  # 60 bytes, and 7 before them
    with pytest.raises(ConfigurationError, match="longer than the 63 bytes"):
        load(account)


def test_a_type_that_cuts_off_is_refused(postgres: Database) -> None:
    for type in ("numeric(10, 2)", "real", "money"):
        postgres.run(f'create table t (id text, "fields.Visits" {type})')
        with pytest.raises(ConfigurationError, match="needs a double-precision number"):
            load(MemoryService(people(1), fields=FIELDS), "t")
        postgres.run("drop table t")
    postgres.run("create table t (id text, firstname char(5))")
    with pytest.raises(ConfigurationError, match="needs a text of variable length"):
        load(MemoryService(people(1)), "t")


def test_ids_that_a_table_has_twice_are_refused(database: Database) -> None:
    database.run("create table people (id text, email text)", "insert into people (id) values ('id0'), ('id0')")
    with pytest.raises(ConfigurationError, match="would have 4 rows for 3 subscribers"):
        load(MemoryService(people(3)), mode="merge", columns=["id", "email"])
    assert database.select("select id, email from people") == [("id0", None), ("id0", None)]


def test_what_a_database_says_about_a_row_is_not_passed_on(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.run(
        "create table people (id text, firstname varchar(5), email varchar(100) check (email <> 'person1@example.com'))"
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationError) as failed:
        load(MemoryService(people(3, firstname="Ada")), mode="merge", columns=["id", "firstname", "email"])
    assert "stays as it was" in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert "person1" not in str(failed.value) + caplog.text
    assert database.rows("people") == {}


def test_a_value_that_is_too_long_is_named_by_its_column(postgres: Database) -> None:
    postgres.run("create table people (id text, email text, firstname varchar(5))")
    with pytest.raises(ConfigurationError, match=r"DataError|Truncation") as failed:
        load(MemoryService(people(3, firstname="Bartholomew")), columns=["id", "firstname"])
    assert "column firstname" in str(failed.value)
    assert "Barth" not in str(failed.value)


@pytest.mark.parametrize(
    ("when", "words"), [("immediate", "stays as it was"), ("deferred", "holds the old rows or all the new ones")]
)
def test_what_a_trigger_says_about_a_row_is_not_passed_on(
    when: str, words: str, postgres: Database, caplog: pytest.LogCaptureFixture
) -> None:
    load(MemoryService(people(2)))
    postgres.run(
        """
        create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'nobody called % here', new.firstname; end $$
        """,
        f"""
        create constraint trigger refuse after insert on people deferrable initially {when}
        for each row execute function refuse()
        """,
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match=words) as failed:
        load(MemoryService(people(3, firstname="Bartholomew")))
    assert "P0001" in str(failed.value)
    assert "Barth" not in str(failed.value) + caplog.text
    assert len(postgres.rows("people")) == 2


BAD: list[tuple[dict[str, Any], str]] = [
    ({"table": ""}, "table: is empty"),
    ({"table": "a.b.c"}, "table: 'a.b.c' is neither a table nor a schema and a table"),
    ({"table": ".people"}, "is neither a table nor"),
    ({"sql_conn_id": "None"}, "sql_conn_id: is empty"),
    ({"sql_conn_id": "sender_default"}, "is of type 'sender', which is no SQL database"),
    ({"sql_conn_id": "unknown_type"}, "is of type 'nonsense', for which there is no hook"),
    ({"mode": "append"}, "mode: must be 'replace' or 'merge'"),
    ({"on_missing": "forget"}, "on_missing: must be 'delete' or 'keep'"),
    ({"on_drift": "hope"}, "on_drift: must be"),
    ({"columns": "id"}, "columns: is a str, not a list of texts"),
    ({"group_id": ""}, "group_id: is empty"),
]


@pytest.mark.parametrize(("parameters", "words"), BAD)
def test_bad_input_is_refused_before_the_first_request(
    parameters: dict[str, Any], words: str, sqlite: Database, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_UNKNOWN_TYPE", json.dumps({"conn_type": "nonsense"}))
    before = sandbox.counters()["requests"]
    with pytest.raises(AirflowFailException, match=words):
        transfer(**parameters)
    assert sandbox.counters()["requests"] == before


def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    away = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "schema": "x"}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(away))
    with pytest.raises(Exception, match="could not be looked at in connection 'warehouse'") as failed:
        transfer()
    assert type(failed.value).__name__ == "DatabaseFailedError"


def test_people_who_may_not_be_mailed_say_so_in_their_status(database: Database) -> None:
    account = MemoryService(people(1, consent=Consent.COMPLAINED, transactional_consent=Consent.ACTIVE))
    load(account)
    row = database.rows("people")["id0"]
    assert (row["status"], row["transactional_status"]) == ("complained", "active")


def test_numbers_are_what_they_were(database: Database) -> None:
    numbers = [0.1, 1e300, -5e-324, 2**53, -7, 0]
    numbered = zip(people(len(numbers)), numbers, strict=True)
    account = [replace(each, fields={"n": number}) for each, number in numbered]
    load(MemoryService(account, fields=[Field("n", FieldType.NUMBER)]))
    assert texts(database.rows("people"), "fields.n") == numbers
