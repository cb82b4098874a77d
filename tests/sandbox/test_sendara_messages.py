from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.sendara_api import SendaraApi


def message(key: str | None = "k1", to: str = "user@example.com", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "channel": "email",
        "destination": {"email": to},
        "payload": {"subject": "Welcome", "body_html": "<h1>Hi</h1>"},
        "metadata": {"from_email": "hello@example.com"},
        **more,
    }
    return body if key is None else {**body, "idempotency_key": key}


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_message_is_answered_as_in_the_reference(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message())
    assert list(made) == ["id", "status", "channel", "idempotency_key", "created_at"]
    assert made["id"].startswith("msg_")
    assert (made["status"], made["channel"], made["idempotency_key"]) == ("queued", "email", "k1")
    assert sender_sandbox.messages() == [message()]
    assert sender_sandbox.counters()["messages"] == 1


def test_a_key_sends_once(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message())
    sender_sandbox.advance(60)
    assert sendara.expect(201, "POST", "/v1/send", message()) == made
    assert sendara.expect(201, "POST", "/v1/send", message(scheduled_at=later(600))) == made
    sendara.refused(409, "idempotency_key_reused", "POST", "/v1/send", message(to="other@example.com"))
    assert len(sender_sandbox.messages()) == 1


def test_whether_a_key_is_needed_is_a_knob(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/send", message(None))
    sender_sandbox.settings(sendara_key_required=False)
    keys = {sendara.expect(201, "POST", "/v1/send", message(None))["idempotency_key"] for _ in range(2)}
    assert len(keys) == len(sender_sandbox.messages()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"channel": None},
        {"channel": "pigeon"},
        {"destination": None},
        {"destination": {"email": "nobody"}},
        {"payload": None},
        {"payload": {"subject": "x"}},
        {"payload": {"body_html": "x"}},
        {"message_type": "spam"},
        {"metadata": {"from_email": "nobody"}},
        {"template_vars": []},
        {"scheduled_at": "2020-01-01T00:00:00Z"},
        {"scheduled_at": "soon"},
        {"test_send": "yes"},
    ],
)
def test_what_cannot_be_sent_is_refused(sender_sandbox: Sandbox, sendara: SendaraApi, change: dict[str, Any]) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/send", {**message(), **change})
    assert sender_sandbox.messages() == []


@pytest.mark.parametrize(
    ("channel", "destination", "payload"),
    [
        ("sms", {"phone_number": "+37061234567"}, {"body": "Hi"}),
        ("push", {"device_token": "t"}, {"title": "Hi", "body": "Hi"}),
        ("voice", {"phone_number": "+37061234567"}, {}),
        ("webhook", {"url": "https://example.com"}, {"any": "thing"}),
    ],
)
def test_the_other_channels_are_there_unless_the_knob_closes_them(
    sender_sandbox: Sandbox, sendara: SendaraApi, channel: str, destination: dict[str, str], payload: dict[str, str]
) -> None:
    body = {"channel": channel, "idempotency_key": "k", "destination": destination, "payload": payload}
    assert sendara.expect(201, "POST", "/v1/send", body)["channel"] == channel
    sender_sandbox.settings(sendara_email_only=True)
    sendara.refused(400, "invalid_request", "POST", "/v1/send", body)


def test_a_batch_answers_item_by_item(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sendara.expect(201, "POST", "/v1/suppressions", {"channel": "email", "recipient": "no@example.com"})
    batch = [message("b1"), message("b2", "no@example.com"), {"channel": "email"}, "x", message("b1")]
    found = sendara.expect(200, "POST", "/v1/send/batch", batch)
    assert [item["success"] for item in found] == [True, False, False, False, True]
    assert list(found[0]) == ["success", "response"]
    assert found[0] == found[4]
    assert list(found[1]) == ["success", "error"]
    assert (found[1]["error"]["code"], found[1]["error"]["status"]) == ("recipient_suppressed", 409)
    assert len(sender_sandbox.messages()) == 1
    sendara.refused(400, "invalid_request", "POST", "/v1/send/batch", message())
    sender_sandbox.settings(sendara_batch_limit=1)
    sendara.refused(413, "payload_too_large", "POST", "/v1/send/batch", batch)


@pytest.mark.parametrize(
    ("to", "final", "reason"),
    [
        ("user@example.com", "delivered", None),
        ("delivered@example.com", "delivered", None),
        ("bounced+1@example.com", "bounced", "hard_bounce"),
        ("bounce@example.com", "bounced", "hard_bounce"),
        ("complained@example.com", "complained", "complaint"),
        ("complaint@example.com", "complained", "complaint"),
    ],
)
def test_the_local_part_picks_the_outcome(
    sender_sandbox: Sandbox, sendara: SendaraApi, to: str, final: str, reason: str | None
) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message(to=to))
    path = f"/v1/messages/{made['id']}"
    first = sendara.get(path)
    assert (first["status"], [event["type"] for event in first["events"]]) == ("queued", ["accepted"])
    assert first["events"][0].keys() == {"id", "type", "occurred_at"}
    sender_sandbox.advance(5)
    found = sendara.get(path)
    assert found["status"] == found["events"][-1]["type"] == final
    assert [event["type"] for event in found["events"]][:2] == ["accepted", "sent"]
    suppressions = sendara.get("/v1/suppressions")["suppressions"]
    assert [(row["recipient"], row["reason"]) for row in suppressions] == ([(to, reason)] if reason else [])
    assert sendara.expect(201, "POST", "/v1/send", message(to=to)) == made
    if reason:
        sendara.refused(409, "recipient_suppressed", "POST", "/v1/send", message("k2", to))


def test_the_first_event_is_a_knob(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_first_event="queued")
    made = sendara.expect(201, "POST", "/v1/send", message())
    assert sendara.get(f"/v1/messages/{made['id']}")["events"][0]["type"] == "queued"


def test_contacts_that_bounced_are_suppressed(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.seed(rows=[{"email": "user@example.com", "status": "bounced"}])
    sendara.refused(409, "recipient_suppressed", "POST", "/v1/send", message())
    sendara.expect(204, "DELETE", "/v1/suppressions?channel=email&recipient=user@example.com")
    sendara.expect(201, "POST", "/v1/send", message())


def test_messages_are_listed_by_cursor(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sendara.expect(200, "POST", "/v1/send/batch", [message(f"k{n}") for n in range(7)])
    everything = sendara.get("/v1/messages")
    assert everything["next_cursor"] is None
    assert everything["messages"][0].keys() == {"id", "channel", "status", "message_type", "created_at"}
    ids = [row["id"] for row in everything["messages"]]
    first = sendara.get("/v1/messages", limit=3)
    assert [row["id"] for row in first["messages"]] == ids[:3]
    sendara.expect(201, "POST", "/v1/send", message("new"))
    second = sendara.get("/v1/messages", limit=3, cursor=first["next_cursor"])
    last = sendara.get("/v1/messages", limit=3, cursor=second["next_cursor"])
    assert [row["id"] for row in second["messages"] + last["messages"]] == ids[3:]
    assert last["next_cursor"] is None
    sendara.refused(400, "invalid_request", "GET", "/v1/messages?cursor=nonsense")


def test_pages_of_messages_have_their_sizes(sendara: SendaraApi) -> None:
    sendara.expect(200, "POST", "/v1/send/batch", [message(f"k{n}") for n in range(110)])
    sizes = {limit: len(sendara.get("/v1/messages", limit=limit)["messages"]) for limit in ("", "no", "0", "7", "1000")}
    assert sizes == {"": 50, "no": 50, "0": 50, "7": 7, "1000": 100}


def test_messages_are_filtered(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sendara.expect(201, "POST", "/v1/send", message("k1", "ada@example.com"))
    sender_sandbox.advance(3_600)
    sendara.expect(201, "POST", "/v1/send", message("k2", "bob@example.com"))

    def count(**query: str) -> int:
        return len(sendara.get("/v1/messages", **query)["messages"])

    assert (count(channel="email"), count(channel="sms")) == (2, 0)
    assert (count(status="delivered"), count(status="queued"), count(status="bounced")) == (1, 1, 0)
    assert (count(search="ADA"), count(search="example")) == (1, 2)
    between = later(1_800)
    assert count(to=between) == count(**{"from": between}) == 1
    sendara.refused(400, "invalid_request", "GET", "/v1/messages?from=yesterday")


def test_a_message_is_found_by_its_key(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message("my key"))
    found = sendara.get("/v1/messages", idempotency_key="my key")
    assert (found["id"], found["idempotency_key"]) == (made["id"], "my key")
    sendara.refused(404, "not_found", "GET", "/v1/messages?idempotency_key=other")
    sender_sandbox.settings(sendara_key_lookup="list")
    listed = sendara.get("/v1/messages", idempotency_key="my key")
    assert [row["id"] for row in listed["messages"]] == [made["id"]]
    assert sendara.get("/v1/messages", idempotency_key="other")["messages"] == []


def test_a_scheduled_message_goes_out_in_time(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message(scheduled_at=later(3_600)))
    assert made["status"] == sendara.get(f"/v1/messages/{made['id']}")["status"] == "scheduled"
    assert sender_sandbox.messages() == []
    sender_sandbox.advance(3_601)
    assert len(sender_sandbox.messages()) == sender_sandbox.counters()["messages"] == 1
    assert sendara.get(f"/v1/messages/{made['id']}")["status"] == "queued"
    sendara.refused(404, "not_found", "POST", f"/v1/messages/{made['id']}/cancel")


def test_a_scheduled_message_can_be_cancelled(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/send", message(scheduled_at=later(3_600)))
    cancelled = sendara.expect(200, "POST", f"/v1/messages/{made['id']}/cancel")
    assert cancelled == {"id": made["id"], "status": "canceled"}
    sendara.refused(404, "not_found", "POST", f"/v1/messages/{made['id']}/cancel")
    sender_sandbox.advance(4_000)
    assert sender_sandbox.messages() == []
    assert sendara.get(f"/v1/messages/{made['id']}")["status"] == "canceled"


def test_what_is_due_within_a_minute_goes_out_at_once(sendara: SendaraApi) -> None:
    assert sendara.expect(201, "POST", "/v1/send", message(scheduled_at=later(30)))["status"] == "queued"
    body = message("k2", scheduled_at=later(91 * 86_400))
    sendara.refused(400, "invalid_request", "POST", "/v1/send", body)


def test_test_sends_go_to_verified_recipients_ten_times_a_day(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    body = message(test_send=True)
    sendara.refused(403, "recipient_not_verified", "POST", "/v1/send", body)
    sendara.expect(201, "POST", "/v1/test-recipients", {"email": "user@example.com"})
    sendara.refused(403, "recipient_not_verified", "POST", "/v1/send", body)
    # From one UTC day's beginning, so that the day does not end meanwhile.
    sender_sandbox.advance(86_400 - datetime.now(UTC).timestamp() % 86_400 + 10)
    for number in range(10):
        sendara.expect(201, "POST", "/v1/send", {**body, "idempotency_key": f"t{number}"})
    sendara.refused(429, "test_send_daily_limit", "POST", "/v1/send", {**body, "idempotency_key": "t10"})
    sendara.expect(201, "POST", "/v1/send", message("live"))
    sender_sandbox.advance(86_400)
    sendara.expect(201, "POST", "/v1/send", {**body, "idempotency_key": "t10"})


def test_a_test_key_sends_nothing(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    key = sendara.expect(201, "POST", "/v1/keys", {"scope": "send", "test_mode": True})["key"]
    made = SendaraApi(sender_sandbox, key).expect(201, "POST", "/v1/send", message())
    assert sendara.get(f"/v1/messages/{made['id']}")["status"] == "queued"
    assert sender_sandbox.messages() == []
    assert sendara.get("/v1/usage")["total_send_count"] == 0


def test_a_template_is_rendered_or_refused(sendara: SendaraApi) -> None:
    variables = [{"name": "name", "required": True}]
    body = {"name": "T", "channel": "email", "subject": "Hi {{ name }}", "variables": variables}
    template = sendara.expect(201, "POST", "/v1/templates", body)["id"]
    send = {**message(), "payload": None, "template_id": template}
    sendara.refused(400, "missing_variable", "POST", "/v1/send", send)
    sendara.expect(201, "POST", "/v1/send", {**send, "template_vars": {"name": "Ada"}})
    sendara.expect(200, "PUT", f"/v1/templates/{template}", {"is_active": False})
    other = {**send, "idempotency_key": "k2", "template_vars": {"name": "Ada"}}
    sendara.refused(400, "invalid_template", "POST", "/v1/send", other)
    sendara.refused(404, "not_found", "POST", "/v1/send", {**other, "template_id": "tmpl_none"})


def test_only_verified_domains_send_when_there_are_some(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_verified_domains=["acme.com"])
    sendara.refused(422, "from_not_verified", "POST", "/v1/send", message())
    from_acme = {"metadata": {"from_email": '"Acme" <a@acme.com>'}}
    sendara.expect(201, "POST", "/v1/send", {**message(), **from_acme})
    sendara.expect(201, "POST", "/v1/domains", {"domain": "example.com"})
    sendara.refused(422, "from_not_verified", "POST", "/v1/send", message("k2"))
    sendara.expect(200, "POST", "/v1/domains/example.com/verify")
    sendara.expect(201, "POST", "/v1/send", message("k2"))


def test_a_sandboxed_account_reaches_only_its_own(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_sandboxed=True, sendara_verify_seconds=0)
    sendara.refused(403, "recipient_not_verified", "POST", "/v1/send", message())
    sendara.expect(201, "POST", "/v1/test-recipients", {"email": "user@example.com"})
    sendara.expect(201, "POST", "/v1/send", message())


def test_money_runs_out(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_spend_cap_reached=True)
    sendara.refused(402, "spend_cap_exceeded", "POST", "/v1/send", message())
    sender_sandbox.settings(sendara_spend_cap_reached=False)
    sendara.expect(200, "PUT", "/v1/spend-caps", {"hard_limit_micros": 1_000})
    for number in range(2):
        sendara.expect(201, "POST", "/v1/send", message(f"k{number}"))
    sendara.refused(402, "spend_cap_exceeded", "POST", "/v1/send", message("k2"))
    sendara.expect(200, "PUT", "/v1/spend-caps", {"hard_limit_micros": None})
    sendara.expect(201, "POST", "/v1/send", message("k2"))


def test_address_validation_may_not_be_configured(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_validation_configured=False)
    body = message(validate_recipient=True)
    sendara.refused(503, "validation_not_configured", "POST", "/v1/send", body)
    sender_sandbox.settings(sendara_validation_configured=True)
    sendara.expect(201, "POST", "/v1/send", body)
