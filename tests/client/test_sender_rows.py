from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.sender.rows import subscriber_as_documented
from airflow_provider_sender.client.sender.subscriber_records import CONSENTS, SenderSubscriber, subscriber_from
from airflow_provider_sender.client.subscribers import Consent, Subscriber

DOCUMENTED: dict[str, Any] = {
    "id": "z61Z7gy",
    "email": "ada@example.com",
    "firstname": "Ada",
    "lastname": None,
    "phone": "+37060000000",
    "phone_country": {"phone_code": 370, "country_code": "LT"},
    "created": "2025-06-05T12:55:13.000001Z",
    "status": {"email": "active", "temail": "bounced"},
    "ip_address": None,
    "bounced_at": None,
    "unsubscribed_at": "2026-01-02 03:04:05",
    "location": None,
    "subscriber_tags": [{"id": "eZVD4w", "title": "VIP"}, {"id": "Ge3aR5", "title": "New"}],
    "columns": [
        {"id": "a", "title": "Email", "type": "text", "default": True, "value": "ada@example.com"},
        {"id": "b", "title": "Plan", "type": "text", "default": False, "value": "pro"},
        {"id": "c", "title": "Visits", "type": "number", "default": False, "value": 5},
        {"id": "d", "title": "Rate", "type": "number", "default": False, "value": 2.5},
        {"id": "e", "title": "Note", "type": "text", "default": False, "value": None},
    ],
}


def the_long_way(raw: bytes) -> Subscriber:
    return subscriber_from(msgspec.json.decode(raw, type=SenderSubscriber, strict=False))


def test_a_row_as_documented_goes_the_short_way() -> None:
    raw = json.dumps(DOCUMENTED).encode()
    assert subscriber_as_documented(raw) == the_long_way(raw)
    assert subscriber_as_documented(raw) == Subscriber(
        id="z61Z7gy",
        email="ada@example.com",
        phone="+37060000000",
        firstname="Ada",
        consent=Consent.ACTIVE,
        transactional_consent=Consent.BOUNCED,
        created=datetime(2025, 6, 5, 12, 55, 13, 1, tzinfo=UTC),
        unsubscribed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        groups=("eZVD4w", "Ge3aR5"),
        fields={"Plan": "pro", "Visits": 5, "Rate": 2.5, "Note": None},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"firstname": 5},
        {"location": {"city": "Vilnius"}},
        {"created": "yesterday"},
        {"bounced_at": "0000-00-00 00:00:00"},
        {"unsubscribed_at": ""},
        {"status": "active"},
        {"status": {"email": "ACTIVE"}},
        {"status": {"email": "snoozed"}},
        {"columns": [{"title": "Plan", "value": ["a"]}]},
        {"columns": [{"title": "Plan", "value": "pro", "default": 0}]},
    ],
)
def test_any_other_row_is_for_the_long_way(change: Mapping[str, Any]) -> None:
    raw = json.dumps({**DOCUMENTED, **change}).encode()
    assert subscriber_as_documented(raw) is None
    assert the_long_way(raw).id == "z61Z7gy"


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LOOSE = st.none() | st.booleans() | TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ODD = LOOSE | st.lists(LOOSE, max_size=2) | st.dictionaries(st.sampled_from(["email", "x"]), LOOSE, max_size=2)
TIME = (
    st.none()
    | st.datetimes().map(str)
    | st.datetimes().map(lambda time: time.isoformat() + "Z")
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
    | st.dates().map(str)
    | st.sampled_from(["", "0000-00-00 00:00:00", "2026-02-30", "yesterday"])
)
STATUS = st.none() | st.sampled_from([*CONSENTS, "ACTIVE", "snoozed", ""])
STATUSES = st.fixed_dictionaries({}, optional={"email": STATUS, "temail": STATUS, "sms": LOOSE})
TAG = st.fixed_dictionaries({"id": TEXT}, optional={"title": st.none() | TEXT, "x": ODD})
COLUMN = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | st.sampled_from(["Plan", "Visits", ""]),
        "value": ODD,
        "default": st.none() | st.booleans() | st.sampled_from([0, 1]),
    },
)
ROW = st.fixed_dictionaries(
    {"id": TEXT},
    optional={
        "email": st.none() | st.emails(),
        **dict.fromkeys(["firstname", "lastname", "phone", "ip_address", "source"], LOOSE),
        **dict.fromkeys(["created", "bounced_at", "unsubscribed_at"], TIME),
        "location": ODD,
        "status": STATUSES | ODD,
        "subscriber_tags": st.none() | st.lists(TAG, max_size=3),
        "columns": st.none() | st.lists(COLUMN, max_size=3),
        "new": ODD,
    },
)


def documented_but_for_one(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with one odd value, so that many go the short way."""
    key = list(row)[-1]
    return {**DOCUMENTED, key: row[key]}


@given(ROW | ROW.map(documented_but_for_one))
def test_whatever_a_row_holds_both_ways_lead_to_the_same_subscriber(row: dict[str, Any]) -> None:
    raw = json.dumps(row).encode()
    found = subscriber_as_documented(raw)
    # As bytes, in which 1, 1.0 and true are not the same.
    assert found is None or msgspec.json.encode(found) == msgspec.json.encode(the_long_way(raw))
