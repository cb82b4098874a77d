from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.client.values import FieldValue
from airflow_provider_sender.jobs.cells import CellValue
from airflow_provider_sender.jobs.columns import (
    STANDARD_COLUMNS,
    Column,
    columns_from,
    export_columns,
    flat_columns,
    warn_of_left_out,
)
from airflow_provider_sender.jobs.writers import csv_cell

FIELDS = [Field("Plan"), Field("Visits", FieldType.NUMBER), Field("Renewal date", FieldType.DATETIME)]
SUBSCRIBER = Subscriber(
    id="a1",
    email="a@x.lt",
    consent=Consent.UNSUBSCRIBED,
    transactional_consent=Consent.ACTIVE,
    created=datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
    groups=("g1", "g2"),
    fields={"Plan": "pro", "Visits": 3, "Renewal date": "2026-02-03 04:05:06"},
)


def flat_rows(
    columns: Sequence[Column], subscribers: Sequence[Subscriber], left_out: Counter[str] | None = None
) -> list[tuple[CellValue, ...]]:
    return list(zip(*flat_columns(columns, subscribers, left_out), strict=True))


def row_of(columns: Sequence[Column], subscriber: Subscriber) -> dict[str, CellValue]:
    (row,) = flat_rows(columns, [subscriber])
    return dict(zip((column.name for column in columns), row, strict=True))


def with_fields(fields: Mapping[str, FieldValue]) -> Subscriber:
    return Subscriber("a1", fields=fields)


def cells(fields: Mapping[str, FieldValue], columns: tuple[Column, ...] = ()) -> dict[str, CellValue]:
    """Return what a subscriber with these custom fields has in the columns."""
    return row_of(columns or export_columns(FIELDS, None), with_fields(fields))


# Which columns


def test_all_columns_come_in_one_order_the_accounts_fields_last_and_typed() -> None:
    columns = export_columns(FIELDS, None)
    assert [column.name for column in columns[:-3]] == [column.name for column in STANDARD_COLUMNS]
    assert [(column.name, column.type) for column in columns[-3:]] == [
        ("fields.Plan", "text"),
        ("fields.Visits", "number"),
        ("fields.Renewal date", "datetime"),
    ]


def test_names_pick_and_order_columns() -> None:
    columns = export_columns(FIELDS, ["fields.Visits", "email"])
    assert list(row_of(columns, SUBSCRIBER).items()) == [("fields.Visits", 3.0), ("email", "a@x.lt")]


def test_a_mapping_renames_them() -> None:
    columns = export_columns(FIELDS, {"fields.Plan": "plan", "id": "sender_id"})
    assert list(row_of(columns, SUBSCRIBER).items()) == [("plan", "pro"), ("sender_id", "a1")]


@pytest.mark.parametrize("wanted", [["email", "fields.plan"], {"nope": "x"}, ["Email"]])
def test_an_unknown_name_is_refused_with_those_there_are(wanted: list[str] | dict[str, str]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^columns: the account has no .*There are: id, email, .*fields\.Plan"
    ):
        export_columns(FIELDS, wanted)


@pytest.mark.parametrize("wanted", [[], {}, {"id": "x", "email": "x"}])
def test_no_column_or_two_of_one_name_are_refused(wanted: list[str] | dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: "):
        export_columns(FIELDS, wanted)


@pytest.mark.parametrize("name", [None, "", 5])
def test_a_name_in_the_file_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: each name in the file must be a text"):
        export_columns(FIELDS, {"id": "id", "email": name})


def test_a_text_where_a_list_of_names_is_wanted_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: "):
        export_columns(FIELDS, "email")


# The same columns again


@pytest.mark.parametrize("wanted", [None, {"fields.Visits": "visits", "other_fields": "rest", "status": "state"}])
def test_columns_made_again_from_what_was_stored_give_the_same_values(wanted: dict[str, str] | None) -> None:
    columns = export_columns(FIELDS, wanted)
    again = columns_from(json.loads(json.dumps([column.stored() for column in columns])))
    assert [column.stored() for column in again] == [column.stored() for column in columns]
    subscribers = [SUBSCRIBER, with_fields({"Visits": "many", "New": "x", "Plan": 1})]
    assert flat_rows(again, subscribers) == flat_rows(columns, subscribers)


@pytest.mark.parametrize(
    "stored",
    [
        {"name": "x", "source": "nope", "type": "text"},
        {"name": "x", "source": "id", "type": "number"},
        {"name": "x", "source": "fields.Plan", "type": "list"},
        {"name": "", "source": "id", "type": "text"},
        {"name": "id", "type": "text"},
        {},
    ],
)
def test_what_was_stored_of_no_column_is_refused(stored: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is no column of an export"):
        columns_from([stored])


# Values of a column's type


def test_standard_values_are_texts_times_and_lists() -> None:
    found = row_of(STANDARD_COLUMNS, SUBSCRIBER)
    assert found["id"] == "a1"
    assert found["created"] == datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    assert found["groups"] == ("g1", "g2")
    assert found["phone"] is found["bounced_at"] is None
    # A database driver knows what to do with a text, and not with what is one as well.
    assert [type(found[name]) for name in ("status", "transactional_status")] == [str, str]
    assert [found[name] for name in ("status", "transactional_status")] == ["unsubscribed", "active"]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (-2.5, -2.5),
        ("5", 5.0),
        ("-0.25", -0.25),
        (2**53, 2.0**53),
        ("9007199254740993", None),
        ("0.30000000000000004", 0.1 + 0.2),
        ("0.30000000000000004441", None),
        (2**53 + 1, None),
        (10**30, None),
        ("9" * 500, None),
        ("9" * 390, None),
        ("five", None),
        ("007", None),
        ("1e5", None),
        (" 5", None),
        (True, None),
        ('["a"]', None),
    ],
)
def test_a_number_column_holds_what_a_float_can_and_the_rest_is_kept_beside_it(
    value: FieldValue, number: float | None
) -> None:
    found = cells({"Visits": value})
    assert found["fields.Visits"] == number
    assert type(found["fields.Visits"]) in (float, type(None))
    kept = None if number is not None else {"Visits": value}
    assert json.loads(str(found["other_fields"] or "null")) == kept


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.000006Z", datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("0001-01-01 00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("2026-02-30", None),
        ("tomorrow", None),
        ("0000-00-00 00:00:00", None),
        (1767225600, None),
        (True, None),
    ],
)
def test_a_datetime_column_is_in_utc_and_what_is_no_time_is_kept_beside_it(
    value: FieldValue, expected: datetime | None
) -> None:
    found = cells({"Renewal date": value})
    assert found["fields.Renewal date"] == expected
    assert not isinstance(expected, datetime) or str(found["fields.Renewal date"]).endswith("+00:00")
    kept = None if expected else {"Renewal date": value}
    assert json.loads(str(found["other_fields"] or "null")) == kept


@pytest.mark.parametrize(
    ("value", "text"), [("x", "x"), ("", ""), (5, "5"), (1.5, "1.5"), (True, "true"), (10**30, "1" + 30 * "0")]
)
def test_a_text_column_holds_anything(value: FieldValue, text: str) -> None:
    found = cells({"Plan": value})
    assert found["fields.Plan"] == text
    assert type(found["fields.Plan"]) is str
    assert found["other_fields"] is None


@pytest.mark.parametrize("fields", [{}, {"Visits": None, "New": None}, {"Visits": "", "Renewal date": "", "New": ""}])
def test_nothing_is_nothing_in_every_column(fields: dict[str, FieldValue]) -> None:
    found = cells(fields)
    assert {found[name] for name in ("fields.Visits", "fields.Renewal date", "other_fields")} == {None}


def test_other_fields_hold_what_has_no_column_of_its_own() -> None:
    fields: dict[str, FieldValue] = {"Plan": "pro", "Visits": 5, "New": "x", "Newer": 1.5}
    assert json.loads(str(cells(fields)["other_fields"])) == {"New": "x", "Newer": 1.5}
    picked = export_columns(FIELDS, ["id", "fields.Visits", "other_fields"])
    assert json.loads(str(cells(fields, picked)["other_fields"])) == {"Plan": "pro", "New": "x", "Newer": 1.5}


VALUE = (
    st.none()
    | st.booleans()
    | st.text()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.datetimes().map(str)
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
)
FIELD = st.dictionaries(st.sampled_from("abcdef"), VALUE)
TYPES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(FieldType))


@given(st.lists(FIELD, max_size=5), TYPES)
def test_whatever_the_fields_hold_nothing_of_it_is_lost(
    people: list[dict[str, FieldValue]], types: dict[str, FieldType]
) -> None:
    columns = export_columns([Field(name, type) for name, type in types.items()], None)
    names = [column.name for column in columns]
    for fields, row in zip(people, flat_rows(columns, [with_fields(fields) for fields in people]), strict=True):
        found = dict(zip(names, row, strict=True))
        others = json.loads(str(found["other_fields"] or "{}"))
        for name, value in fields.items():
            cell = found.get(f"fields.{name}")
            if value in (None, ""):
                assert name not in others
            elif cell is None:
                assert (others[name], type(others[name])) == (value, type(value))
            else:
                assert name not in others
                assert_is_the_same(value, cell)


def assert_is_the_same(value: FieldValue, cell: CellValue) -> None:
    if isinstance(cell, float):
        assert type(value) is not bool
        assert Decimal(str(value)) == Decimal(repr(cell))
    elif isinstance(cell, datetime):
        there = datetime.fromisoformat(str(value))
        assert cell == (there if there.tzinfo else there.replace(tzinfo=UTC))
    else:
        assert cell == value if isinstance(value, str) else json.loads(str(cell)) == value


def test_many_at_a_time_are_what_each_is_alone() -> None:
    columns = export_columns(FIELDS, None)
    odd: list[FieldValue] = [5, "five", None, 2.5, 10**20]
    people = [with_fields({"Plan": str(number), "Visits": odd[number % 5]}) for number in range(2_500)]
    rows = flat_rows(columns, people)
    assert rows == [row for each in people for row in flat_rows(columns, [each])]


# What is left out is said


def test_values_no_column_holds_are_counted_and_told_once_without_other_fields(
    caplog: pytest.LogCaptureFixture,
) -> None:
    columns = export_columns(
        FIELDS, {"fields.Visits": "visits", "fields.Renewal date": "renewal", "fields.Plan": "plan"}
    )
    left_out: Counter[str] = Counter()
    people = [with_fields({"Visits": "secret", "Plan": 5}), with_fields({"Visits": "", "Renewal date": "secret"})]
    for _ in range(2):
        assert flat_rows(columns, people, left_out) == [(None, None, "5"), (None, None, None)]
    assert left_out == {"visits": 2, "renewal": 2}
    warn_of_left_out(left_out)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "4 values" in record.message
    assert "visits: 2, renewal: 2" in record.message
    assert "other_fields" in record.message
    assert "secret" not in record.message


def test_nothing_is_told_where_nothing_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    left_out: Counter[str] = Counter()
    odd = with_fields({"Visits": "five", "New": "x"})
    flat_rows(export_columns(FIELDS, None), [odd], left_out)
    flat_rows(export_columns(FIELDS, ["id", "fields.Plan"]), [odd], left_out)
    warn_of_left_out(left_out)
    assert not left_out
    assert not caplog.records


# CSV


def test_cells_are_iso_times_json_lists_and_nothing_for_nothing() -> None:
    found = {name: csv_cell(cell) for name, cell in row_of(export_columns(FIELDS, None), SUBSCRIBER).items()}
    assert found["created"] == "2026-01-02T03:04:05.000600Z"
    assert json.loads(found["groups"]) == ["g1", "g2"]
    assert (found["status"], found["transactional_status"]) == ("unsubscribed", "active")
    assert found["phone"] == found["bounced_at"] == ""
    assert found["fields.Renewal date"] == "2026-02-03T04:05:06Z"
    assert found["fields.Visits"] == "3"
    assert csv_cell(()) == "[]"


@given(st.text() | st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_a_cell_holds_its_text_gives_it_back(value: Any) -> None:
    assert type(value)(csv_cell(value)) == value
