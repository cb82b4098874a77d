from __future__ import annotations

import http.client
import time
from typing import Any

import pytest
import requests

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.api import Api, draft


@pytest.fixture
def campaign(sender_sandbox: Sandbox, api: Api) -> str:
    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    return str(api.post("/campaigns", draft())["data"]["id"])


def test_refuse_answers_400_and_does_nothing(sender_sandbox: Sandbox, api: Api, campaign: str) -> None:
    sender_sandbox.fault("refuse", "/campaigns/*/send", "POST", message="Account under review")
    found = api.expect(400, "POST", f"/campaigns/{campaign}/send")
    assert found == {"success": False, "message": "Account under review"}
    assert sender_sandbox.counters()["mails"] == 0
    api.post(f"/campaigns/{campaign}/send")


def test_any_status_with_any_body(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("status", status=503, headers={"Retry-After": "7"})
    response = api.call("GET", "/groups")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"
    assert response.json() == {"message": "Server Error"}
    sender_sandbox.fault("status", status=502, body="<h1>Bad gateway</h1>")
    response = api.call("GET", "/groups")
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.text == "<h1>Bad gateway</h1>"
    sender_sandbox.fault("status", status=200, body={"success": False, "message": "No"})
    assert api.post("/groups", {"title": "VIP"}) == {"success": False, "message": "No"}
    assert api.get("/groups")["data"] == []


@pytest.mark.parametrize(("kind", "mails"), [("delay", 0), ("delay_after", 1)])
def test_delays_are_before_or_after_committing(
    sender_sandbox: Sandbox, api: Api, campaign: str, kind: str, mails: int
) -> None:
    sender_sandbox.fault(kind, "/campaigns/*/send", seconds=0.4)
    with pytest.raises(requests.ReadTimeout):
        api.call("POST", f"/campaigns/{campaign}/send", timeout=0.15)
    assert sender_sandbox.counters()["mails"] == mails
    started = time.perf_counter()
    sender_sandbox.fault(kind, "/groups", seconds=0.1)
    api.get("/groups")
    assert time.perf_counter() - started >= 0.1


def test_a_call_still_waiting_at_a_reset_never_happens(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("delay", "/groups", "POST", seconds=0.2)
    with pytest.raises(requests.ReadTimeout):
        api.call("POST", "/groups", {"title": "Late"}, timeout=0.05)
    sender_sandbox.reset()
    time.sleep(0.3)
    assert sender_sandbox.requests() == []
    assert api.get("/groups")["data"] == []


def test_one_delayed_call_holds_up_no_other(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("delay", "/groups", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        api.call("GET", "/groups", timeout=0.05)
    api.call("GET", "/subscribers", timeout=30)


@pytest.mark.parametrize(("kind", "mails"), [("drop_before", 0), ("drop_after", 1)])
def test_the_connection_is_dropped_before_or_after_committing(
    sender_sandbox: Sandbox, api: Api, campaign: str, kind: str, mails: int
) -> None:
    sender_sandbox.fault(kind, "/campaigns/*/send")
    with pytest.raises(requests.ConnectionError) as error:
        api.call("POST", f"/campaigns/{campaign}/send")
    assert "Remote end closed connection without response" in str(error.value)
    assert sender_sandbox.counters()["mails"] == mails
    logged = sender_sandbox.requests()[-1]
    assert logged["status"] is None
    assert logged["fault"] == kind


def test_a_dropped_connection_is_closed_for_good(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("drop_after")
    connection = http.client.HTTPConnection(sender_sandbox.url.removeprefix("http://"), timeout=5)
    headers = {"Authorization": f"Bearer {sender_sandbox.token}", "Accept": "application/json"}
    connection.request("GET", "/sender/v2/groups", headers=headers)
    assert connection.sock.recv(1) == b""


def test_a_truncated_answer_announces_all_of_it(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=100)
    sender_sandbox.fault("truncate", "/subscribers")
    whole = len(api.call("GET", "/groups").content)
    assert whole
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as error:
        api.call("GET", "/subscribers?limit=100")
    assert "IncompleteRead" in str(error.value)
    api.get("/subscribers")


def test_a_garbled_answer_is_complete_but_cut(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("garble", "/groups", "POST")
    response = api.call("POST", "/groups", {"title": "VIP"})
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(response.content) > 0
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()
    assert len(api.get("/groups")["data"]) == 1


def test_a_429_out_of_the_blue(sender_sandbox: Sandbox, api: Api, campaign: str) -> None:
    sender_sandbox.fault("rate_limit", times=2)
    response = api.call("POST", f"/campaigns/{campaign}/send")
    assert response.status_code == 429
    assert "Retry-After" not in response.headers
    sender_sandbox.clear_faults()
    sender_sandbox.fault("rate_limit", headers={"Retry-After": "3"})
    assert api.call("POST", f"/campaigns/{campaign}/send").headers["Retry-After"] == "3"
    counters = sender_sandbox.counters()
    assert counters["mails"] == 0
    assert counters["rate_limited"] == 2


@pytest.mark.parametrize("where", ["first", "last", "random"])
def test_subscribers_come_and_go_between_pages(sender_sandbox: Sandbox, api: Api, where: str) -> None:
    sender_sandbox.reset(subscribers=20)
    before = [line.split(b",")[0] for line in sender_sandbox.subscribers()]
    sender_sandbox.fault("add_subscribers", "/subscribers", "GET", count=2, where=where)
    assert api.get("/subscribers")["meta"]["total"] == 22
    after = [line.split(b",")[0] for line in sender_sandbox.subscribers()]
    assert [row for row in after if row in before] == before
    if where == "first":
        assert after[2:] == before
    if where == "last":
        assert after[:-2] == before
    sender_sandbox.fault("delete_subscribers", "/subscribers", "GET", count=3, where=where)
    assert api.get("/subscribers")["meta"]["total"] == 19
    left = [line.split(b",")[0] for line in sender_sandbox.subscribers()]
    assert [row for row in after if row in left] == left
    if where != "random":
        assert left == (after[3:] if where == "first" else after[:-3])


def test_some_addresses_are_rejected(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("reject", times=None, email="bad-*")
    found = api.expect(422, "POST", "/subscribers", {"email": "bad-1@example.com"})
    assert list(found["errors"]) == ["email"]
    api.post("/subscribers", {"email": "good@example.com"})
    errors: dict[str, Any] = {"phone": ["The phone number is invalid."]}
    sender_sandbox.fault("reject", email="worse-*", errors=errors)
    found = api.expect(422, "POST", "/subscribers", {"email": "worse-1@example.com"})
    assert found["errors"] == errors
    assert len(sender_sandbox.subscribers()) == 1


def test_times_skip_and_every_choose_the_calls(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("status", "/groups", "GET", status=500, skip=2, every=3, times=2)
    api.post("/groups", {"title": "VIP"})
    seen = [api.call("GET", "/groups").status_code for _ in range(12)]
    assert seen == [200, 200, 200, 200, 500, 200, 200, 500, 200, 200, 200, 200]
    (fault,) = sender_sandbox.faults()
    assert (fault["fired"], fault["is_over"]) == (2, True)


def test_several_faults_may_hit_one_call(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=5)
    sender_sandbox.fault("add_subscribers", "/subscribers")
    sender_sandbox.fault("status", "/subscribers", status=500)
    api.expect(500, "GET", "/subscribers")
    assert sender_sandbox.requests()[-1]["fault"] == "add_subscribers, status"
    assert len(sender_sandbox.subscribers()) == 6


def test_faults_wait_for_calls_within_the_limit(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=1)
    api.get("/groups")
    sender_sandbox.fault("drop_after", "/groups", "POST")
    assert api.call("POST", "/groups", {"title": "VIP"}).status_code == 429
    assert sender_sandbox.faults()[0]["fired"] == 0
    sender_sandbox.advance(60)
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "/groups", {"title": "VIP"})


def test_faults_wait_for_callers_with_the_token(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.fault("status", status=500)
    requests.get(f"{sender_sandbox.sender_url}/groups", headers={"Accept": "application/json"}, timeout=5)
    api.expect(500, "GET", "/groups")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("explode", {}),
        ("delay", {}),
        ("status", {"status": 42}),
        ("refuse", {"shoe": 1}),
        ("refuse", {"every": 0}),
    ],
)
def test_a_fault_that_means_nothing_is_refused(sender_sandbox: Sandbox, kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match=": 422 "):
        sender_sandbox.fault(kind, **options)
    assert sender_sandbox.faults() == []
