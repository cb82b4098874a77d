from __future__ import annotations

import re

import requests

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api, draft


def test_the_page_needs_nothing_from_elsewhere(sender_sandbox: Sandbox) -> None:
    response = requests.get(f"{sender_sandbox.url}/", timeout=5)
    assert response.headers["Content-Type"].startswith("text/html")
    assert re.findall(r"(?:src|href)=\"(?!data:)[^\"]*\"|https?://|@import|url\(", response.text) == []


def test_the_page_is_told_everything_it_shows(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=40)
    campaign = api.post("/campaigns", draft(title="June"))["data"]["id"]
    api.post(f"/campaigns/{campaign}/send")
    sender_sandbox.fault("refuse", "/groups")
    sender_sandbox.advance(60)
    found = requests.get(f"{sender_sandbox.url}/_sandbox/overview", timeout=5).json()
    assert list(found["connections"]) == ["sender", "sendpulse", "sendara"]
    assert f'"host": "{sender_sandbox.sender_url}"' in found["connections"]["sender"]
    assert '"login": "sandbox-client"' in found["connections"]["sendpulse"]
    assert sum(found["subscribers"].values()) == 40
    assert {group["title"] for group in found["groups"]} == {"Newsletter", "Customers", "Product updates"}
    assert found["counters"]["campaigns"][campaign]["status"] == "SENT"
    assert found["counters"]["campaigns"][campaign]["max_mails_per_recipient"] == 1
    assert [fault["kind"] for fault in found["faults"]] == ["refuse"]
    assert [row["path"] for row in found["requests"]] == ["/campaigns", f"/campaigns/{campaign}/send"]
    assert found["ahead"] == 60


def test_looking_is_no_request(sender_sandbox: Sandbox) -> None:
    requests.get(f"{sender_sandbox.url}/_sandbox/overview", timeout=5)
    assert requests.get(f"{sender_sandbox.url}/_sandbox/health", timeout=5).json() == {"status": "ok"}
    assert sender_sandbox.counters()["requests"] == 0
