"""Who may call SendPulse, how often, and what a refusal looks like."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.sendpulse_api import SendPulseApi, campaign

UNAUTHORIZED = {"message": "Unauthorized!", "error_code": 401}


def test_a_static_key_is_as_good_as_a_token(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    assert sendpulse.get("/user/info")["id"] == 7043663
    issued = sendpulse.token().json()
    assert set(issued) == {"access_token", "token_type", "expires_in"}
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3600)
    sendpulse.use(issued["access_token"])
    assert sendpulse.get("/user/info")["id"] == 7043663
    assert sender_sandbox.sendpulse_connection == {
        "conn_type": "sendpulse",
        "host": sender_sandbox.sendpulse_url,
        "login": "sandbox-client",
        "password": sender_sandbox.token,
    }


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic sandbox-token", "sandbox-token"])
def test_nobody_else_is_let_in(sendpulse: SendPulseApi, header: str) -> None:
    response = sendpulse.call("GET", "/user/info", headers={"Authorization": header})
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def test_every_path_but_the_one_for_tokens_needs_one(sendpulse: SendPulseApi) -> None:
    sendpulse.use("wrong")
    assert sendpulse.call("GET", "/nowhere").status_code == 401
    assert sendpulse.token().status_code == 200


@pytest.mark.parametrize("wrong", [{"client_id": "somebody"}, {"client_secret": "guess"}, {"client_secret": None}])
def test_wrong_credentials_have_an_error_in_the_form_of_oauth(sendpulse: SendPulseApi, wrong: dict[str, Any]) -> None:
    refused = sendpulse.token(**wrong)
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"
    assert "error_code" not in refused.json()


def test_only_client_credentials_are_granted(sendpulse: SendPulseApi) -> None:
    refused = sendpulse.token(grant_type="password")
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_holds_an_hour(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sendpulse.use(sendpulse.token().json()["access_token"])
    sender_sandbox.advance(3590)
    sendpulse.get("/user/info")
    sender_sandbox.advance(10)
    response = sendpulse.call("GET", "/user/info")
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)
    assert len({sendpulse.token().json()["access_token"] for _ in range(3)}) == 3


def test_the_life_of_a_token_is_a_knob(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.settings(sendpulse_token_seconds=60)
    issued = sendpulse.token().json()
    assert issued["expires_in"] == 60
    sendpulse.use(issued["access_token"])
    sender_sandbox.advance(60)
    assert sendpulse.call("GET", "/user/info").status_code == 401


def test_tokens_can_be_revoked_early_and_the_key_stays(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    tokens = [sendpulse.token().json()["access_token"] for _ in range(2)]
    assert sender_sandbox.revoke_tokens() == 2
    for token in tokens:
        sendpulse.use(token)
        assert sendpulse.call("GET", "/user/info").status_code == 401
    sendpulse.use(sender_sandbox.token)
    sendpulse.get("/user/info")
    assert sender_sandbox.revoke_tokens() == 0


def test_eleven_requests_do_not_fit_into_a_second(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.reset(sendpulse_requests_per_second=10)
    seen = []
    for _ in range(3):
        # A slow machine may need more than a second for eleven; then it has another try.
        time.sleep(1)
        seen = [sendpulse.call("GET", "/balance") for _ in range(11)]
        if seen[-1].status_code != 200:
            break
    assert [response.status_code for response in seen] == [200] * 10 + [429]
    assert seen[-1].json() == {"message": "More than 10 requests per second", "error_code": 2020202020}
    assert sender_sandbox.counters()["rate_limited"] == 1
    time.sleep(1)
    assert sendpulse.call("GET", "/balance").status_code == 200


@pytest.mark.parametrize("status", [200, 400, 403, 422, 429])
def test_which_status_that_has_is_a_knob_and_it_is_counted(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, status: int
) -> None:
    sender_sandbox.reset(sendpulse_requests_per_second=1, sendpulse_burst_status=status)
    seen = [sendpulse.call("GET", "/balance") for _ in range(3)]
    refused = [response for response in seen if "error_code" in response.json()]
    assert refused
    assert {(response.status_code, response.json()["error_code"]) for response in refused} == {(status, 2020202020)}
    assert sender_sandbox.counters()["rate_limited"] == len(refused)


@pytest.mark.parametrize(("quota", "seconds"), [("minute", 60), ("day", 86_400)])
def test_longer_quotas_are_a_bare_429(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, quota: str, seconds: int
) -> None:
    sender_sandbox.reset(**{f"sendpulse_requests_per_{quota}": 2})
    seen = [sendpulse.call("GET", "/balance") for _ in range(3)]
    assert [response.status_code for response in seen] == [200, 200, 429]
    assert seen[-1].json() == {"message": "Too many requests", "error_code": 429}
    for response in seen:
        assert not [name for name in response.headers if "limit" in name.lower() or name.lower() == "retry-after"]
    sender_sandbox.advance(seconds - 10)
    assert sendpulse.call("GET", "/balance").status_code == 429
    sender_sandbox.advance(11)
    assert sendpulse.call("GET", "/balance").status_code == 200


def test_the_quotas_are_the_services_own(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.reset(requests_per_window=1, sendpulse_requests_per_minute=5)
    assert [sendpulse.call("GET", "/balance").status_code for _ in range(5)] == [200] * 5


def test_a_fifth_campaign_in_an_hour_is_refused(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.reset(subscribers=5, sendpulse_campaigns_per_hour=4)
    news = sendpulse.get("/addressbooks")[0]["id"]
    for _ in range(4):
        sendpulse.post("/campaigns", campaign(news))
    assert sendpulse.error("POST", "/campaigns", campaign(news)) == (422, 791)
    assert len(sender_sandbox.counters()["campaigns"]) == 4
    sender_sandbox.advance(3_600)
    sendpulse.post("/campaigns", campaign(news))


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        ("is_error", {"is_error": True, "http_code": 404}),
        ("result", {"result": False}),
        ("success", {"success": False}),
        ("bare", {}),
    ],
)
def test_errors_can_come_within_200(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, form: str, sign: dict[str, Any]
) -> None:
    sender_sandbox.settings(sendpulse_errors_in_200=1, sendpulse_error_form=form)
    response = sendpulse.call("GET", "/addressbooks/1")
    assert response.status_code == 200
    assert response.json() == {**sign, "message": "Mailing list not found", "error_code": 213}
    sendpulse.use("wrong")
    assert sendpulse.call("GET", "/addressbooks/1").status_code == 401


def test_a_share_of_the_errors_can(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.settings(sendpulse_errors_in_200=0.25)
    seen = [sendpulse.call("GET", "/addressbooks/1").status_code for _ in range(20)]
    assert (seen.count(200), seen.count(404)) == (5, 15)


def test_nothing_of_a_refused_call_is_done(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list()
    rows = [{"email": "a@example.com"}, {"email": "b@example.com", "variables": {"x": []}}]
    sender_sandbox.settings(sendpulse_errors_in_200=1)
    assert sendpulse.call("POST", f"/addressbooks/{news}/emails", {"emails": rows}).json()["error_code"] == 299
    assert sendpulse.emails(news) == []


@pytest.mark.parametrize(("form", "kinds"), [("int", {int}), ("string", {str}), ("mixed", {int, str})])
def test_numbers_are_written_as_the_knob_says(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, form: str, kinds: set[type]
) -> None:
    sender_sandbox.reset(subscribers=9, sendpulse_numbers=form)
    lists = sendpulse.get("/addressbooks")
    found = [row[key] for row in lists for key in ("id", "all_email_qty", "active_email_qty", "status")]
    assert {type(value) for value in found} == kinds
    for row in lists:
        assert sendpulse.get(f"/addressbooks/{row['id']}")[0] == row


def test_unknown_paths_and_methods_have_the_same_envelope(sendpulse: SendPulseApi) -> None:
    assert sendpulse.error("GET", "/nowhere") == (404, 404)
    assert sendpulse.error("PUT", "/user/info") == (405, 405)
