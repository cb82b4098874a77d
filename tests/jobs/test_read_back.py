"""Accounts that are hard on a file, exported, and read back with what people read such files with."""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.jobs.columns import Column, export_columns, flat_columns
from airflow_provider_sender.jobs.export import Export, export_to_file
from airflow_provider_sender.jobs.formats import encoding_of
from airflow_provider_sender.jobs.writers import writer_for
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

Read = list[dict[str, Any]]


# The tools, each as the guide says to use it


def by_csv_module(path: Path) -> Read:
    csv.field_size_limit(10_000_000)
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def by_pandas(path: Path) -> Read:
    is_parquet = path.suffix == ".parquet"
    found = pd.read_parquet(path) if is_parquet else pd.read_csv(path, dtype=str, keep_default_na=False)
    rows: Read = found.to_dict("records")
    return rows


def by_duckdb(path: Path) -> Read:
    options = ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', max_line_size = 16777216"
    function = f"read_parquet('{path}')" if path.suffix == ".parquet" else f"read_csv('{path}'{options})"
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT * FROM {function}")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def by_pyarrow(path: Path) -> Read:
    rows: Read = pq.read_table(path).to_pylist()
    return rows


READERS: Mapping[str, Sequence[Callable[[Path], Read]]] = {
    "csv": (by_csv_module, by_pandas, by_duckdb),
    "csv.gz": (by_csv_module, by_pandas, by_duckdb),
    "parquet": (by_pyarrow, by_pandas, by_duckdb),
}
FLAT = list(READERS)


def value_of(cell: Any, type: str) -> Any:
    """Return a cell as Python's own value, whatever a tool makes of it; None for nothing, of which CSV has one kind."""
    if type == "list":
        return json.loads(cell) if isinstance(cell, str) else list(cell)
    if cell is None or cell == "" or pd.isna(cell):
        return None
    match type:
        case "number":
            return float(cell)
        case "datetime":
            return (datetime.fromisoformat(cell) if isinstance(cell, str) else cell).astimezone(UTC)
        case _:
            return str(cell)


def read_back(path: Path, columns: Sequence[Column]) -> dict[str, Read]:
    """Return a file's rows as each tool reads them, in the order of their ids."""
    types = {column.name: column.type for column in columns}
    found = {}
    for reader in READERS[path.name.partition(".")[2]]:
        rows = [{name: value_of(cell, types[name]) for name, cell in row.items()} for row in reader(path)]
        found[reader.__name__] = sorted(rows, key=lambda row: str(row["id"]))
    return found


# Accounts of the sandbox

NAMES: list[dict[str, Any]] = [
    {"email": "newline@x.lt", "firstname": "two\nlines", "lastname": "and\r\nthree\rof them"},
    {"email": "quotes@x.lt", "firstname": 'say "hi", ok', "lastname": "'; drop table"},
    {"email": "quote@x.lt", "firstname": '"', "lastname": '\\"'},
    {"email": "comma@x.lt", "firstname": ",", "lastname": "\n"},
    {"email": "emoji@x.lt", "firstname": "👩‍👩‍👧 Žilvinas", "lastname": "\u2028\u2029\u0085"},
    {"email": "space@x.lt", "firstname": "  around  ", "lastname": "\t"},
    {"email": "formula@x.lt", "firstname": "=1+1", "lastname": "-2"},
    {"email": "null@x.lt", "firstname": "NULL", "lastname": "NaN"},
    {"email": "number@x.lt", "firstname": "007", "lastname": "1e5"},
    {"email": "control@x.lt", "firstname": "a\u0000b", "lastname": "\ufeff\u001a"},
]
MEGABYTE = "ž" * 512 * 1024
# One page of each, in the order they are created.
NUMBERS: list[Any] = [5, "five", 2**60]
TIMES: list[Any] = ["2026-01-02 03:04:05", "soon", 5]
TEXTS: list[Any] = ["pro", 5, "2.5"]


def seeds(name: str) -> list[dict[str, Any]]:
    match name:
        case "odd names":
            return NAMES
        case "a field of a megabyte":
            return [{"email": f"{number}@x.lt", "fields": {"Note": MEGABYTE[number:]}} for number in range(3)]
        case "columns that change their type":
            return [
                {
                    "email": f"{number:03}@x.lt",
                    "created": number,
                    "fields": {
                        "Count": NUMBERS[number // 100],
                        "Due": TIMES[number // 100],
                        "Kind": TEXTS[number // 100],
                    },
                }
                for number in range(300)
            ]
    return []


COUNTS = {"nobody": 0, "one": 1, "a page": 100, "a page and one": 101}
ACCOUNTS = [*COUNTS, "odd names", "a field of a megabyte", "columns that change their type"]


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest, sender_sandbox: Sandbox) -> SenderService:
    service = service_of(sender_sandbox)
    for title, field_type in {"Count": "number", "Due": "datetime", "Kind": "text"}.items():
        service.client.create_field(title, field_type)
    sender_sandbox.seed(count=COUNTS.get(request.param, 0), rows=seeds(request.param))
    return service


def utc(text: str) -> datetime:
    there = datetime.fromisoformat(text)
    return there if there.tzinfo else there.replace(tzinfo=UTC)


def fitting(value: Any, field_type: FieldType) -> Any:
    """Return what a column of a type should hold of a value; None when it cannot."""
    try:
        match field_type:
            case FieldType.TEXT:
                return value if isinstance(value, str) else json.dumps(value)
            case FieldType.NUMBER:
                return float(value) if abs(float(value)) < 2**53 else None
            case FieldType.DATETIME:
                return utc(value)
    except (TypeError, ValueError):
        return None


def expected(raw: bytes, fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """Return what a flat file should say of a subscriber, straight from the service's own JSON.

    :param fields: custom field -> its type when the export began.
    """
    person = json.loads(raw)
    row = {name: person[name] or None for name in ("id", "email", "firstname", "lastname", "phone")}
    row |= {"status": person["status"]["email"], "transactional_status": person["status"]["temail"]}
    row |= {name: person[name] and utc(person[name]) for name in ("created", "unsubscribed_at", "bounced_at")}
    row |= {"location": person["location"], "ip_address": person["ip_address"], "source": None}
    row["groups"] = [tag["id"] for tag in person["subscriber_tags"]]
    values = {column["title"]: column["value"] for column in person["columns"] if column["value"] not in (None, "")}
    cells = {name: fitting(values[name], kind) if name in values else None for name, kind in fields.items()}
    others = {name: value for name, value in values.items() if cells.get(name) is None}
    return row | {"other_fields": others or None} | {f"fields.{name}": cell for name, cell in cells.items()}


def assert_holds(path: Path, raws: Sequence[bytes], fields: Sequence[Field]) -> None:
    """See to it that every tool reads from a file exactly what the service says of these subscribers."""
    types = {field.name: field.type for field in fields}
    wanted = sorted((expected(raw, types) for raw in raws), key=lambda row: str(row["id"]))
    for reader, found in read_back(path, export_columns(fields, None)).items():
        assert [list(row) for row in found] == [list(row) for row in wanted], reader
        assert [
            row | {"other_fields": row["other_fields"] and json.loads(row["other_fields"])} for row in found
        ] == wanted, reader


@pytest.mark.parametrize("ending", FLAT)
def test_a_flat_export_read_back_is_the_account(
    account: SenderService, sender_sandbox: Sandbox, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    done = export_to_file(account, Export(), UPath(path))
    raws = sender_sandbox.subscribers()
    assert done.rows == len(raws)
    assert_holds(path, raws, account.fields())


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_jsonl_export_is_the_accounts_own_bytes(
    account: SenderService, sender_sandbox: Sandbox, tmp_path: Path, ending: str
) -> None:
    export_to_file(account, Export(), UPath(tmp_path / f"a.{ending}"))
    content = (tmp_path / f"a.{ending}").read_bytes()
    lines = (gzip.decompress(content) if ending.endswith(".gz") else content).split(b"\n")
    assert sorted(lines) == sorted([*sender_sandbox.subscribers(), b""])


@pytest.mark.parametrize("ending", FLAT)
def test_a_field_made_during_an_export_is_kept_beside_its_columns(
    sender_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    sender_sandbox.reset(subscribers=150)
    service = service_of(sender_sandbox)
    before = service.fields()

    def fields() -> list[Field]:
        service.client.create_field("New")
        sender_sandbox.seed(rows=[{"email": "new@x.lt", "created": 1, "fields": {"New": "x"}}])
        return before

    monkeypatch.setattr(service, "fields", fields)
    export_to_file(service, Export(), UPath(tmp_path / f"a.{ending}"))
    assert_holds(tmp_path / f"a.{ending}", sender_sandbox.subscribers(), before)
    for rows in read_back(tmp_path / f"a.{ending}", export_columns(before, None)).values():
        assert [row["other_fields"] for row in rows if row["email"] == "new@x.lt"] == ['{"New":"x"}']


# Rows no sandbox gives


@pytest.mark.parametrize("ending", FLAT)
def test_keys_and_types_nobody_has_heard_of_break_no_row(sender_sandbox: Sandbox, tmp_path: Path, ending: str) -> None:
    raws = [
        b'{"id":"a","new":{"deep":[1]},"status":{"email":"snoozed","sms":1},"subscriber_tags":[{"id":"g","x":1}]}',
        b'{"id":"b","firstname":5,"location":{"city":"Vilnius"},"status":null,"subscriber_tags":null,"columns":null}',
        b'{"id":"c","created":"yesterday","columns":[{"title":"Plan","value":["a",{"b":1}],"x":1},{"value":1}]}',
        b'{"id":"d","source":true,"phone":37060000000,"columns":[{"title":"Visits","value":{"n":1},"default":0}]}',
    ]
    columns = export_columns([Field("Plan"), Field("Visits", FieldType.NUMBER)], None)
    path = tmp_path / f"a.{ending}"
    write(
        path,
        service_of(sender_sandbox),
        columns,
        [Row(str(number), None, msgspec.Raw(raw)) for number, raw in enumerate(raws)],
    )
    for one, two, three, four in read_back(path, columns).values():
        assert (one["status"], one["groups"], one["firstname"]) == ("unknown", ["g"], None)
        assert (two["firstname"], json.loads(two["location"]), two["groups"]) == ("5", {"city": "Vilnius"}, [])
        assert (three["created"], json.loads(three["fields.Plan"])) == (None, ["a", {"b": 1}])
        assert (four["source"], four["phone"], four["fields.Visits"]) == ("true", "37060000000", None)
        assert json.loads(four["other_fields"]) == {"Visits": '{"n":1}'}


def write(path: Path, service: Service, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    with path.open("wb") as file:
        writer = writer_for(service, encoding_of(UPath(path), None, parameter="output_path"), columns, file)
        writer.write(rows)
        writer.close()


FIELDS = [Field("Plan"), Field("Visits", FieldType.NUMBER), Field("Renewal date", FieldType.DATETIME)]
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
TIME = st.none() | st.datetimes(timezones=st.just(UTC))
VALUE = TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.datetimes().map(str)
SUBSCRIBER = st.builds(
    Subscriber,
    id=st.uuids().map(str),
    email=TEXT,
    firstname=TEXT,
    lastname=TEXT,
    phone=TEXT,
    consent=st.sampled_from(Consent),
    created=TIME,
    bounced_at=TIME,
    location=TEXT,
    groups=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
    fields=st.dictionaries(st.sampled_from(["Plan", "Visits", "Renewal date", "New"]), VALUE),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(SUBSCRIBER, max_size=4, unique_by=lambda each: each.id))
def test_whatever_a_subscriber_holds_every_tool_reads_it_back(people: list[Subscriber]) -> None:
    columns = export_columns(FIELDS, None)
    rows = [Row(each.id, None, msgspec.Raw(msgspec.json.encode(each))) for each in people]
    in_order = zip(*flat_columns(columns, sorted(people, key=lambda each: each.id)), strict=True)
    wanted = [
        {column.name: value_of(cell, column.type) for column, cell in zip(columns, row, strict=True)}
        for row in in_order
    ]
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("csv", "parquet"):
            write(Path(folder, f"a.{ending}"), MemoryService(), columns, rows)
            for reader, found in read_back(Path(folder, f"a.{ending}"), columns).items():
                assert found == wanted, (ending, reader)
