from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, SubscriberChange
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping

FIELDS = [
    Field("Plan", FieldType.TEXT, "{$plan}"),
    Field("Visits", FieldType.NUMBER, "{$visits}"),
    Field("Renewal date", FieldType.DATETIME, "{$renewal_date}"),
    Field("Status", FieldType.TEXT, "{$custom_status}"),
]


def change_of(row: dict[Any, Any], columns: dict[str, str | None] | None = None, **options: Any) -> SubscriberChange:
    change = RowMapping(columns, FIELDS, **options).change(row)
    assert isinstance(change, SubscriberChange), change
    return change


def rejected(row: dict[Any, Any], columns: dict[str, str | None] | None = None) -> Rejected:
    change = RowMapping(columns, FIELDS).change(row)
    assert isinstance(change, Rejected), change
    return change


def test_standard_columns_are_known_by_name() -> None:
    row = {
        "email": " Ann@X.lt ",
        "firstname": " Ann ",
        "lastname": 7,
        "phone": "+370 600 00-001",
        "status": "Unsubscribed",
        "groups": ["g1", "g2", "g1"],
    }
    assert change_of(row, group_ids=["g2", "g3"]) == SubscriberChange(
        key="ann@x.lt",
        email="Ann@X.lt",
        phone="+37060000001",
        firstname="Ann",
        lastname="7",
        consent=Consent.UNSUBSCRIBED,
        groups=("g1", "g2", "g3"),
    )


@pytest.mark.parametrize("name", ["Plan", "plan", "PLAN", "fields.Plan", "fields.plan", "fields.PLAN"])
def test_a_custom_field_is_found_by_title_whatever_the_case(name: str) -> None:
    assert change_of({"email": "a@x.lt", name: "pro"}).fields == {"Plan": "pro"}


@pytest.mark.parametrize("name", ["renewal_date", "Renewal date", "fields.RENEWAL_DATE"])
def test_a_custom_field_is_found_by_its_tags_name(name: str) -> None:
    assert change_of({"email": "a@x.lt", name: "2026-01-02"}).fields == {"Renewal date": "2026-01-02 00:00:00"}


def test_a_custom_field_that_is_called_like_a_standard_column_needs_its_prefix() -> None:
    row = {"email": "a@x.lt", "status": "active", "fields.status": "gold"}
    assert change_of(row).consent is Consent.ACTIVE
    assert change_of(row).fields == {"Status": "gold"}


def test_of_two_fields_that_differ_in_case_only_the_one_that_was_named_is_meant() -> None:
    mapping = RowMapping(None, [Field("Plan"), Field("plan"), Field("PLAN")])
    change = mapping.change({"email": "a@x.lt", "Plan": "1", "fields.plan": "2", "PLAN": "3"})
    assert isinstance(change, SubscriberChange)
    assert change.fields == {"Plan": "1", "plan": "2", "PLAN": "3"}


def test_a_title_comes_before_another_fields_tag() -> None:
    mapping = RowMapping(None, [Field("Level", tag="{$plan}"), Field("Plan", tag="{$plan_2}")])
    change = mapping.change({"email": "a@x.lt", "plan": "pro", "plan_2": "pro"})
    assert isinstance(change, SubscriberChange)
    assert change.fields == {"Plan": "pro"}


def test_columns_rename_nest_and_drop() -> None:
    columns = {"first_name": "firstname", "tier": "fields.Plan", "n": "visits", "internal": None, "mail": "email"}
    row = {"mail": "a@x.lt", "first_name": "Ann", "tier": "pro", "n": 3, "internal": object()}
    assert change_of(row, columns) == SubscriberChange(
        key="a@x.lt", email="a@x.lt", firstname="Ann", fields={"Plan": "pro", "Visits": 3}
    )


def test_a_nested_object_of_fields_is_taken_apart() -> None:
    assert change_of({"email": "a@x.lt", "fields": {"plan": "pro", "Visits": 1}}).fields == {"Plan": "pro", "Visits": 1}
    assert change_of({"email": "a@x.lt", "fields": {"x": 1}}, {"fields.x": None}).fields == {}


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_nothing_leaves_a_value_as_it_is(nothing: object) -> None:
    row = {"email": "a@x.lt", "firstname": nothing, "phone": nothing, "status": nothing, "groups": nothing}
    assert change_of({**row, "plan": nothing, "fields.Visits": nothing, "fields": None}) == SubscriberChange(
        key="a@x.lt", email="a@x.lt"
    )


def test_an_empty_text_empties_a_value() -> None:
    change = change_of({"email": "a@x.lt", "firstname": "", "plan": "", "visits": "", "renewal_date": ""})
    assert change.firstname == ""
    assert change.fields == {"Plan": "", "Visits": "", "Renewal date": ""}


@pytest.mark.parametrize("columns", [{"x": "nope"}, {"x": "fields.nope"}, {"x": "created"}, {"x": ""}])
def test_a_mapping_to_no_place_is_refused_before_there_is_any_row(columns: dict[str, str | None]) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: 'x', mapped to '.*', has no place.*email, .*fields\.Plan"):
        RowMapping(columns, FIELDS)


@pytest.mark.parametrize("row", [{"nope": 1}, {"Email": "b@x.lt"}, {"fields": {"nope": 1}}, {"fields": "text"}, {1: 2}])
def test_a_column_without_a_place_is_refused_by_name(row: dict[Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: '.*' has no place in the account"):
        RowMapping(None, FIELDS).change({"email": "a@x.lt", **row})


def test_the_columns_of_an_export_that_nobody_can_write_are_passed_over() -> None:
    row = {"email": "a@x.lt", "created": "2026", "location": "LT", "ip_address": "::1", "source": "FORM"}
    row |= {"transactional_status": "active", "unsubscribed_at": "x", "bounced_at": "x", "groups": '["g1"]'}
    assert change_of(row) == SubscriberChange(key="a@x.lt", email="a@x.lt", groups=("g1",))


@pytest.mark.parametrize(
    "address",
    [
        "a",
        "a@b",
        "@x.lt",
        "a@",
        "a b@x.lt",
        "a@x..lt",
        "a..b@x.lt",
        "a@x.lt,b@x.lt",
        "Ann <a@x.lt>",
        "a@b@x.lt",
        "a@x.lt\nBcc: b@x.lt",
        'a"@x.lt',
        "a@x.lt.",
        f"{'a' * 250}@x.lt",
        5,
        True,
        ["a@x.lt"],
        "a\ud800@x.lt",
    ],
)
def test_what_is_no_address_is_rejected_for_the_field_email(address: object) -> None:
    why = rejected({"email": address})
    assert why.field == "email"
    assert "x.lt" not in why.reason


@pytest.mark.parametrize("address", ["a@x.lt", "ą.ž+tag@ž.lt", "a'b@sub.x.co", "1@2.3x", "a_b-c@x-y.museum"])
def test_unusual_addresses_pass(address: str) -> None:
    assert change_of({"email": address}).email == address


@pytest.mark.parametrize("row", [{}, {"email": ""}, {"email": "  "}, {"email": None, "id": ""}, {"firstname": "Ann"}])
def test_a_row_that_names_nobody_is_rejected(row: dict[str, Any]) -> None:
    assert rejected(row) == Rejected("email", "missing")


@pytest.mark.parametrize("phone", ["+37060000001", "+370 600 00001", "0037060000001", "00370 (600) 00-001"])
def test_one_phone_is_one_key_however_it_is_written(phone: str) -> None:
    change = change_of({"phone": phone})
    assert (change.key, change.phone) == ("+37060000001", "+37060000001")


@pytest.mark.parametrize("phone", ["860000001", "+370", "+370abc6000", "phone", True, ["+37060000001"], "+1" * 20])
def test_what_is_no_phone_is_rejected_for_the_field_phone(phone: object) -> None:
    assert rejected({"email": "a@x.lt", "phone": phone}).field == "phone"


def test_an_id_names_a_subscriber_and_a_phone_beside_it_is_to_be_set() -> None:
    change = change_of({"id": "aB3", "phone": "+37060000001"})
    assert (change.key, change.phone, change.email) == ("aB3", "+37060000001", None)
    assert change_of({"email": "A@x.lt", "id": "aB3", "phone": "+37060000001"}).key == "a@x.lt"
    assert change_of({"id": "", "phone": "+37060000001"}).key == "+37060000001"


@pytest.mark.parametrize(
    ("status", "consent"),
    [
        ("active", Consent.ACTIVE),
        (" ACTIVE ", Consent.ACTIVE),
        ("bounced", Consent.BOUNCED),
        ("spam_reported", Consent.COMPLAINED),
        ("complained", Consent.COMPLAINED),
        ("", None),
    ],
)
def test_a_status_is_read_in_any_case(status: str, consent: Consent | None) -> None:
    assert change_of({"email": "a@x.lt", "status": status}).consent is consent


@pytest.mark.parametrize("status", ["yes", "unknown", 1, ["active"], {"email": "active"}])
def test_an_unknown_status_is_rejected_with_those_there_are(status: object) -> None:
    why = rejected({"email": "a@x.lt", "status": status})
    assert why.field == "status"
    assert "unsubscribed" in why.reason


@pytest.mark.parametrize("groups", [["g1", "g2"], ("g1", "g2"), '["g1", "g2"]'])
def test_groups_come_as_a_list_or_as_json_text(groups: object) -> None:
    assert change_of({"email": "a@x.lt", "groups": groups}).groups == ("g1", "g2")


@pytest.mark.parametrize(
    "groups", ["g1", '"g1"', "{}", "[1]", [1], {"g1": 1}, 5, '["g1"', b"g1", ["\ud800"], "[" * 9_999]
)
def test_groups_that_are_no_list_of_texts_are_rejected(groups: object) -> None:
    assert rejected({"email": "a@x.lt", "groups": groups}).field == "groups"


EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("plan", "pro", "pro"),
        ("plan", 5, 5),
        ("plan", True, "true"),
        ("plan", 2**63 - 1, 2**63 - 1),
        ("plan", 2**63, str(2**63)),
        ("plan", 10**400, str(10**400)),
        ("plan", Decimal("1.50"), "1.50"),
        ("plan", math.inf, "inf"),
        ("plan", date(2026, 1, 2), "2026-01-02"),
        ("plan", time(1, 2), "01:02:00"),
        ("plan", datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02 03:04:05"),
        ("visits", 5, 5),
        ("visits", 5.5, 5.5),
        ("visits", "5.5", "5.5"),
        ("visits", "-1e3", "-1e3"),
        ("visits", Decimal("7"), "7"),
        ("renewal_date", "2026-01-02", "2026-01-02 00:00:00"),
        ("renewal_date", "2026-01-02T03:04:05.678Z", "2026-01-02 03:04:05"),
        ("renewal_date", "2026-01-02T03:04:05+02:00", "2026-01-02 01:04:05"),
        ("renewal_date", date(2026, 1, 2), "2026-01-02 00:00:00"),
        ("renewal_date", datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        ("renewal_date", datetime(2026, 1, 2, 3, 4, 5, tzinfo=EAST), "2026-01-02 01:04:05"),
        ("renewal_date", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC), "2026-01-02 01:04:05"),
    ],
)
def test_field_values_are_sent_in_the_services_form(name: str, value: object, sent: object) -> None:
    (found,) = change_of({"email": "a@x.lt", name: value}).fields.values()
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan", ["a"]),
        ("plan", {"a": 1}),
        ("plan", b"12"),
        ("plan", object()),
        ("plan", UUID(int=1)),
        ("plan", timedelta(1)),
        ("plan", "\udcff"),
        ("visits", "many"),
        ("visits", True),
        ("visits", "nan"),
        ("visits", "inf"),
        ("visits", math.inf),
        ("visits", Decimal("NaN")),
        ("visits", 10**400),
        ("visits", b"12"),
        ("visits", date(2026, 1, 2)),
        ("visits", 1j),
        ("renewal_date", "tomorrow"),
        ("renewal_date", "2026-02-30"),
        ("renewal_date", 5),
        ("renewal_date", True),
    ],
)
def test_a_value_a_field_cannot_hold_is_rejected_for_that_field(name: str, value: object) -> None:
    why = rejected({"email": "a@x.lt", name: value})
    assert (why.field or "").lower().replace(" ", "_") == f"fields.{name}"
    assert why.reason


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ANYTHING = (
    JSON_VALUES
    | st.binary()
    | st.decimals()
    | st.fractions()
    | st.complex_numbers()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
)
NAMES = st.sampled_from(
    ["email", "phone", "id", "firstname", "lastname", "status", "groups", "Plan", "Visits", "Renewal date"]
)


@given(st.dictionaries(NAMES, ANYTHING), st.booleans())
def test_whatever_a_row_holds_it_becomes_a_change_that_json_can_carry_or_is_rejected(
    row: dict[str, Any], is_addressed: bool
) -> None:
    if is_addressed:
        row = {**row, "email": "a@x.lt"}
    change = RowMapping(None, FIELDS).change(row)
    if isinstance(change, Rejected):
        assert change.reason
        return
    assert change.key
    carried = msgspec.json.decode(msgspec.json.encode(change), type=SubscriberChange)
    assert carried == change


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_taken_for_an_address_has_one_at_and_cannot_break_a_header(text: str) -> None:
    change = RowMapping(None, FIELDS).change({"email": text})
    if isinstance(change, SubscriberChange):
        assert change.email is not None
        assert change.email.count("@") == 1
        assert not any(character.isspace() for character in change.email)
        assert change.key == change.email.lower()


def test_where_a_service_keeps_any_field_every_column_has_a_place() -> None:
    mapping = RowMapping({"town": "fields.city", "note": None}, FIELDS, makes_fields=True)

    change = mapping.change({"email": "a@x.lt", "town": "Kaunas", "shoe size": 42, "note": "x", "location": "LT"})

    assert isinstance(change, SubscriberChange)
    assert change.fields == {"city": "Kaunas", "shoe size": 42}
    with pytest.raises(ConfigurationError, match="columns"):
        RowMapping({"town": "fields."}, FIELDS, makes_fields=True)
