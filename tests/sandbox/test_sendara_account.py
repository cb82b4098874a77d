from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.sendara_api import SendaraApi

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_suppressions_are_kept_by_channel(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.seed(rows=[{"email": "old@example.com", "status": "spam_reported"}])
    body = {"channel": "email", "recipient": "bounce@acme.com", "reason": "hard_bounce"}
    made = sendara.expect(201, "POST", "/v1/suppressions", body)
    assert list(made) == ["channel", "recipient", "state", "reason", "updated_at"]
    assert {**body, "state": "suppressed", "updated_at": made["updated_at"]} == made
    sendara.expect(201, "POST", "/v1/suppressions", {**body, "reason": "complaint"})
    sendara.expect(201, "POST", "/v1/suppressions", {"channel": "sms", "recipient": "+37061234567"})
    everything = sendara.get("/v1/suppressions")["suppressions"]
    assert [(row["channel"], row["reason"]) for row in everything] == [
        ("sms", None), ("email", "complaint"), ("email", "complaint"),
    ]  # fmt: skip
    assert [row["channel"] for row in sendara.get("/v1/suppressions", channel="sms")["suppressions"]] == ["sms"]
    for recipient in ("bounce@acme.com", "old@example.com"):
        path = f"/v1/suppressions?channel=email&recipient={recipient}"
        sendara.expect(204, "DELETE", path)
        sendara.refused(404, "not_found", "DELETE", path)
    assert sendara.get("/v1/suppressions", channel="email")["suppressions"] == []


@pytest.mark.parametrize(
    "body", [{}, {"channel": "email"}, {"channel": "pigeon", "recipient": "a"}, {"channel": "email", "recipient": "a"}]
)
def test_what_is_no_suppression_is_refused(sendara: SendaraApi, body: Any) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/suppressions", body)
    sendara.refused(400, "invalid_request", "DELETE", "/v1/suppressions?channel=email")


def test_a_suppressed_contact_shows_it_when_the_knob_says(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_suppressed_consent="suppressed")
    path = f"/v1/contacts/{sendara.contact('ada@example.com')['id']}"
    sendara.expect(201, "POST", "/v1/suppressions", {"channel": "email", "recipient": "Ada@example.com"})
    assert sendara.get(path)["email_consent"] == "suppressed"
    sendara.expect(204, "DELETE", "/v1/suppressions?channel=email&recipient=ada@example.com")
    assert sendara.get(path)["email_consent"] == "subscribed"


def test_templates_as_in_the_reference(sendara: SendaraApi) -> None:
    variables = [{"name": "first_name", "sample": "Ada", "required": True}, {"name": "shop", "default": "Acme"}]
    body = {
        "name": "Welcome",
        "channel": "email",
        "subject": "Welcome, {{ first_name }}",
        "body_html": "<h1>Hi {{first_name}} from {{ shop }}{{ unknown }}</h1>",
        "variables": variables,
    }
    made = sendara.expect(201, "POST", "/v1/templates", body)
    assert {name: made[name] for name in body} == body
    assert (made["body_text"], made["version"], made["is_active"]) == (None, 1, True)
    path = f"/v1/templates/{made['id']}"
    assert sendara.get(path) == made
    rendered = sendara.expect(200, "POST", f"{path}/render", {"vars": {"first_name": "Ada"}})
    assert rendered == {"subject": "Welcome, Ada", "body_html": "<h1>Hi Ada from Acme</h1>", "body_text": None}
    assert "first_name" in sendara.refused(400, "missing_variable", "POST", f"{path}/render", {"vars": {}})
    sendara.refused(400, "invalid_request", "POST", f"{path}/render", {})
    assert sendara.expect(200, "PUT", path, {"name": "Welcome back"})["version"] == 1
    changed = sendara.expect(200, "PUT", path, {"body_html": "Hi", "is_active": False})
    assert (changed["name"], changed["version"], changed["is_active"]) == ("Welcome back", 2, False)
    (row,) = sendara.get("/v1/templates")["templates"]
    assert list(row) == ["id", "name", "channel", "version", "is_active", "created_at"]
    sendara.expect(204, "DELETE", path)
    sendara.refused(404, "not_found", "GET", path)
    for wrong in ({"name": "x"}, {"name": "x", "channel": "sms"}, {"channel": "email"}):
        sendara.refused(400, "invalid_request", "POST", "/v1/templates", wrong)
    sendara.refused(400, "invalid_template", "POST", "/v1/templates", {**body, "subject": "{{ first_name"})


def test_domains_as_in_the_reference(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_dns_published=False)
    made = sendara.expect(201, "POST", "/v1/domains", {"domain": "mail.acme.com"})
    assert list(made) == [
        "id", "domain", "dkim_status", "spf_status", "dmarc_status", "dns_records", "mail_from_domain", "created_at",
    ]  # fmt: skip
    assert [row["type"] for row in made["dns_records"]] == ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
    pending = sendara.expect(200, "POST", "/v1/domains/mail.acme.com/verify")
    assert (pending["fully_verified"], {row["status"] for row in pending["results"]}) == (False, {"pending"})
    assert sendara.get("/v1/domains/mail.acme.com")["dkim_status"] == "pending"
    sender_sandbox.settings(sendara_dns_published=True)
    verified = sendara.expect(200, "POST", "/v1/domains/mail.acme.com/verify")
    assert verified["fully_verified"] is True
    assert verified["results"][0].keys() == {"field", "type", "name", "status", "detail"}
    assert [row["dkim_status"] for row in sendara.get("/v1/domains")["domains"]] == ["verified"]
    sendara.refused(400, "invalid_request", "POST", "/v1/domains", {"domain": "mail.acme.com"})
    sendara.refused(400, "invalid_request", "POST", "/v1/domains", {"domain": "no domain"})
    sendara.expect(204, "DELETE", "/v1/domains/mail.acme.com")
    sendara.refused(404, "not_found", "POST", "/v1/domains/mail.acme.com/verify")


def test_webhooks_show_their_secret_once(sendara: SendaraApi) -> None:
    body = {"endpoint_url": "https://acme.com/hooks", "event_types": ["delivered", "bounced"]}
    made = sendara.expect(201, "POST", "/v1/webhooks", body)
    assert list(made) == ["id", "endpoint_url", "event_types", "signing_secret", "is_active", "created_at"]
    assert re.fullmatch(r"whsec_[0-9a-f]{32}", made["signing_secret"])
    path = f"/v1/webhooks/{made['id']}"
    shown = {name: value for name, value in made.items() if name != "signing_secret"}
    assert sendara.get(path) == shown
    assert sendara.get("/v1/webhooks") == {"webhooks": [shown]}
    assert sendara.expect(200, "PUT", path, {"is_active": False}) == {**shown, "is_active": False}
    rotated = sendara.expect(200, "POST", f"{path}/rotate-secret")
    assert list(rotated) == ["signing_secret"]
    assert rotated["signing_secret"] != made["signing_secret"]
    sendara.expect(204, "DELETE", path)
    sendara.refused(404, "not_found", "GET", path)
    for wrong in ({}, {"endpoint_url": "http://acme.com"}, {**body, "event_types": "delivered"}):
        sendara.refused(400, "invalid_request", "POST", "/v1/webhooks", wrong)


def test_webhook_secrets_may_be_hexadecimal_and_always_shown(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.settings(sendara_secret_form="hex")
    made = sendara.expect(201, "POST", "/v1/webhooks", {"endpoint_url": "https://acme.com/hooks"})
    assert re.fullmatch(r"[0-9a-f]{64}", made["signing_secret"])
    assert sendara.get(f"/v1/webhooks/{made['id']}") == made
    assert made["event_types"] == []


@pytest.mark.parametrize("form", ["whsec", "hex"])
def test_deliveries_are_signed_over_timestamp_and_body(sender_sandbox: Sandbox, sendara: SendaraApi, form: str) -> None:
    sender_sandbox.settings(sendara_secret_form=form, sendara_event_names="prefixed")
    made = sendara.expect(201, "POST", "/v1/webhooks", {"endpoint_url": "https://acme.com/hooks"})
    delivery = sender_sandbox.webhook_delivery(made["id"], "bounced", "msg_1", seconds_ago=100)
    headers = delivery["headers"]
    signed = f"{headers['Sendara-Timestamp']}.{delivery['body']}".encode()
    expected = hmac.new(made["signing_secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert headers["Sendara-Signature"] == expected
    assert 99 <= time.time() - int(headers["Sendara-Timestamp"]) <= 110
    event = json.loads(delivery["body"])
    assert (event["event_type"], event["message_id"]) == ("message.bounced", "msg_1")
    assert headers["Sendara-Event-Type"] == "message.bounced"
    assert headers["Sendara-Event-Id"] == event["event_id"]
    (row,) = sendara.get(f"/v1/webhooks/{made['id']}/deliveries", limit=5)["deliveries"]
    assert row.keys() == {
        "id", "event_id", "event_type", "status", "response_code", "attempt_count", "created_at",
    }  # fmt: skip
    assert row["event_id"] == event["event_id"]
    sender_sandbox.settings(sendara_delivery_status_key="response_status")
    assert sendara.get(f"/v1/webhooks/{made['id']}/deliveries")["deliveries"][0]["response_status"] == 200
    with pytest.raises(SandboxError, match="webhook_id"):
        sender_sandbox.webhook_delivery("wh_nobody")


def test_test_recipients_have_three_slots(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/test-recipients", {"email": "qa@example.com"})
    assert (made["status"], made["verified_at"], made["email"]) == ("pending", None, "qa@example.com")
    sendara.expect(204, "POST", f"/v1/test-recipients/{made['id']}/resend")
    sender_sandbox.advance(5)
    (row,) = sendara.get("/v1/test-recipients")["recipients"]
    assert row["status"] == "verified"
    assert row["verified_at"].endswith("Z")
    sendara.refused(400, "invalid_request", "POST", f"/v1/test-recipients/{made['id']}/resend")
    for name in ("one", "two"):
        sendara.expect(201, "POST", "/v1/test-recipients", {"email": f"{name}@example.com"})
    body = {"email": "four@example.com"}
    sendara.refused(422, "too_many_test_recipients", "POST", "/v1/test-recipients", body)
    sendara.expect(204, "DELETE", f"/v1/test-recipients/{made['id']}")
    sendara.expect(201, "POST", "/v1/test-recipients", body)
    sendara.refused(404, "not_found", "DELETE", f"/v1/test-recipients/{made['id']}")
    sender_sandbox.settings(sendara_verify_seconds=None)
    assert {row["status"] for row in sendara.get("/v1/test-recipients")["recipients"]} == {"pending"}


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (PNG, 201, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", 201, "image/jpeg"),
        (b"GIF89a", 201, "image/gif"),
        (b"RIFF....WEBPVP8 ", 201, "image/webp"),
        (b"<svg/>", 400, "invalid_request"),
        (PNG + bytes(2 * 1024 * 1024), 413, "payload_too_large"),
    ],
)
def test_images_can_be_uploaded(sendara: SendaraApi, content: bytes, status: int, kind: str) -> None:
    response = sendara.call("POST", "/v1/uploads", files={"file": ("hero.png", content)})
    found = response.json()
    assert response.status_code == status, found
    if status == 201:
        assert found["url"] == f"https://assets.sendara.dev/v1/assets/{found['id']}"
        assert (found["content_type"], found["bytes"]) == (kind, len(content))
    else:
        assert found["error"]["code"] == kind


def test_an_upload_is_a_form_with_a_file(sendara: SendaraApi) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/uploads", {"file": "x"})
    response = sendara.call("POST", "/v1/uploads", files={"other": ("hero.png", PNG)})
    assert response.json()["error"]["message"] == "file is required"


def test_usage_counts_messages_and_broadcasts(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    ada = sendara.contact("ada@example.com")
    content = {"from_email": "a@example.com", "subject": "Hi", "body_html": "Hi"}
    audience = sendara.audience("All", ada["id"])
    sendara.expect(202, "POST", "/v1/send/bulk", {**content, "audience_list_id": audience})
    payload = {"subject": "Hi", "body_text": "Hi"}
    message = {"channel": "email", "idempotency_key": "k", "destination": {"email": "a@b.co"}, "payload": payload}
    sendara.expect(201, "POST", "/v1/send", message)
    usage = sendara.get("/v1/usage")
    assert re.fullmatch(r"\d{4}-\d\d", usage["period"])
    assert (usage["total_send_count"], usage["total_cost_micros"]) == (2, 1_000)
    assert (usage["marketing_send_count"], usage["marketing_cost_micros"]) == (1, 500)
    assert usage["channels"] == [{"channel": "email", "send_count": 2, "cost_micros": 1_000}]
    assert sendara.get("/v1/usage", period="2020-01")["total_send_count"] == 0
    sendara.refused(400, "invalid_request", "GET", "/v1/usage?period=2020-13")


def test_billing_and_verification_can_be_read(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    assert sendara.get("/v1/billing") == {"plan": "pro", "subscription_status": "active"}
    for name in ("checkout", "portal"):
        assert list(sendara.expect(200, "POST", f"/v1/billing/{name}")) == ["url"]
    assert sendara.get("/v1/credits")["ledger"] == []
    assert sendara.get("/v1/account/verification")["sandbox_mode"] is False
    sender_sandbox.settings(sendara_sandboxed=True)
    found = sendara.get("/v1/account/verification")
    assert (found["sandbox_mode"], found["channels"][0]["verified"]) == (True, False)
    cap = {"key_id": None, "soft_limit_micros": 1, "hard_limit_micros": 10**9}
    assert sendara.expect(200, "PUT", "/v1/spend-caps", cap) == cap
    sendara.refused(400, "invalid_request", "PUT", "/v1/spend-caps", {"hard_limit_micros": -1})
