from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api

MAIL = {
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": {"email": "a@example.com", "name": "A"},
    "subject": "Hello",
    "html": "<p>Hello</p>",
}
TEMPLATE = {"subject": "Receipt", "from": "The Shop", "reply_to": "shop@example.com", "editor": "html"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer other"}, {"Authorization": "sandbox-token"}])
def test_without_the_token_nothing_is_said(sender_sandbox: Sandbox, header: dict[str, str]) -> None:
    sender_sandbox.settings(requests_per_window=10)
    response = requests.get(
        f"{sender_sandbox.sender_url}/subscribers",
        headers={"Accept": "application/json", **header},
        timeout=5,
    )
    assert response.status_code == 401
    assert response.json() == {"message": "Unauthenticated."}
    assert "X-RateLimit-Limit" not in response.headers


def test_who_does_not_ask_for_json_gets_a_web_page(sender_sandbox: Sandbox, api: Api) -> None:
    response = api.call("POST", "/groups", {"title": "VIP"}, headers={"Accept": "*/*"})
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Accept: application/json" in response.text
    assert api.get("/groups")["data"] == []


def test_unknown_paths_and_methods(api: Api) -> None:
    api.expect(404, "GET", "/subscriber")
    api.expect(404, "GET", "/tags")
    api.expect(405, "PUT", "/subscribers/a@example.com", {})
    api.expect(404, "DELETE", "/subscribers/groups/x/y")


def test_a_slash_at_the_end_changes_nothing(api: Api) -> None:
    assert api.get("/segments/") == api.get("/segments")


def test_fields_are_made_changed_and_deleted(api: Api) -> None:
    found = api.post("/fields", {"title": "New text field", "type": "text"})
    assert found["message"] == "Field successfully created"
    field = found["data"]
    assert field["field_name"] == "{$new_text_field}"
    assert field["show"] == 1
    assert field["default"] is False
    change = {"title": "Other", "show": False, "type": "number"}
    changed = api.expect(200, "PATCH", f"/fields/{field['id']}", change)["data"]
    assert (changed["title"], changed["show"], changed["type"]) == ("Other", 0, "text")
    listed = api.get("/fields")["data"]
    assert [row["title"] for row in listed] == ["Other", "Phone", "Lastname", "Firstname", "Email"]
    assert listed[1]["id"] is None
    api.expect(200, "DELETE", f"/fields/{field['id']}")
    api.expect(404, "PATCH", f"/fields/{field['id']}", {})


@pytest.mark.parametrize("body", [{}, {"title": "X", "type": "colour"}, {"type": "text"}])
def test_a_field_wants_a_title_and_a_type(api: Api, body: dict[str, str]) -> None:
    api.expect(422, "POST", "/fields", body)


def test_segments_count_in_lists_only(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=50)
    found = api.get("/segments")
    assert "has_more_resources" not in found
    assert found["links"]["first"] == "https://api.sender.net/v2/segments?page=1"
    labels = [link["label"] for link in found["meta"]["links"]]
    assert labels == ["&laquo; Previous", "1", "Next &raquo;"]
    active = next(row for row in found["data"] if row["name"] == "Active subscribers")
    assert active["subscribers"] == active["active_subscribers"] > 0
    single = api.get(f"/segments/{active['id']}")["data"]
    assert single["subscribers"] is single["active_phone_count"] is None
    members = api.get(f"/segments/{active['id']}/subscribers")
    assert members["meta"]["total"] == active["subscribers"]
    api.expect(200, "DELETE", f"/segments/{active['id']}")
    api.expect(404, "GET", f"/segments/{active['id']}")


def test_a_message_is_sent_and_kept(sender_sandbox: Sandbox, api: Api) -> None:
    found = api.post("/message/send", MAIL)
    assert found["success"] is True
    assert found["message"] == "Email sent"
    assert len(found["emailId"].split("-")) == 4
    assert sender_sandbox.messages() == [MAIL]
    assert sender_sandbox.counters()["messages"] == 1
    assert sender_sandbox.counters()["mails"] == 0


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"from": None}, "from"),
        ({"from": {"email": "shop@example.com"}}, "from.name"),
        ({"to": {"email": "x"}}, "to.email"),
        ({"subject": ""}, "subject"),
        ({"html": None}, "html"),
        ({"attachments": "x"}, "attachments"),
    ],
)
def test_a_message_says_what_it_lacks(sender_sandbox: Sandbox, api: Api, change: dict[str, Any], wrong: str) -> None:
    found = api.expect(422, "POST", "/message/send", {**MAIL, **change})
    assert list(found["errors"]) == [wrong]
    assert sender_sandbox.messages() == []


def test_transactional_campaigns_are_templates_for_messages(sender_sandbox: Sandbox, api: Api) -> None:
    template = api.post("/transactional", TEMPLATE)["data"]
    assert template["type"] == "API"
    changed = api.expect(200, "PATCH", f"/transactional/{template['id']}", {"subject": "Your receipt"})
    assert changed["data"]["subject"] == "Your receipt"
    to = {"to": {"email": "a@example.com"}, "variables": {"total": "3"}}
    assert api.post(f"/message/{template['id']}/send", to)["success"] is True
    assert sender_sandbox.messages()[0]["subject"] == "Your receipt"
    assert [row["id"] for row in api.get("/transactional")["data"]] == [template["id"]]
    sent = api.get(f"/transactional/{template['id']}/sent", email_address="a@example.com")
    assert [row["email"] for row in sent["data"]] == ["a@example.com"]
    query = {"from": "2020-01-01", "to": "2099-01-01", "period": "month"}
    assert api.get(f"/transactional/{template['id']}/report", **query)["data"]["sent"] == 1
    api.expect(422, "GET", f"/transactional/{template['id']}/report")
    api.expect(200, "DELETE", f"/transactional/{template['id']}")
    api.expect(404, "POST", f"/message/{template['id']}/send", to)
    api.expect(422, "POST", "/transactional", {})


def test_workflows_are_read_and_started(api: Api) -> None:
    active = api.get("/workflows", status="ACTIVE")["data"][0]
    assert active["user_id"] == 42
    assert "index_report" in active
    idle = api.get("/workflows", title="Win")["data"][0]
    assert idle["status"] == "DRAFT"
    path = f"/workflows/{active['id']}"
    assert api.post(f"{path}/start", {"email": "a@example.com"})["success"] is True
    assert api.get(path)["data"]["report"]["sent"] == 1
    assert api.get(f"{path}/average_report")["success"] is True
    assert len(api.get(f"{path}/steps", batch_no=0)["data"]) == 1
    refused = api.expect(400, "POST", f"/workflows/{idle['id']}/start", {"email": "a@example.com"})
    assert refused == {"success": False, "message": "You must activate workflow first"}
    api.expect(422, "POST", f"{path}/start", {})
    for query in ("limit=0", "limit=101", "limit=x", "status=LOST"):
        api.expect(422, "GET", f"/workflows?{query}")


def test_custom_events_are_checked(api: Api) -> None:
    event = {"subscriber": {"email": "a@example.com"}, "type": "signup", "properties": {"plan": "pro"}}
    assert api.post("/events", event) == {"success": True, "message": "Event created"}
    for change, wrong in (
        ({"subscriber": {}}, "subscriber"),
        ({"type": None}, "type"),
        ({"value": "3"}, "value"),
        ({"value_currency": "euro"}, "value_currency"),
        ({"properties": {"long": "x" * 3000}}, "properties.long"),
        ({"properties": {str(index): "x" * 1000 for index in range(9)}}, "properties"),
    ):
        assert list(api.expect(422, "POST", "/events", {**event, **change})["errors"]) == [wrong]


def test_webhooks_are_kept(api: Api) -> None:
    hook = {"url": "https://example.com/hook", "topic": "subscribers/new"}
    made = api.post("/account/webhooks", hook)["data"]
    assert made["status"] == "ACTIVE"
    assert api.get(f"/account/webhooks/{made['id']}")["data"] == made
    changed = api.expect(200, "PATCH", f"/account/webhooks/{made['id']}", {"topic": "bounces/new"})
    assert changed["data"]["topic"] == "bounces/new"
    api.expect(200, "DELETE", f"/account/webhooks/{made['id']}")
    assert api.get("/account/webhooks")["data"] == []
    for change in ({"url": "http://example.com"}, {"topic": "x"}, {"topic": "groups/new-subscriber"}):
        api.expect(422, "POST", "/account/webhooks", {**hook, **change})


def test_small_lists_have_pages_too(api: Api) -> None:
    for title in "ABCDEFG":
        api.post("/groups", {"title": title})
    pages = [api.get("/groups", page=page, limit=3, order="title", direction="asc") for page in (1, 2, 3, 4)]
    assert [[row["title"] for row in page["data"]] for page in pages] == [list("ABC"), list("DEF"), ["G"], []]
    assert list(itertools.chain(page["has_more_resources"] for page in pages)) == [True, True, False, False]
