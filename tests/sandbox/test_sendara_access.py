from __future__ import annotations

import math
import time

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.sandbox.ratelimit import SlidingLimit
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.sendara_api import SendaraApi

READ, SEND, ADMIN = ("GET", "/v1/contacts"), ("POST", "/v1/contacts"), ("GET", "/v1/keys")


@pytest.mark.parametrize("header", [None, "", "sandbox-token", "Basic sandbox-token", "Bearer", "Bearer sk_live_no"])
def test_who_has_no_key_is_turned_away(sender_sandbox: Sandbox, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = requests.get(f"{sender_sandbox.sendara_url}/v1/contacts", headers=headers, timeout=10)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert response.headers["X-Request-Id"].startswith("req_")


def made_key(sender_sandbox: Sandbox, scope: str) -> SendaraApi:
    made = SendaraApi(sender_sandbox).expect(201, "POST", "/v1/keys", {"scope": scope})
    return SendaraApi(sender_sandbox, made["key"])


@pytest.mark.parametrize(
    ("scope", "knobs", "may"),
    [
        ("read", {}, {READ}),
        ("send", {}, {SEND}),
        ("send", {"sendara_send_reads": True}, {SEND, READ}),
        ("admin", {}, {ADMIN, SEND, READ}),
        ("admin", {"sendara_admin_includes": False}, {ADMIN}),
    ],
)
def test_a_key_may_what_its_scope_says(
    sender_sandbox: Sandbox, scope: str, knobs: dict[str, bool], may: set[tuple[str, str]]
) -> None:
    key = made_key(sender_sandbox, scope)
    sender_sandbox.settings(**knobs)
    for method, path in (READ, SEND, ADMIN):
        response = key.call(method, path, {"email": "ada@example.com"} if method == "POST" else None)
        assert (response.status_code != 403) is ((method, path) in may), path
        if response.status_code == 403:
            assert response.json()["error"]["code"] == "forbidden"
            assert "scope" in response.json()["error"]["message"]


def test_keys_are_made_rotated_and_revoked(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/keys", {"scope": "read", "test_mode": False})
    assert list(made) == ["id", "key", "key_prefix", "scope", "test_mode", "created_at"]
    assert made["key"].startswith(made["key_prefix"])
    assert made["key_prefix"].startswith("sk_live_")
    test = sendara.expect(201, "POST", "/v1/keys", {"scope": "read", "test_mode": True})
    assert test["key"].startswith("sk_test_")
    listed = sendara.get("/v1/keys")["keys"]
    assert [row["id"] for row in listed] == [test["id"], made["id"]]
    assert not any("key" in row for row in listed)
    rotated = sendara.expect(200, "POST", f"/v1/keys/{made['id']}/rotate")
    assert list(rotated) == ["key"]
    SendaraApi(sender_sandbox, made["key"]).refused(401, "unauthorized", "GET", "/v1/contacts")
    SendaraApi(sender_sandbox, rotated["key"]).get("/v1/contacts")
    sendara.expect(204, "DELETE", f"/v1/keys/{made['id']}")
    SendaraApi(sender_sandbox, rotated["key"]).refused(401, "unauthorized", "GET", "/v1/contacts")
    sendara.refused(404, "not_found", "DELETE", f"/v1/keys/{made['id']}")
    sendara.refused(400, "invalid_request", "POST", "/v1/keys", {"scope": "root"})


def test_errors_have_one_form_and_a_flat_one_by_knob(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    response = sendara.call("GET", "/v1/contacts/ct_nobody")
    nested = {"error": {"code": "not_found", "message": "Contact not found", "status": 404}}
    assert (response.status_code, response.json()) == (404, nested)
    sender_sandbox.settings(sendara_error_form="flat")
    assert sendara.call("GET", "/v1/contacts/ct_nobody").json() == nested["error"]
    sender_sandbox.fault("refuse", "*")
    assert sendara.call("GET", "/v1/contacts").json()["code"] == "invalid_request"


def test_every_answer_has_a_request_id_of_its_own(sendara: SendaraApi) -> None:
    paths = ("/v1/contacts", "/v1/contacts", "/v1/nothing", "/v1/contacts/ct_nobody")
    ids = {sendara.call("GET", path).headers["X-Request-Id"] for path in paths}
    assert len(ids) == len(paths)


def test_unknown_paths_methods_and_bodies_are_refused(sendara: SendaraApi) -> None:
    sendara.refused(404, "not_found", "GET", "/v1/nothing")
    sendara.refused(405, "invalid_request", "PATCH", "/v1/contacts")
    response = sendara.call("POST", "/v1/contacts", data="{", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


def test_the_second_slides_and_all_keys_share_it(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    other = made_key(sender_sandbox, "read")
    sender_sandbox.settings(sendara_requests_per_second=3)
    started = time.time()
    seen = [api.call("GET", "/v1/contacts") for api in (sendara, other, sendara, other)]
    assert time.time() - started < 1
    assert [response.status_code for response in seen] == [200, 200, 200, 429]
    assert [response.headers["X-RateLimit-Limit"] for response in seen] == ["3"] * 4
    assert [response.headers["X-RateLimit-Remaining"] for response in seen] == ["2", "1", "0", "0"]
    refused = seen[-1]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"] == "1"
    assert int(refused.headers["X-RateLimit-Reset"]) - math.ceil(started) in (1, 2)
    sender_sandbox.advance(1)
    assert sendara.call("GET", "/v1/contacts").status_code == 200


def test_a_429_can_come_without_retry_after(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(sendara_requests_per_second=1, retry_after=False)
    refused = [sendara.call("GET", "/v1/contacts") for _ in range(2)][-1]
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert "X-RateLimit-Reset" in refused.headers


def test_without_a_limit_nothing_is_said_of_one(sendara: SendaraApi) -> None:
    assert not [name for name in sendara.call("GET", "/v1/contacts").headers if "ratelimit" in name.lower()]


@given(gaps=st.lists(st.floats(0, 0.7), max_size=60), limit=st.integers(1, 6))
def test_no_second_lets_more_through_than_its_limit(gaps: list[float], limit: int) -> None:
    sliding, now = SlidingLimit(), 1.8e9
    passed: list[float] = []
    for gap in gaps:
        now += gap
        window = sliding.take(limit, 1.0, now)
        recent = [moment for moment in passed if moment > now - 1.0]
        assert window.is_exceeded is (len(recent) >= limit)
        assert window.remaining == max(limit - len(recent) - 1, 0)
        assert now < window.resets_at <= now + 1.0
        if not window.is_exceeded:
            passed.append(now)


def test_the_connection_leads_there(sender_sandbox: Sandbox) -> None:
    assert sender_sandbox.sendara_connection == {
        "conn_type": "sendara",
        "host": f"{sender_sandbox.url}/sendara",
        "password": sender_sandbox.token,
    }
    found = requests.get(f"{sender_sandbox.url}/_sandbox/overview", timeout=5).json()
    assert found["connections"]["sendara"].startswith('AIRFLOW_CONN_SENDARA_DEFAULT=\'{"conn_type": "sendara"')
