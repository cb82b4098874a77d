from __future__ import annotations

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api

KEYS = [
    "id", "email", "firstname", "lastname", "phone", "phone_country", "created", "status", "ip_address",
    "bounced_at", "unsubscribed_at", "location", "subscriber_tags", "columns",
]  # fmt: skip


def test_a_subscriber_looks_as_documented(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(
        rows=[
            {
                "email": "ona@example.com",
                "firstname": "Ona",
                "phone": "0037061234567",
                "groups": ["VIP"],
                "fields": {"Plan": "pro", "Visits": 3},
                "created": "2025-06-05T12:55:13Z",
            }
        ]
    )
    (found,) = api.get("/subscribers")["data"]
    assert list(found) == KEYS
    assert found["phone"] == "+37061234567"
    assert found["phone_country"] == {"phone_code": 370, "country_code": "LT"}
    assert found["created"] == "2025-06-05T12:55:13.000000Z"
    assert found["status"] == {"email": "active", "temail": "active"}
    assert [tag["title"] for tag in found["subscriber_tags"]] == ["VIP"]
    columns = [(column["title"], column["type"], column["value"]) for column in found["columns"]]
    assert columns == [("Plan", "text", "pro"), ("Visits", "number", 3)]


@pytest.mark.parametrize("key", ["ona%40example.com", "ONA@example.com", "%2B37061234567", "0037061234567", "id"])
def test_a_subscriber_is_found_by_address_phone_or_id(sender_sandbox: Sandbox, api: Api, key: str) -> None:
    sender_sandbox.seed(rows=[{"email": "ona@example.com", "phone": "+37061234567"}])
    if key == "id":
        key = api.get("/subscribers")["data"][0]["id"]
    assert api.get(f"/subscribers/{key}")["data"]["email"] == "ona@example.com"


def test_an_address_with_a_slash_is_one_part_of_the_path(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(rows=[{"email": "a/b+c@example.com"}])
    assert api.get("/subscribers/a%2Fb%2Bc%40example.com")["data"]["email"] == "a/b+c@example.com"


@pytest.mark.parametrize("key", ["nobody@example.com", "aB3xYz", "+37060000000", "x"])
def test_an_unknown_subscriber_is_404(api: Api, key: str) -> None:
    api.expect(404, "GET", f"/subscribers/{key}")
    api.expect(404, "PATCH", f"/subscribers/{key}", {})
    api.expect(404, "GET", f'/subscribers/{key}/events?actions=["got"]')


def test_post_creates_and_then_updates(api: Api) -> None:
    group = api.post("/groups", {"title": "VIP"})["data"]["id"]
    created = api.post("/subscribers", {"email": "a@example.com", "firstname": "A", "groups": [group]})
    assert created["success"] is True
    assert created["message"] == []
    updated = api.post("/subscribers", {"email": "A@EXAMPLE.COM", "lastname": "B"})
    assert updated["data"]["id"] == created["data"]["id"]
    assert updated["data"]["firstname"] == "A"
    assert updated["data"]["lastname"] == "B"
    assert [tag["id"] for tag in updated["data"]["subscriber_tags"]] == [group]


@pytest.mark.parametrize("email", [None, "", "nonsense", "a@b", "a b@example.com", 7])
def test_post_wants_an_address(api: Api, email: object) -> None:
    found = api.expect(422, "POST", "/subscribers", {"email": email})
    assert found == {
        "message": "The given data was invalid.",
        "errors": {"email": ["Required value, email"]},
    }


def test_post_names_everything_that_is_wrong(api: Api) -> None:
    found = api.expect(422, "POST", "/subscribers", {"phone": "12", "groups": ["nope"], "firstname": 3})
    assert set(found["errors"]) == {"email", "phone", "groups.0", "firstname"}


def test_a_body_that_is_no_json_is_as_good_as_none(api: Api) -> None:
    response = api.call("POST", "/subscribers", data=b"{", headers={"Content-Type": "application/json"})
    assert response.status_code == 422


@pytest.mark.parametrize("key", ["Plan", "plan", "{$plan}", "{{plan}}"])
def test_fields_are_stored_by_title_name_or_merge_tag(sender_sandbox: Sandbox, api: Api, key: str) -> None:
    api.post("/fields", {"title": "Plan", "type": "text"})
    api.post("/subscribers", {"email": "a@example.com", "fields": {key: "pro", "Unknown": 1}})
    found = sender_sandbox.subscriber("a@example.com")
    assert found is not None
    assert [column["value"] for column in found["columns"]] == ["pro"]


def test_patch_changes_and_returns_nothing(sender_sandbox: Sandbox, api: Api) -> None:
    api.post("/fields", {"title": "Plan", "type": "text"})
    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    change = {"firstname": "A", "fields": {"{$plan}": "pro"}, "subscriber_status": "UNSUBSCRIBED"}
    found = api.expect(200, "PATCH", "/subscribers/a@example.com", change)
    assert found == {"success": True, "message": "Success", "data": []}
    after = sender_sandbox.subscriber("a@example.com")
    assert after is not None
    assert after["firstname"] == "A"
    assert after["columns"][0]["value"] == "pro"
    assert after["status"] == {"email": "unsubscribed", "temail": "active"}
    assert after["unsubscribed_at"] is not None


def test_patch_knows_the_upper_case_statuses_only(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    found = api.expect(422, "PATCH", "/subscribers/a@example.com", {"subscriber_status": "active"})
    assert list(found["errors"]) == ["subscriber_status"]


def test_post_makes_an_unsubscribed_address_active_unless_told_otherwise(sender_sandbox: Sandbox, api: Api) -> None:
    for reactivates, status in ((True, "active"), (False, "unsubscribed")):
        sender_sandbox.reset(post_reactivates=reactivates)
        sender_sandbox.seed(rows=[{"email": "a@example.com", "status": "unsubscribed"}])
        found = api.post("/subscribers", {"email": "a@example.com"})
        assert found["data"]["status"]["email"] == status


def test_post_of_an_existing_address_can_be_a_conflict(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(post_conflict=True)
    api.post("/subscribers", {"email": "a@example.com"})
    found = api.expect(422, "POST", "/subscribers", {"email": "a@example.com"})
    assert found["errors"] == {"email": ["The email has already been taken."]}


def test_post_can_answer_201_and_drop_fields(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(post_status=201, post_fields=False)
    api.post("/fields", {"title": "Plan", "type": "text"})
    found = api.expect(201, "POST", "/subscribers", {"email": "a@example.com", "fields": {"Plan": "pro"}})
    assert found["data"]["columns"][0]["value"] is None


@pytest.mark.parametrize("mode", ["merge", "replace"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_groups_are_merged_or_replaced(sender_sandbox: Sandbox, api: Api, method: str, mode: str) -> None:
    sender_sandbox.reset(post_groups=mode, patch_groups=mode)
    first, second = (api.post("/groups", {"title": title})["data"]["id"] for title in "AB")
    api.post("/subscribers", {"email": "a@example.com", "groups": [first]})
    path = "/subscribers" if method == "POST" else "/subscribers/a@example.com"
    api.expect(200, method, path, {"email": "a@example.com", "groups": [second]})
    found = sender_sandbox.subscriber("a@example.com")
    assert found is not None
    tags = [tag["id"] for tag in found["subscriber_tags"]]
    assert tags == ([first, second] if mode == "merge" else [second])


def test_deletion_takes_its_time(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(delete_seconds=30)
    sender_sandbox.seed(rows=[{"email": "a@example.com"}, {"email": "b@example.com"}])
    found = api.expect(200, "DELETE", "/subscribers", {"subscribers": ["a@example.com", "gone@example.com"]})
    assert found["message"] == "Selected subscribers will be deleted shortly"
    assert "success" not in found
    assert found["delete_instance"]
    assert api.get("/subscribers")["meta"]["total"] == 2
    sender_sandbox.advance(31)
    assert api.emails("/subscribers") == ["b@example.com"]


@pytest.mark.parametrize("body", [{}, {"subscribers": ["a@example.com"], "conditions": "all"}])
def test_deletion_wants_addresses_or_conditions(api: Api, body: dict[str, object]) -> None:
    api.expect(422, "DELETE", "/subscribers", body)


def test_conditions_delete_everybody(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=20)
    api.expect(200, "DELETE", "/subscribers", {"conditions": "all"})
    assert api.get("/subscribers")["data"] == []


@pytest.mark.parametrize(("form", "lengths"), [("iso", {27}), ("plain", {19}), ("mixed", {19, 27})])
def test_creation_dates_come_in_the_form_asked_for(
    sender_sandbox: Sandbox, api: Api, form: str, lengths: set[int]
) -> None:
    sender_sandbox.reset(subscribers=10, created_format=form)
    assert {len(row["created"]) for row in api.get("/subscribers")["data"]} == lengths


def test_events_of_a_subscriber(sender_sandbox: Sandbox, api: Api) -> None:
    from tests.sandbox.api import draft

    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    campaign = api.post("/campaigns", draft(title="One"))["data"]["id"]
    api.post(f"/campaigns/{campaign}/send")
    found = api.get("/subscribers/a@example.com/events", actions='["got","opened"]')
    assert list(found) == ["email", "sms", "temail", "sms_campaign", "email_campaign"]
    assert set(found["email"]) == {"got", "opened"}
    (got,) = found["email"]["got"]
    assert got["campaign_id"] == campaign
    assert got["title"] == "One"
    assert found["email_campaign"]["sent_count"] == 1


@pytest.mark.parametrize("query", ["", "?actions=got", "?actions=[]", '?actions=["eaten"]'])
def test_events_want_to_know_which(sender_sandbox: Sandbox, api: Api, query: str) -> None:
    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    api.expect(422, "GET", f"/subscribers/a@example.com/events{query}")
