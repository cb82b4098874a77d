from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.sendpulse.campaigns import (
    STATES,
    Head,
    SendPulseCampaign,
    body_of,
    campaign_from,
    read_campaign,
    state_of,
    totals_from,
)

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)

# The vendor's table of statuses, and what each means to whoever waits.
WAIT = CampaignState.SENDING
TABLE = {
    **dict.fromkeys((0, 1, 2, 7, 9, 10, 13, 14, 15, 22), WAIT),
    **dict.fromkeys((3, 4, 8, 28), CampaignState.SENT),
    **dict.fromkeys((5, 12, 33), CampaignState.FAILED),
    **dict.fromkeys((6, 16), CampaignState.CANCELLED),
    **dict.fromkeys((11, 27), CampaignState.NEEDS_ATTENTION),
    **dict.fromkeys((23, 25), CampaignState.PARTLY_SENT),
    **dict.fromkeys((26, 36), CampaignState.DRAFT),
}


@pytest.mark.parametrize(("code", "state"), sorted(TABLE.items()))
def test_each_status_of_the_vendor_has_its_state(code: int, state: CampaignState) -> None:
    assert state_of(code, None, NOW) is state_of(code, EARLIER, NOW) is state
    assert state_of(code, LATER, NOW) is (CampaignState.SCHEDULED if state is WAIT else state)


def test_no_status_of_the_vendor_is_left_out() -> None:
    assert set(STATES) == set(TABLE)


@pytest.mark.parametrize("code", [None, 17, 99])
def test_an_unknown_status_waits(code: int | None) -> None:
    assert state_of(code, None, NOW) is CampaignState.UNKNOWN
    assert state_of(code, LATER, NOW) is CampaignState.SCHEDULED


def test_numbers_may_be_texts_and_times_are_the_accounts() -> None:
    raw = b"""{"id": "7", "name": "News", "status": "13", "send_date": "2026-03-29 17:00:00", "all_email_qty": "5",
        "message": {"subject": "S", "sender_email": "a@example.com", "list_id": [1, "2"]}, "new": []}"""
    campaign = campaign_from(read_campaign.decode(raw), ZoneInfo("Europe/Kyiv"), NOW)
    assert (campaign.id, campaign.service_state, campaign.recipients) == ("7", "13", 5)
    assert (campaign.state, campaign.scheduled_at) == (CampaignState.SCHEDULED, NOW + timedelta(hours=2))
    assert campaign.group_ids == ("1", "2")


@pytest.mark.parametrize("said", ["1,2", "1, 2", [1, "2"], {"0": 1, "1": 2}])
def test_several_lists_may_be_written_in_any_form(said: Any) -> None:
    campaign = campaign_from(SendPulseCampaign(7, message=Head(list_id=said), status="in_moderation"), UTC, NOW)
    assert campaign.group_ids == ("1", "2")
    assert (campaign.state, campaign.service_state) == (CampaignState.UNKNOWN, "in_moderation")


def test_a_campaign_with_nothing_but_an_id_is_one() -> None:
    assert campaign_from(read_campaign.decode(b'{"id": 7, "message": []}'), UTC, NOW).subject == ""
    campaign = campaign_from(SendPulseCampaign(7), UTC, NOW)
    assert (campaign.state, campaign.group_ids, campaign.sent) == (CampaignState.UNKNOWN, (), None)


LAST = [
    {"code": 1, "count": 1, "explain": "Sent"},
    {"code": "2", "count": "10"},
    {"code": 3, "count": 4},
    {"code": 4, "count": 2},
    {"code": 5, "count": 1},
    {"code": 6, "count": 1},
    {"code": 10, "count": 1},
    {"code": 20, "count": 1},
    {"code": 0, "count": 3},
]
ADDED_UP = [{"code": 1, "count": 20}, {"code": 2, "count": 17}, {"code": 3, "count": 6}, {"code": 4, "count": 2}]
NAMED = {"sent": 20, "delivered": "17", "opening": 6, "link_redirected": 2, "unsubscribe": 1, "error": 3}


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        (LAST, (20, 17, 6, 2, 2)),
        ({"general": LAST, "clicks": []}, (20, 17, 6, 2, 2)),
        (ADDED_UP, (20, 17, 6, 2, 0)),
        ({"general": ADDED_UP}, (20, 17, 6, 2, 0)),
        (NAMED, (20, 17, 6, 2, 3)),
        (None, (None, None, None, None, None)),
        ([], (None, None, None, None, None)),
        ({"general": []}, (None, None, None, None, None)),
    ],
)
def test_each_shape_of_the_statistics_is_read(said: Any, figures: tuple[int | None, ...]) -> None:
    totals = totals_from(said, 24)
    assert (totals.sent, totals.delivered, totals.opened, totals.clicked, totals.bounced) == figures
    assert totals.recipients == 24


def test_one_list_is_a_number_several_are_an_array_and_extras_go_along() -> None:
    one = CampaignDefinition("S", "Shop", "a@example.com", text="a < b\nc", group_ids=("1",), extra={"is_test": True})
    body = body_of(one, "News")
    assert (body["list_id"], body["is_test"], body["name"]) == (1, True, "News")
    assert body["body"] == "<p>a &lt; b<br>c</p>"
    several = CampaignDefinition("S", "Shop", "a@example.com", html="<p>", group_ids=("1", "2"))
    assert body_of(several, "News")["list_id"] == [1, 2]
    segment = CampaignDefinition("S", "Shop", "a@example.com", html="<p>", group_ids=("1",), segment_ids=("9",))
    assert (body_of(segment, "N")["list_id"], body_of(segment, "N")["segment_id"]) == (1, 9)
