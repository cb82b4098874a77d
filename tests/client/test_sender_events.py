from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import CampaignTotals, EventKind
from airflow_provider_sender.client.errors import NotFoundError, ServiceFailureError
from airflow_provider_sender.client.sender.client import CAMPAIGN_EVENTS
from airflow_provider_sender.client.sender.events import EVENT_PATHS, event_from
from airflow_provider_sender.client.sender.service import SenderService
from tests.client.accounts import Account, page_of

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
MISSING = {"status_code": 404, "json": {"message": "Not found"}}


def event(row: dict[str, Any], kind: EventKind = EventKind.CLICK) -> Any:
    return event_from(json.dumps(row).encode(), kind)


def test_every_kind_has_its_list() -> None:
    assert set(EVENT_PATHS) == set(EventKind)
    assert sorted(EVENT_PATHS.values()) == sorted(CAMPAIGN_EVENTS)


@pytest.mark.parametrize(
    "row",
    [
        {"recipient_id": "o2lk68Y", "email": "a@x.lt"},
        {"subscriber_id": "o2lk68Y", "email_address": "a@x.lt"},
        {"id": 7, "subscriber": {"id": "o2lk68Y", "email": "a@x.lt"}},
        {"recipient": {"id": "o2lk68Y", "email": "a@x.lt"}, "id": "event"},
        {"recipient": "a@x.lt", "recipient_id": "o2lk68Y"},
        {"email": "", "recipient_email": "a@x.lt", "contact_id": "o2lk68Y", "subscriber_id": None},
    ],
)
def test_whose_event_it_is_is_found_by_whatever_name(row: dict[str, Any]) -> None:
    found = event(row)

    assert (found.subscriber_id, found.email) == ("o2lk68Y", "a@x.lt")


@pytest.mark.parametrize(
    "row",
    [
        {"created": "2026-01-05 09:00:00"},
        {"created_at": "2026-01-05T09:00:00.000000Z"},
        {"clicked_at": "2026-01-05T10:00:00+01:00", "created": "2020-01-01 00:00:00"},
        {"timestamp": NINE.timestamp()},
        {"timestamp": int(NINE.timestamp()) * 1000},
        {"time": str(int(NINE.timestamp()))},
        {"date": {"date": "2026-01-05 09:00:00.000000", "timezone": "UTC"}},
        {"clicked": True, "created": "2026-01-05 09:00:00"},
    ],
)
def test_when_it_was_is_found_by_whatever_name_and_in_any_form(row: dict[str, Any]) -> None:
    assert event(row).occurred_at == NINE


def test_what_somebody_else_s_event_is_called_is_not_this_one_s_time() -> None:
    row = {"opened_at": "2026-01-01 00:00:00", "clicked_at": "2026-01-05 09:00:00"}

    assert event(row).occurred_at == NINE
    assert event(row, EventKind.OPEN).occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert event(row, EventKind.UNSUBSCRIBE).occurred_at is None


@pytest.mark.parametrize(
    "row", [{"url": "https://x.lt/a"}, {"link": "https://x.lt/a"}, {"link": {"id": 1, "url": "https://x.lt/a"}}]
)
def test_the_link_is_found_and_belongs_to_clicks(row: dict[str, Any]) -> None:
    assert event(row).url == "https://x.lt/a"
    assert event(row, EventKind.OPEN).url is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["email", "recipient", "subscriber", "recipient_id", "created", "clicked_at", "date", "url"])


@given(st.dictionaries(NAMES | st.text(), ANYTHING), st.sampled_from(EventKind))
def test_a_row_of_any_shape_is_an_event(row: dict[str, Any], kind: EventKind) -> None:
    found = event(row, kind)

    assert found.kind is kind
    msgspec.convert(msgspec.to_builtins(found), type(found))  # every value is of the type it should be


def test_a_row_that_is_no_object_is_said_without_what_is_in_it() -> None:
    with pytest.raises(ServiceFailureError, match="Sender's clicks cannot be read") as told:
        event_from(b'"jane@example.com"', EventKind.CLICK)
    assert "jane" not in str(told.value)


def campaign(**values: Any) -> dict[str, Any]:
    return {"json": {"data": {"id": "c", "status": "SENT", **values}}}


def counted(total: int) -> dict[str, Any]:
    return page_of({"email": "a@x.lt"}, total=total)


def test_totals_are_the_campaign_s_own_and_the_lengths_of_the_lists(account: Account) -> None:
    own = campaign(recipient_count=100, sent_count="99", opens=40, clicks=10, bounces_count=7)
    account.answers(own, counted(4), counted(3), counted(2), counted(1))

    totals = SenderService(account.client()).campaign_totals("c")

    assert totals == CampaignTotals(
        recipients=100,
        sent=99,
        delivered=92,
        opened=40,
        clicked=10,
        hard_bounced=4,
        soft_bounced=3,
        unsubscribed=2,
        complained=1,
    )


def test_what_neither_tells_is_not_told(account: Account) -> None:
    account.answers(campaign(sent_count=99, bounces_count=7), *[MISSING] * 6)

    totals = SenderService(account.client()).campaign_totals("c")

    assert totals == CampaignTotals(sent=99, delivered=92, bounced=7)


def test_a_campaign_that_is_not_there_has_no_totals(account: Account) -> None:
    account.answers(MISSING)

    with pytest.raises(NotFoundError):
        SenderService(account.client()).campaign_totals("c")
