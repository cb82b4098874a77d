from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.sender.account_records import (
    SenderMessage,
    SenderTransactional,
    SenderWebhook,
    SenderWorkflow,
)
from airflow_provider_sender.client.sender.campaign_records import CAMPAIGN_STATES, SenderCampaign, campaign_from
from airflow_provider_sender.client.sender.envelopes import Done, ListPage, Meta, every
from airflow_provider_sender.client.sender.subscriber_records import (
    WRITTEN_CONSENTS,
    SenderField,
    SenderGroup,
    SenderSegment,
    SenderSubscriber,
    SubscriberColumn,
    SubscriberTag,
    field_from,
    subscriber_from,
)
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import same_value

# As the reference and live samples show them.
SUBSCRIBER: dict[str, Any] = {
    "id": "o2lk68Y", "email": "jane@example.com", "firstname": "Jane", "lastname": None, "phone": "+37060000000",
    "phone_country": {"phone_code": 370, "country_code": "LT"}, "created": "2025-06-05T12:55:13.000000Z",
    "status": {"email": "active", "temail": "unsubscribed"}, "ip_address": "10.0.0.1", "bounced_at": None,
    "unsubscribed_at": "2025-07-01 10:00:00", "location": None,
    "subscriber_tags": [{"id": "eZVD4w", "title": "Readers"}],
    "columns": [
        {"id": None, "title": "Email", "type": "text", "default": True, "value": "jane@example.com"},
        {"id": "bDqoKd", "title": "Plan", "type": "text", "default": False, "value": "gold"},
        {"id": "bDqoKe", "title": "Visits", "type": "number", "default": 0, "value": 12},
    ],
    "source": "FORM",
}  # fmt: skip
CAMPAIGN: dict[str, Any] = {
    "id": "b6gXkQ", "subject": "News", "reply_to": "shop@example.com", "language": "en", "recipient_count": 2,
    "from": "The Shop", "schedule_time": "2026-07-01 10:00:00", "last_action": "step4", "sent_time": None,
    "status": "SCHEDULED", "created": "2026-01-02 03:04:05", "modified": None, "title": "January", "send_to_all": 0,
    "sent_count": 0, "campaign_groups": ["eZVD4w"], "segments": [], "opens": 0, "bounces_count": 0, "clicks": 0,
    "auto_followup_active": 0, "html": {"id": "x", "html_content": "<p>"}, "experiment_id": None,
}  # fmt: skip


def subscriber(**changes: Any) -> SenderSubscriber:
    found: SenderSubscriber = read({**SUBSCRIBER, **changes}, SenderSubscriber)
    return found


def campaign(**changes: Any) -> Campaign:
    return campaign_from(read({**CAMPAIGN, **changes}, SenderCampaign))


def read(value: Any, kind: type[Any]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value), type=kind, strict=False)


def test_a_subscriber_in_common_words() -> None:
    found = subscriber_from(subscriber())

    assert found.id == "o2lk68Y"
    assert (found.email, found.firstname, found.lastname, found.phone) == (
        "jane@example.com",
        "Jane",
        None,
        "+37060000000",
    )
    assert (found.consent, found.transactional_consent) == (Consent.ACTIVE, Consent.UNSUBSCRIBED)
    assert found.created == datetime(2025, 6, 5, 12, 55, 13, tzinfo=UTC)
    assert found.unsubscribed_at == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert found.groups == ("eZVD4w",)
    assert found.fields == {"Plan": "gold", "Visits": 12}


def test_a_campaign_in_common_words() -> None:
    found = campaign_from(read(CAMPAIGN, SenderCampaign), ZoneInfo("Europe/Vilnius"))

    assert (found.id, found.title, found.subject, found.sender_address) == (
        "b6gXkQ",
        "January",
        "News",
        "shop@example.com",
    )
    assert (found.state, found.service_state) == (CampaignState.SCHEDULED, "SCHEDULED")
    assert found.scheduled_at == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert found.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found.group_ids, found.segment_ids, found.has_content) == (("eZVD4w",), (), True)
    assert found.summary()["scheduled_at"] == "2026-07-01T07:00:00+00:00"


SHAPES = {
    SenderSubscriber: SUBSCRIBER, SenderCampaign: CAMPAIGN,
    SenderGroup: {"id": "g", "title": "T", "recipient_count": 1, "is_recalculating_subscribers": False},
    SenderField: {"id": "f", "title": "T", "type": "text", "field_name": "{$t}", "default": 0, "show": 1},
    SenderSegment: {"id": "s", "name": "N", "subscribers": 1, "active_subscribers": 1},
    SenderWorkflow: {"id": "w", "title": "T", "status": "ACTIVE", "emails_sent": 3, "user_id": 42},
    SenderTransactional: {"id": "t", "title": "T", "subject": "S", "editor": "html"},
    SenderWebhook: {"id": "w", "url": "u", "topic": "t", "status": "ACTIVE"},
    SenderMessage: {"success": True, "message": "Email sent", "emailId": "a-b-c-d"},
    Done: {"success": True, "message": "Success", "data": []},
    SubscriberTag: {"id": "g", "title": "T"},
    SubscriberColumn: {"title": "T", "value": 1, "default": False},
}  # fmt: skip
each_shape = pytest.mark.parametrize(
    ("kind", "sample"), SHAPES.items(), ids=lambda value: getattr(value, "__name__", "")
)


@each_shape
def test_every_key_but_the_id_may_be_null_or_missing(kind: type[Any], sample: dict[str, Any]) -> None:
    for key in sample.keys() - {"id"}:
        read({**sample, key: None}, kind)
        read({name: value for name, value in sample.items() if name != key}, kind)
    read({name: (value if name == "id" else None) for name, value in sample.items()}, kind)


@each_shape
def test_numbers_may_come_as_texts_and_booleans_as_numbers(kind: type[Any], sample: dict[str, Any]) -> None:
    strange = {
        key: int(value) if isinstance(value, bool) else str(value) if isinstance(value, int) else value
        for key, value in sample.items()
    }

    assert read(strange, kind) == read(sample, kind) or kind is SubscriberColumn


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()), max_size=5))
def test_unknown_keys_break_nothing(extra: dict[str, Any]) -> None:
    known = {"id", *SUBSCRIBER, *CAMPAIGN}
    unknown = {key: value for key, value in extra.items() if key not in known}

    assert subscriber_from(subscriber(**unknown)) == subscriber_from(subscriber())
    assert campaign(**unknown) == campaign()


@pytest.mark.parametrize("nothing", [{"id": "x"}, {"id": "x", **dict.fromkeys(SUBSCRIBER.keys() - {"id"})}])
def test_of_nothing_but_an_id_comes_somebody_unknown(nothing: dict[str, Any]) -> None:
    found = subscriber_from(read(nothing, SenderSubscriber))

    assert (found.id, found.email, found.consent, found.transactional_consent) == ("x", None, Consent.UNKNOWN, None)
    assert (found.groups, dict(found.fields), found.created) == ((), {}, None)


def test_of_nothing_but_an_id_comes_a_campaign_that_waits() -> None:
    for nothing in ({"id": "x"}, {"id": "x", **dict.fromkeys(CAMPAIGN.keys() - {"id"})}):
        found = campaign_from(read(nothing, SenderCampaign))
        assert (found.state, found.title, found.recipients, found.has_content) == (
            CampaignState.UNKNOWN,
            "",
            None,
            None,
        )
        assert not found.state.has_left_draft


@pytest.mark.parametrize(
    ("status", "consent"),
    [
        ("active", Consent.ACTIVE), ("ACTIVE", Consent.ACTIVE), ("unsubscribed", Consent.UNSUBSCRIBED),
        ("bounced", Consent.BOUNCED), ("spam_reported", Consent.COMPLAINED), ("NON-SUBSCRIBED", Consent.UNSUBSCRIBED),
        ("paused", Consent.UNKNOWN), ("", Consent.UNKNOWN), (None, Consent.UNKNOWN), (7, Consent.UNKNOWN),
    ],
)  # fmt: skip
def test_consent_is_read_from_an_object_or_a_text_and_what_is_new_is_unknown(status: Any, consent: Consent) -> None:
    assert subscriber_from(subscriber(status={"email": status})).consent is consent
    assert subscriber_from(subscriber(status=status)).consent is consent


def test_what_can_be_asked_for_is_upper_case() -> None:
    assert set(WRITTEN_CONSENTS.values()) == {"ACTIVE", "UNSUBSCRIBED", "BOUNCED", "SPAM_REPORTED"}


@pytest.mark.parametrize(("status", "state"), [*CAMPAIGN_STATES.items(), ("sent", CampaignState.SENT)])
def test_known_campaign_states(status: str, state: CampaignState) -> None:
    assert campaign(status=status).state is state


@given(st.text().filter(lambda text: text.upper() not in CAMPAIGN_STATES))
def test_an_unknown_campaign_state_waits_and_is_kept_for_whoever_asks(status: str) -> None:
    found = campaign(status=status)

    assert found.state is CampaignState.UNKNOWN
    assert found.service_state == status


@pytest.mark.parametrize(
    ("status", "state"), [("DONE", CampaignState.SENT), (None, CampaignState.SENT), ("SENDING", CampaignState.SENDING),
                          ("FAILED", CampaignState.FAILED)]
)  # fmt: skip
def test_a_sent_time_decides_where_the_state_does_not(status: str | None, state: CampaignState) -> None:
    assert campaign(status=status, sent_time="2026-07-01 10:00:00").state is state


@pytest.mark.parametrize(
    "text",
    ["2026-01-02 03:04:05", "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05+00:00", "2026-01-02T05:04:05+02:00"],
)
def test_both_forms_of_a_time_are_the_same_time(text: str) -> None:
    assert moment(text) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "0000-00-00 00:00:00",
        "2026-13-01 00:00:00",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert moment(text) is None


@given(st.text(max_size=40))
def test_no_time_whatever_it_says_breaks_a_row(text: str) -> None:
    subscriber_from(subscriber(created=text, bounced_at=text))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", "12"),
        (12, 12),
        (1.5, 1.5),
        (None, None),
        ("null", "null"),
        (["a"], '["a"]'),
        ({"a": 1}, '{"a":1}'),
        ("007", "007"),
    ],
)
def test_a_field_keeps_its_value_and_what_is_no_value_becomes_json(value: Any, expected: Any) -> None:
    columns = [{"title": "F", "value": value}, {"title": None, "value": "nameless"}]

    assert subscriber_from(subscriber(columns=columns)).fields == {"F": expected}


def test_texts_that_look_like_something_else_stay_texts() -> None:
    found = subscriber_from(subscriber(firstname="Null", lastname="true", phone="0037060000000"))

    assert (found.firstname, found.lastname, found.phone) == ("Null", "true", "0037060000000")


def test_a_field_of_a_new_type_is_text() -> None:
    def make(**values: Any) -> Field:
        return field_from(read({"title": "Plan", "field_name": "{$plan}", **values}, SenderField))

    assert make(type="number") == Field("Plan", FieldType.NUMBER, "{$plan}")
    assert make(type="colour") == make() == make(type=None) == Field("Plan", FieldType.TEXT, "{$plan}")


def test_every_page_of_a_small_collection_is_read() -> None:
    def page(number: int) -> ListPage[int]:
        return ListPage([number], Meta(number, 3, 3))

    assert every(page) == [1, 2, 3]
    assert every(lambda number: ListPage[int]([], Meta(1, 0, 0))) == []


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (None, "", True), (None, None, True), ("", 0, False), (0, None, False), ("12", 12, True), ("1.50", 1.5, True),
        ("a", "a", True), ("a", "b", False), ("a", 1, False), ("gold", "Gold", False),
        ("007", "7", False), ("7", "7.0", True), (7, "7.00", True), ("1e3", "1000", False), (10**400, "x", False),
    ],
)  # fmt: skip
def test_values_are_compared_for_what_they_say(one: Any, other: Any, is_same: bool) -> None:
    assert same_value(one, other) is is_same
    assert same_value(other, one) is is_same
