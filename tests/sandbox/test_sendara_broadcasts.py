from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.sendara_api import SendaraApi

SAMPLE = {
    "id", "name", "status", "from_email", "total_recipients", "sent_count", "failed_count", "created_at",
}  # fmt: skip
CONTENT = {"from_email": "shop@example.com", "subject": "News", "body_html": "<h1>Hi {{first_name}}</h1>"}


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def audience(sender_sandbox: Sandbox, sendara: SendaraApi) -> str:
    """A list of two who can be mailed and three who cannot."""
    people = {"ada": "active", "bob": "active", "cas": "unsubscribed", "dot": "bounced", "eve": "spam_reported"}
    rows = [{"email": f"{name}@example.com", "status": status, "groups": ["All"]} for name, status in people.items()]
    sender_sandbox.seed(rows=rows)
    return str(sendara.get("/v1/contacts/lists")["lists"][0]["id"])


def draft(sendara: SendaraApi, audience: str, **more: Any) -> Any:
    return sendara.expect(201, "POST", "/v1/broadcasts", {**CONTENT, "audience_list_id": audience, **more})


def status(sendara: SendaraApi, id: str) -> str:
    return str(sendara.get(f"/v1/broadcasts/{id}")["broadcast"]["status"])


def test_a_bulk_send_is_accepted_before_its_audience_is_known(
    sender_sandbox: Sandbox, sendara: SendaraApi, audience: str
) -> None:
    made = sendara.expect(202, "POST", "/v1/send/bulk", {**CONTENT, "audience_list_id": audience})
    assert made.keys() >= SAMPLE
    assert made["id"].startswith("bc_")
    assert (made["name"], made["status"], made["from_email"]) == ("Bulk send", "sending", "shop@example.com")
    assert (made["total_recipients"], made["sent_count"], made["failed_count"]) == (0, 0, 0)
    assert (made["message_type"], made["audience_list_id"], made["test_mode"]) == ("marketing", audience, False)
    assert sendara.get(f"/v1/broadcasts/{made['id']}")["broadcast"]["total_recipients"] == 2
    sender_sandbox.advance(5)
    found = sendara.get(f"/v1/broadcasts/{made['id']}")
    assert list(found) == ["broadcast", "stats"]
    assert (found["broadcast"]["status"], found["broadcast"]["sent_count"]) == ("sent", 2)
    assert list(found["stats"]) == ["total", "sent", "delivered", "opened", "bounced", "complained", "failed"]
    assert sender_sandbox.mails(made["id"]) == {"ada@example.com": 1, "bob@example.com": 1}
    counted = sender_sandbox.counters()["campaigns"][made["id"]]
    assert (counted["title"], counted["status"], counted["mails"]) == ("Bulk send", "SENT", 2)


def test_statistics_add_up(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(subscribers=2_000)
    lists = {row["name"]: row["id"] for row in sendara.get("/v1/contacts/lists")["lists"]}
    made = sendara.expect(202, "POST", "/v1/send/bulk", {**CONTENT, "audience_list_id": lists["Newsletter"]})
    before = sendara.get(f"/v1/broadcasts/{made['id']}")["stats"]
    assert before["delivered"] == before["opened"] == before["bounced"] == 0
    sender_sandbox.advance(5)
    stats = sendara.get(f"/v1/broadcasts/{made['id']}")["stats"]
    assert stats["total"] == stats["sent"] == stats["delivered"] + stats["bounced"] > 1_000
    assert 0 < stats["complained"] < stats["opened"] < stats["delivered"]
    recipient = next(iter(sender_sandbox.mails(made["id"])))
    found = sender_sandbox.subscriber(recipient)
    assert found is not None
    activity = sendara.get(f"/v1/contacts/ct_{found['id']}/activity", limit=10)["activity"]
    assert activity[-1]["type"] == "sent"
    assert {event["broadcast_id"] for event in activity} == {made["id"]}


def test_a_draft_waits_to_be_sent(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    made = draft(sendara, audience, name="June")
    assert (made["name"], made["status"]) == ("June", "draft")
    sender_sandbox.advance(1_000)
    assert status(sendara, made["id"]) == "draft"
    assert sendara.expect(202, "POST", f"/v1/broadcasts/{made['id']}/send")["status"] == "sending"
    assert status(sendara, made["id"]) == "sending"
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{made['id']}/send")
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{made['id']}/cancel")
    sendara.refused(400, "invalid_request", "DELETE", f"/v1/broadcasts/{made['id']}")
    sender_sandbox.advance(5)
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{made['id']}/send")
    assert status(sendara, made["id"]) == "sent"
    assert sender_sandbox.counters()["max_mails_per_recipient"] == 1


def test_create_can_send_at_once(sendara: SendaraApi, audience: str) -> None:
    assert draft(sendara, audience, send_now=True)["status"] == "sending"


def test_create_can_schedule(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    made = draft(sendara, audience, scheduled_at=later(3_600))
    assert (made["status"], made["total_recipients"]) == ("scheduled", 0)
    sender_sandbox.advance(3_500)
    assert status(sendara, made["id"]) == "scheduled"
    assert sender_sandbox.counters()["mails"] == 0
    sender_sandbox.advance(101)
    assert status(sendara, made["id"]) == "sending"
    assert sender_sandbox.counters()["mails"] == 2


@pytest.mark.parametrize("first", [{}, {"scheduled_at": "later"}])
def test_what_has_not_begun_can_be_cancelled_or_deleted(
    sender_sandbox: Sandbox, sendara: SendaraApi, audience: str, first: dict[str, str]
) -> None:
    more = {name: later(600) for name in first}
    one, other = draft(sendara, audience, **more), draft(sendara, audience, **more)
    assert sendara.expect(200, "POST", f"/v1/broadcasts/{one['id']}/cancel")["status"] == "cancelled"
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{one['id']}/cancel")
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{one['id']}/send")
    sendara.expect(204, "DELETE", f"/v1/broadcasts/{other['id']}")
    sendara.refused(404, "not_found", "GET", f"/v1/broadcasts/{other['id']}")
    sender_sandbox.advance(700)
    assert status(sendara, one["id"]) == "cancelled"
    assert sender_sandbox.counters()["mails"] == 0


@pytest.mark.parametrize("late", [400, 404, 409, 422])
def test_the_status_of_a_late_cancel_is_a_knob(
    sender_sandbox: Sandbox, sendara: SendaraApi, audience: str, late: int
) -> None:
    sender_sandbox.settings(sendara_late_status=late)
    made = draft(sendara, audience, send_now=True)
    code = "not_found" if late == 404 else "invalid_request"
    sendara.refused(late, code, "POST", f"/v1/broadcasts/{made['id']}/cancel")


def test_an_accepted_send_may_show_late_and_is_not_accepted_twice(
    sender_sandbox: Sandbox, sendara: SendaraApi, audience: str
) -> None:
    sender_sandbox.settings(state_delay_seconds=10, listing_delay_seconds=10)
    made = draft(sendara, audience)
    assert sendara.get("/v1/broadcasts") == {"broadcasts": []}
    sendara.expect(202, "POST", f"/v1/broadcasts/{made['id']}/send")
    assert status(sendara, made["id"]) == "draft"
    sendara.refused(400, "invalid_request", "POST", f"/v1/broadcasts/{made['id']}/send")
    sender_sandbox.advance(10)
    assert status(sendara, made["id"]) == "sending"
    assert [row["id"] for row in sendara.get("/v1/broadcasts")["broadcasts"]] == [made["id"]]
    assert sender_sandbox.counters()["max_mails_per_recipient"] == 1


def test_a_repeated_create_makes_another_broadcast(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    body = {**CONTENT, "audience_list_id": audience}
    ids = {sendara.expect(202, "POST", "/v1/send/bulk", body)["id"] for _ in range(2)}
    assert len(ids) == 2
    assert sender_sandbox.counters()["mails"] == 4


def test_inline_recipients_get_one_mail_each(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    addresses = ["ada@example.com", "ADA@example.com", "cas@example.com", "new@example.com", "no@example.com"]
    body = {"channel": "email", "recipient": "NO@example.com"}
    sendara.expect(201, "POST", "/v1/suppressions", body)
    recipients = [{"email": address, "data": {"first_name": "A"}} for address in addresses]
    made = sendara.expect(202, "POST", "/v1/send/bulk", {**CONTENT, "recipients": recipients})
    mails = sender_sandbox.mails(made["id"])
    assert {address.lower(): count for address, count in mails.items()} == {"ada@example.com": 1, "new@example.com": 1}


def test_lists_are_joined_and_excluded(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    ids = {name: sendara.contact(f"{name}@example.com", tags=[name])["id"] for name in ("ada", "bob", "cas", "dot")}
    one = sendara.audience("One", ids["ada"], ids["bob"])
    other = sendara.audience("Other", ids["bob"], ids["cas"])
    rules = {"name": "D", "list_type": "dynamic", "segment_rules": {"tags": ["dot"]}}
    third = sendara.expect(201, "POST", "/v1/contacts/lists", rules)["id"]
    sendara.expect(201, "POST", "/v1/suppressions", {"channel": "email", "recipient": "cas@example.com"})
    without = {"name": "A", "list_type": "dynamic", "segment_rules": {"tags": ["ada"]}}
    excluded = sendara.expect(201, "POST", "/v1/contacts/lists", without)["id"]
    body = {**CONTENT, "list_ids": [one, other, third], "exclude_list_ids": [excluded]}
    made = sendara.expect(202, "POST", "/v1/send/bulk", body)
    assert (made["include_list_ids"], made["exclude_list_ids"]) == ([one, other, third], [excluded])
    assert set(sender_sandbox.mails(made["id"])) == {"bob@example.com", "dot@example.com"}


def test_the_list_is_paged_newest_first(sendara: SendaraApi, audience: str) -> None:
    ids = [draft(sendara, audience)["id"] for _ in range(5)][::-1]
    assert [row["id"] for row in sendara.get("/v1/broadcasts")["broadcasts"]] == ids
    assert [row["id"] for row in sendara.get("/v1/broadcasts", limit=2, offset=3)["broadcasts"]] == ids[3:5]


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "News", "body_html": "x", "recipients": [{"email": "a@example.com"}]},
        {**CONTENT},
        {**CONTENT, "from_email": "nobody", "recipients": [{"email": "a@example.com"}]},
        {**CONTENT, "recipients": []},
        {**CONTENT, "recipients": [{"email": "a"}]},
        {**CONTENT, "recipients": [{}]},
        {**CONTENT, "recipients": ["a@example.com"]},
        {**CONTENT, "message_type": "spam", "recipients": [{"email": "a@example.com"}]},
        {"from_email": "a@example.com", "subject": "x", "recipients": [{"email": "a@example.com"}]},
    ],
)
def test_what_cannot_be_sent_is_refused(sender_sandbox: Sandbox, sendara: SendaraApi, body: dict[str, Any]) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/send/bulk", body)
    assert sendara.get("/v1/broadcasts") == {"broadcasts": []}
    assert sender_sandbox.counters()["mails"] == 0


def test_unknown_lists_templates_and_broadcasts_are_not_found(sendara: SendaraApi, audience: str) -> None:
    sendara.refused(404, "not_found", "POST", "/v1/send/bulk", {**CONTENT, "audience_list_id": "list_nobody"})
    body = {"from_email": "a@example.com", "template_id": "tmpl_none", "audience_list_id": audience}
    sendara.refused(404, "not_found", "POST", "/v1/send/bulk", body)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/send"), ("POST", "/cancel")):
        sendara.refused(404, "not_found", method, f"/v1/broadcasts/bc_nobody{path}")


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "tomorrow", "2099-01-01T00:00:00", "2099-01-01"])
def test_a_schedule_needs_a_zone_and_the_future(sendara: SendaraApi, audience: str, when: str) -> None:
    body = {**CONTENT, "audience_list_id": audience, "scheduled_at": when}
    sendara.refused(400, "invalid_request", "POST", "/v1/broadcasts", body)


def test_broadcasts_fail_when_told(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    made = draft(sendara, audience)
    sender_sandbox.fail_broadcast(made["id"])
    sendara.expect(202, "POST", f"/v1/broadcasts/{made['id']}/send")
    assert status(sendara, made["id"]) == "sending"
    sender_sandbox.advance(5)
    assert status(sendara, made["id"]) == "failed"
    assert sender_sandbox.counters()["mails"] == 0
    with pytest.raises(SandboxError, match="broadcast_id"):
        sender_sandbox.fail_broadcast(made["id"])
    sender_sandbox.settings(sendara_broadcasts_fail=True)
    for more, seconds in (({"send_now": True}, 5), ({"scheduled_at": later(600)}, 605)):
        other = draft(sendara, audience, **more)
        sender_sandbox.advance(seconds)
        assert status(sendara, other["id"]) == "failed"
    assert sender_sandbox.counters()["mails"] == 0


def test_test_keys_run_everything_but_the_mails(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    key = sendara.expect(201, "POST", "/v1/keys", {"scope": "send", "test_mode": True})["key"]
    body = {**CONTENT, "audience_list_id": audience}
    made = SendaraApi(sender_sandbox, key).expect(202, "POST", "/v1/send/bulk", body)
    assert made["test_mode"] is True
    sender_sandbox.advance(5)
    found = sendara.get(f"/v1/broadcasts/{made['id']}")
    assert (found["broadcast"]["status"], found["stats"]["sent"]) == ("sent", 2)
    assert sender_sandbox.counters()["mails"] == 0


def test_faults_hit_broadcasts(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    made = draft(sendara, audience)
    sender_sandbox.fault("drop_after", "/v1/broadcasts/*/send", "POST")
    with pytest.raises(requests.ConnectionError):
        sendara.call("POST", f"/v1/broadcasts/{made['id']}/send")
    assert status(sendara, made["id"]) == "sending"
    assert sender_sandbox.counters()["by_path"]["POST /v1/broadcasts/{id}/send"] == 1
    sender_sandbox.fault("refuse", "/v1/broadcasts", message="Not today")
    assert sendara.refused(400, "invalid_request", "GET", "/v1/broadcasts") == "Not today"
    sender_sandbox.fault("rate_limit", "/v1/broadcasts")
    sendara.refused(429, "rate_limit_exceeded", "GET", "/v1/broadcasts")
    sender_sandbox.fault("reject", "/v1/contacts", email="x@*")
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts", {"email": "x@example.com"})
    sender_sandbox.fault("status", "/v1/broadcasts", status=503)
    sendara.refused(503, "internal_error", "GET", "/v1/broadcasts")


def test_other_services_do_not_show_broadcasts(sender_sandbox: Sandbox, sendara: SendaraApi, audience: str) -> None:
    made = draft(sendara, audience)
    headers = {"Authorization": f"Bearer {sender_sandbox.token}", "Accept": "application/json"}
    response = sendara.session.get(f"{sender_sandbox.sender_url}/campaigns", headers=headers, timeout=10)
    assert response.json()["data"] == []
    assert sender_sandbox.counters()["campaigns"].keys() == {made["id"]}
