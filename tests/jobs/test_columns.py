from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.records import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.jobs.columns import STANDARD_COLUMNS, csv_cell, export_columns

FIELDS = [Field("Plan"), Field("Visits", FieldType.NUMBER), Field("Renewal date", FieldType.DATETIME)]
SUBSCRIBER = Subscriber(
    id="a1",
    email="a@x.lt",
    consent=Consent.UNSUBSCRIBED,
    transactional_consent=Consent.ACTIVE,
    created=datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
    groups=("g1", "g2"),
    fields={"Plan": "pro", "Visits": 3},
)


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
    assert [(column.name, column.value(SUBSCRIBER)) for column in columns] == [
        ("fields.Visits", 3),
        ("email", "a@x.lt"),
    ]


def test_a_mapping_renames_them() -> None:
    columns = export_columns(FIELDS, {"fields.Plan": "plan", "id": "sender_id"})
    assert [(column.name, column.value(SUBSCRIBER)) for column in columns] == [("plan", "pro"), ("sender_id", "a1")]


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


def test_a_text_where_a_list_of_names_is_wanted_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: "):
        export_columns(FIELDS, "email")


def test_cells_are_iso_times_json_lists_and_nothing_for_nothing() -> None:
    cells = {column.name: csv_cell(column.value(SUBSCRIBER)) for column in export_columns(FIELDS, None)}
    assert cells["created"] == "2026-01-02T03:04:05.000600Z"
    assert json.loads(cells["groups"]) == ["g1", "g2"]
    assert (cells["status"], cells["transactional_status"]) == ("unsubscribed", "active")
    assert cells["phone"] == cells["bounced_at"] == cells["fields.Renewal date"] == ""
    assert cells["fields.Visits"] == "3"
    assert csv_cell(()) == "[]"


@given(st.text() | st.integers() | st.floats(allow_nan=False))
def test_whatever_a_field_holds_its_cell_gives_it_back(value: str | int | float) -> None:
    assert type(value)(csv_cell(value)) == value
