from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api, draft

KEYS = {
    "id", "subject", "reply_to", "language", "recipient_count", "from", "schedule_time", "last_action", "sent_time",
    "status", "created", "modified", "title", "domain_id", "preheader", "auto_followup_active",
    "auto_followup_subject", "auto_followup_delay", "send_to_all", "sent_count", "campaign_groups", "segments",
    "ecommerce_tracking_enabled", "experiment_id", "opens", "bounces_count", "clicks", "editor", "html",
}  # fmt: skip


@pytest.fixture
def people(sender_sandbox: Sandbox) -> Sandbox:
    sender_sandbox.seed(
        rows=[
            {"email": "a@example.com", "groups": ["VIP"]},
            {"email": "b@example.com", "groups": ["VIP"], "phone": "+37061234567"},
            {"email": "c@example.com", "groups": ["VIP"], "status": "unsubscribed"},
            {"email": "d@example.com", "groups": ["Rest"]},
            {"email": "e@example.com"},
        ]
    )
    return sender_sandbox


def groups(api: Api) -> dict[str, str]:
    return {row["title"]: row["id"] for row in api.get("/groups")["data"]}


def create(api: Api, **changes: Any) -> str:
    return str(api.post("/campaigns", draft(**changes))["data"]["id"])


def status(api: Api, campaign: str) -> str:
    return str(api.get(f"/campaigns/{campaign}")["data"]["status"])


def test_a_draft_looks_as_documented(people: Sandbox, api: Api) -> None:
    vip = groups(api)["VIP"]
    found = api.post("/campaigns", draft(title="June", groups=[vip], auto_followup_active=True))
    assert found["success"] is True
    campaign = found["data"]
    assert set(campaign) == KEYS
    assert campaign["status"] == "DRAFT"
    assert campaign["title"] == "June"
    assert campaign["campaign_groups"] == [vip]
    assert campaign["send_to_all"] == 0
    assert campaign["auto_followup_active"] == 1
    assert campaign["html"]["html_content"].startswith("<p>Hello")
    assert api.get(f"/campaigns/{campaign['id']}")["data"] == campaign


def test_a_draft_says_everything_that_is_wrong_with_it(api: Api) -> None:
    found = api.expect(
        422,
        "POST",
        "/campaigns",
        {"content_type": "pdf", "reply_to": "x", "groups": ["nope"], "auto_followup_delay": 13},
    )
    assert set(found["errors"]) == {
        "subject",
        "from",
        "content_type",
        "reply_to",
        "groups.0",
        "auto_followup_delay",
    }


def test_a_campaign_is_changed_copied_and_deleted(people: Sandbox, api: Api) -> None:
    first = create(api, title="One")
    changed = api.expect(200, "PATCH", f"/campaigns/{first}", {"subject": "Other news"})
    assert changed["data"]["subject"] == "Other news"
    copied = api.post(f"/campaigns/{first}/copy")["data"]
    assert copied["id"] != first
    assert copied["status"] == "DRAFT"
    assert copied["subject"] == "Other news"
    third = create(api)
    api.expect(200, "DELETE", f"/campaigns?ids=[{first},{copied['id']}]")
    assert [row["id"] for row in api.get("/campaigns")["data"]] == [third]
    api.expect(422, "DELETE", "/campaigns")


def test_updating_can_be_missing_altogether(people: Sandbox, api: Api) -> None:
    people.settings(campaign_patch=False)
    api.expect(404, "PATCH", f"/campaigns/{create(api)}", {"subject": "Other news"})


def test_a_sent_campaign_cannot_be_changed(people: Sandbox, api: Api) -> None:
    campaign = create(api)
    api.post(f"/campaigns/{campaign}/send")
    api.expect(400, "PATCH", f"/campaigns/{campaign}", {"subject": "Too late"})


def test_sending_mails_every_active_recipient_once(people: Sandbox, api: Api) -> None:
    campaign = create(api, groups=[groups(api)["VIP"], groups(api)["Rest"]])
    assert people.counters()["mails"] == 0
    assert api.post(f"/campaigns/{campaign}/send")["success"] is True
    assert people.mails(campaign) == {"a@example.com": 1, "b@example.com": 1, "d@example.com": 1}
    counters = people.counters()
    assert counters["mails"] == 3
    assert counters["max_mails_per_recipient"] == 1
    assert counters["campaigns"][campaign] == {
        "title": "News",
        "status": "SENDING",
        "mails": 3,
        "recipients": 3,
        "max_mails_per_recipient": 1,
    }


def test_groups_and_segments_add_up(people: Sandbox, api: Api) -> None:
    phones = next(row["id"] for row in api.get("/segments")["data"] if "phone" in row["name"])
    campaign = create(api, groups=[groups(api)["Rest"]], segments=[phones])
    api.post(f"/campaigns/{campaign}/send")
    assert set(people.mails(campaign)) == {"b@example.com", "d@example.com"}


def test_without_groups_and_segments_it_goes_to_all(people: Sandbox, api: Api) -> None:
    campaign = create(api)
    assert api.get(f"/campaigns/{campaign}")["data"]["send_to_all"] == 1
    api.post(f"/campaigns/{campaign}/send")
    assert people.counters()["mails"] == 4


def test_the_status_goes_from_draft_to_sent(people: Sandbox, api: Api) -> None:
    people.settings(state_delay_seconds=10, send_seconds=20)
    campaign = create(api)
    api.post(f"/campaigns/{campaign}/send")
    assert api.get(f"/campaigns/{campaign}")["data"]["recipient_count"] == 0
    assert status(api, campaign) == "DRAFT"
    assert people.counters()["mails"] == 4
    people.advance(11)
    assert status(api, campaign) == "SENDING"
    people.advance(10)
    assert status(api, campaign) == "SENDING"
    people.advance(10)
    found = api.get(f"/campaigns/{campaign}")["data"]
    assert found["status"] == "SENT"
    assert found["sent_time"] is not None
    assert found["recipient_count"] == found["sent_count"] == 4


def test_a_second_send_mails_everybody_again(people: Sandbox, api: Api) -> None:
    campaign = create(api, groups=[groups(api)["VIP"]])
    for _ in range(2):
        assert api.post(f"/campaigns/{campaign}/send")["success"] is True
    assert people.mails(campaign) == {"a@example.com": 2, "b@example.com": 2}
    assert people.counters()["max_mails_per_recipient"] == 2
    people.advance(100)
    api.post(f"/campaigns/{campaign}/send")
    assert people.counters()["max_mails_per_recipient"] == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"content": None}, "Campaign has no content"),
        ({"content_type": "editor"}, "Campaign has no content"),
        ({"content": "<p>Hello</p>"}, "Campaign content has no unsubscribe link"),
        ({"reply_to": "shop@shop.invalid"}, "Sender domain is not verified"),
    ],
)
def test_an_incomplete_draft_is_not_sent(people: Sandbox, api: Api, changes: dict[str, Any], reason: str) -> None:
    campaign = create(api, **changes)
    assert api.get(f"/campaigns/{campaign}/errors")["data"] == [reason]
    refusal = {"success": False, "message": reason}
    assert api.expect(400, "POST", f"/campaigns/{campaign}/send") == refusal
    tomorrow = {"schedule_time": (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")}
    assert api.expect(400, "POST", f"/campaigns/{campaign}/schedule", tomorrow) == refusal
    assert people.counters()["mails"] == 0


def test_a_campaign_to_nobody_is_not_sent(sender_sandbox: Sandbox, api: Api) -> None:
    campaign = create(api)
    assert api.get(f"/campaigns/{campaign}/errors")["data"] == ["Campaign has no active recipients"]
    api.expect(400, "POST", f"/campaigns/{campaign}/send")


def test_a_scheduled_campaign_is_mailed_when_due(people: Sandbox, api: Api) -> None:
    people.settings(time_zone="Europe/Vilnius")
    campaign = create(api)
    due = datetime.now(UTC) + timedelta(hours=1)
    text = due.astimezone(ZoneInfo("Europe/Vilnius")).strftime("%Y-%m-%d %H:%M:%S")
    api.post(f"/campaigns/{campaign}/schedule", {"schedule_time": text})
    found = api.get(f"/campaigns/{campaign}")["data"]
    assert found["status"] == "SCHEDULED"
    assert found["schedule_time"] == text
    people.advance(3590)
    assert status(api, campaign) == "SCHEDULED"
    assert people.counters()["mails"] == 0
    people.advance(11)
    assert status(api, campaign) == "SENDING"
    people.advance(10)
    assert status(api, campaign) == "SENT"
    assert people.counters()["max_mails_per_recipient"] == 1


def test_a_cancelled_schedule_is_a_draft_again(people: Sandbox, api: Api) -> None:
    campaign = create(api)
    api.post(f"/campaigns/{campaign}/schedule", {"schedule_time": "2099-01-01 10:00:00"})
    api.expect(200, "DELETE", f"/campaigns/{campaign}/schedule")
    assert status(api, campaign) == "DRAFT"
    found = api.expect(400, "DELETE", f"/campaigns/{campaign}/schedule")
    assert found["success"] is False
    people.advance(100 * 366 * 86_400)
    assert people.counters()["mails"] == 0


@pytest.mark.parametrize("text", [None, "tomorrow", "2099-01-01T10:00:00Z", "2001-01-01 10:00:00"])
def test_a_schedule_wants_a_time_to_come(people: Sandbox, api: Api, text: str | None) -> None:
    found = api.expect(422, "POST", f"/campaigns/{create(api)}/schedule", {"schedule_time": text})
    assert list(found["errors"]) == ["schedule_time"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"draft", "sending", "scheduled"}),
        ("?status=DRAFT", {"draft"}),
        ("?status[]=DRAFT&status[]=SENDING", {"draft", "sending"}),
        ("?status=scheduled", {"scheduled"}),
        ("?status=SENT", set()),
    ],
)
def test_campaigns_are_listed_by_status(people: Sandbox, api: Api, query: str, found: set[str]) -> None:
    create(api, title="draft")
    api.post(f"/campaigns/{create(api, title='sending')}/send")
    scheduled = create(api, title="scheduled")
    api.post(f"/campaigns/{scheduled}/schedule", {"schedule_time": "2099-01-01 10:00:00"})
    assert {row["title"] for row in api.get(f"/campaigns{query}")["data"]} == found


def test_a_new_campaign_can_be_listed_late(people: Sandbox, api: Api) -> None:
    people.settings(listing_delay_seconds=20)
    campaign = create(api)
    assert api.get("/campaigns")["data"] == []
    assert status(api, campaign) == "DRAFT"
    people.advance(21)
    assert [row["id"] for row in api.get("/campaigns")["data"]] == [campaign]


@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("PATCH", ""), ("POST", "/send"), ("POST", "/copy"), ("DELETE", "/schedule"), ("GET", "/errors")],
)
def test_an_unknown_campaign_is_404(api: Api, method: str, rest: str) -> None:
    api.expect(404, method, f"/campaigns/aB3xYz{rest}")


def test_statistics_come_when_it_is_sent_and_are_the_same_in_every_run(sender_sandbox: Sandbox, api: Api) -> None:
    def run() -> dict[str, list[str]]:
        sender_sandbox.reset(subscribers=1000, send_seconds=5)
        campaign = create(api)
        api.post(f"/campaigns/{campaign}/send")
        assert api.get(f"/campaigns/{campaign}/opens")["meta"]["total"] == 0
        sender_sandbox.advance(6)
        lists = ("opens", "clicks", "hard_bounces", "soft_bounces", "unsubscribes", "complaints")
        found = {}
        for name in lists:
            pages = [api.get(f"/campaigns/{campaign}/{name}", limit=100, page=page) for page in range(1, 7)]
            found[name] = [row["email"] for page in pages for row in page["data"]]
            assert len(found[name]) == pages[0]["meta"]["total"] > 0
        row = api.get(f"/campaigns/{campaign}/clicks")["data"][0]
        assert set(row) == {"recipient_id", "email", "created", "url"}
        assert api.get(f"/subscribers/{row['recipient_id']}")["data"]["email"] == row["email"]
        campaign_itself = api.get(f"/campaigns/{campaign}")["data"]
        assert campaign_itself["opens"] == len(found["opens"])
        assert campaign_itself["clicks"] == len(found["clicks"])
        assert campaign_itself["bounces_count"] == len(found["hard_bounces"]) + len(found["soft_bounces"])
        return found

    first = run()
    assert run() == first
    assert set(first["clicks"]) <= set(first["opens"])
    assert not set(first["opens"]) & (set(first["hard_bounces"]) | set(first["soft_bounces"]))


def test_deleting_a_campaign_does_not_unsend_it(people: Sandbox, api: Api) -> None:
    campaign = create(api)
    api.post(f"/campaigns/{campaign}/send")
    api.expect(200, "DELETE", f"/campaigns?ids=[{campaign}]")
    assert people.counters()["mails"] == 4
    assert people.mails(campaign)["a@example.com"] == 1
