from __future__ import annotations

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api


@pytest.fixture
def group(api: Api) -> str:
    return str(api.post("/groups", {"title": "VIP"})["data"]["id"])


def test_a_group_is_made_read_renamed_and_deleted(api: Api, group: str) -> None:
    found = api.get(f"/groups/{group}")["data"]
    assert list(found) == [
        "id", "title", "recipient_count", "active_subscribers", "unsubscribed_count", "bounced_count",
        "phone_count", "active_phone_count", "account_id", "user_id", "created", "modified",
        "is_recalculating_subscribers", "is_favourite", "used_in_integration",
    ]  # fmt: skip
    api.expect(200, "PATCH", f"/groups/{group}", {"title": "Very important"})
    assert [row["title"] for row in api.get("/groups")["data"]] == ["Very important"]
    api.expect(200, "DELETE", f"/groups/{group}")
    api.expect(404, "GET", f"/groups/{group}")
    api.expect(404, "GET", f"/groups/{group}/subscribers")
    api.expect(404, "POST", f"/subscribers/groups/{group}", {"subscribers": ["a@example.com"]})


def test_a_group_wants_a_title(api: Api) -> None:
    found = api.expect(422, "POST", "/groups", {})
    assert found["errors"] == {"title": ["The title field is required."]}


def test_a_group_counts_its_members(sender_sandbox: Sandbox, api: Api, group: str) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "a@example.com", "groups": [group], "phone": "+37061234567"},
            {"email": "b@example.com", "groups": ["VIP"], "status": "unsubscribed"},
            {"email": "c@example.com", "groups": ["VIP"], "status": "bounced"},
            {"email": "d@example.com"},
        ]
    )
    found = api.get(f"/groups/{group}")["data"]
    assert found["recipient_count"] == 3
    assert found["active_subscribers"] == 1
    assert found["unsubscribed_count"] == 1
    assert found["bounced_count"] == 1
    assert found["phone_count"] == found["active_phone_count"] == 1
    members = api.get(f"/groups/{group}/subscribers", limit=2, order="email", direction="asc")
    assert [row["email"] for row in members["data"]] == ["a@example.com", "b@example.com"]
    assert members["meta"]["total"] == 3
    api.expect(200, "PATCH", "/subscribers/a@example.com", {"subscriber_status": "BOUNCED"})
    assert api.get(f"/groups/{group}")["data"]["active_subscribers"] == 0


def test_joining_says_who_could_and_who_could_not(sender_sandbox: Sandbox, api: Api, group: str) -> None:
    sender_sandbox.seed(rows=[{"email": "a@example.com"}, {"email": "b@example.com", "groups": [group]}])
    asked = {"subscribers": ["A@example.com", "b@example.com", "gone@example.com", "nonsense"]}
    found = api.post(f"/subscribers/groups/{group}", asked)
    assert found["success"] is True
    assert found["message"] == {
        "subscribers_added_to_group": ["A@example.com", "b@example.com"],
        "non_existing_subscribers": ["gone@example.com", "nonsense"],
    }
    assert api.get(f"/groups/{group}")["data"]["recipient_count"] == 2
    left = api.expect(200, "DELETE", f"/subscribers/groups/{group}", {"subscribers": ["a@example.com"]})
    assert left["message"] == {
        "subscribers_removed_from_group": ["a@example.com"],
        "non_existing_subscribers": [],
    }
    assert api.emails(f"/groups/{group}/subscribers") == ["b@example.com"]


def test_joining_can_answer_in_the_other_spelling(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(membership_keys="pipedream")
    group = api.post("/groups", {"title": "VIP"})["data"]["id"]
    sender_sandbox.seed(rows=[{"email": "a@example.com"}, {"email": "b@example.com", "groups": [group]}])
    asked = {"subscribers": ["a@example.com", "b@example.com", "gone@example.com", "nonsense"]}
    rest = {"non_existing_subscribers": ["gone@example.com"], "invalid_emails": ["nonsense"]}
    assert api.post(f"/subscribers/groups/{group}", asked)["message"] == {
        "subscribers_add_tag_group": ["a@example.com"],
        "subscribers_with_group_already": ["b@example.com"],
        **rest,
    }
    asked["subscribers"].append("a@example.com")
    sender_sandbox.seed(rows=[{"email": "c@example.com"}])
    asked["subscribers"].append("c@example.com")
    assert api.expect(200, "DELETE", f"/subscribers/groups/{group}", asked)["message"] == {
        "subscribers_remove_tag_group": ["a@example.com", "b@example.com"],
        "subscribers_without_group_already": ["c@example.com"],
        **rest,
    }


def test_joining_with_nobody_known_is_400(api: Api, group: str) -> None:
    found = api.expect(400, "POST", f"/subscribers/groups/{group}", {"subscribers": ["gone@example.com"]})
    assert found["message"] == {
        "error": "No existing subscriber emails provided",
        "invalid_emails": [],
        "non_existing_subscribers": ["gone@example.com"],
    }


def test_a_fresh_subscriber_cannot_be_added_yet(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(group_visibility_seconds=15)
    group = api.post("/groups", {"title": "VIP"})["data"]["id"]
    api.post("/subscribers", {"email": "a@example.com"})
    asked = {"subscribers": ["a@example.com"]}
    api.expect(400, "POST", f"/subscribers/groups/{group}", asked)
    sender_sandbox.advance(16)
    api.post(f"/subscribers/groups/{group}", asked)
    api.post("/subscribers", {"email": "b@example.com", "groups": [group]})
    assert api.get(f"/groups/{group}")["data"]["recipient_count"] == 2


def test_conditions_add_everybody(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=30)
    group = api.post("/groups", {"title": "All"})["data"]["id"]
    api.post(f"/subscribers/groups/{group}", {"conditions": "all"})
    assert api.get(f"/groups/{group}")["data"]["recipient_count"] == 30


@pytest.mark.parametrize("body", [{}, {"subscribers": ["a@example.com"], "conditions": "all"}])
def test_joining_wants_addresses_or_conditions(api: Api, group: str, body: dict[str, object]) -> None:
    api.expect(422, "POST", f"/subscribers/groups/{group}", body)
