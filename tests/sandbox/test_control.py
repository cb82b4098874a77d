from __future__ import annotations

import json
import time

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.api import Api

KNOBS = {
    "requests_per_window", "window_seconds", "retry_after", "reset_format", "send_seconds", "state_delay_seconds",
    "delete_seconds", "group_visibility_seconds", "listing_delay_seconds", "max_limit", "time_zone",
    "created_format", "stable_ties", "ignore_order", "post_conflict", "post_reactivates", "post_groups",
    "patch_groups", "post_fields", "post_status", "membership_keys", "campaign_patch",
}  # fmt: skip

SENDPULSE_KNOBS = {
    "requests_per_second", "requests_per_minute", "requests_per_day", "burst_status", "campaigns_per_hour",
    "token_seconds", "errors_in_200", "error_form", "numbers", "order", "batch_limit", "plain_addresses",
    "tags", "statistics", "scheduled_status", "scheduled_at_once", "moderation_seconds", "cancel_while_sending",
    "date_key", "smtp_user", "lookup_limit", "lookup_unknown", "deleted_lists", "blacklist_page", "text_required",
    "unsubscribe_body",
}  # fmt: skip


def test_all_knobs_are_there(sender_sandbox: Sandbox) -> None:
    there = set(sender_sandbox.settings())
    assert {name for name in there if not name.startswith(("sendpulse_", "sendara_"))} == KNOBS
    assert {name.removeprefix("sendpulse_") for name in there if name.startswith("sendpulse_")} == SENDPULSE_KNOBS


def test_a_reset_brings_everything_back(sender_sandbox: Sandbox, api: Api) -> None:
    original = sender_sandbox.settings()
    sender_sandbox.settings(max_limit=7, created_format="plain")
    sender_sandbox.seed(count=10)
    sender_sandbox.fault("refuse", times=None)
    sender_sandbox.advance(1000)
    api.expect(400, "POST", "/groups", {"title": "VIP"})
    assert sender_sandbox.reset(post_status=201) == {**original, "post_status": 201}
    assert sender_sandbox.faults() == []
    assert sender_sandbox.counters() == {
        "requests": 0,
        "by_path": {},
        "rate_limited": 0,
        "mails": 0,
        "max_mails_per_recipient": 0,
        "campaigns": {},
        "messages": 0,
    }
    assert sender_sandbox.requests() == []
    assert api.get("/groups")["data"] == []
    assert sender_sandbox.subscribers() == []


@pytest.mark.parametrize(
    "knobs",
    [{"shoe_size": 43}, {"max_limit": 0}, {"reset_format": "roman"}, {"time_zone": "Mars/Base"}, {"retry_after": 1}],
)
def test_a_knob_that_means_nothing_is_refused(sender_sandbox: Sandbox, knobs: dict[str, int | str]) -> None:
    before = sender_sandbox.settings()
    with pytest.raises(SandboxError, match=": 422 "):
        sender_sandbox.settings(**knobs)
    with pytest.raises(SandboxError, match=": 422 "):
        sender_sandbox.reset(subscribers=0, **knobs)
    assert sender_sandbox.settings() == before


def test_requests_are_counted_by_endpoint_and_logged(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(count=3)
    found = api.get("/subscribers", limit=2)["data"]
    for row in found:
        api.get(f"/subscribers/{row['id']}")
    api.expect(404, "GET", "/nowhere")
    counters = sender_sandbox.counters()
    assert counters["requests"] == 4
    assert counters["by_path"] == {"GET /subscribers": 1, "GET /subscribers/{key}": 2, "GET (unknown)": 1}
    log = sender_sandbox.requests()
    assert [(row["method"], row["path"], row["query"], row["status"]) for row in log] == [
        ("GET", "/subscribers", "limit=2", 200),
        *(("GET", f"/subscribers/{row['id']}", "", 200) for row in found),
        ("GET", "/nowhere", "", 404),
    ]
    assert abs(log[0]["time"] - time.time()) < 60
    assert [row["id"] for row in sender_sandbox.requests(limit=1)] == [4]


def test_made_up_people_are_the_same_for_the_same_seed(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=300)
    first = sender_sandbox.subscribers()
    sender_sandbox.reset(subscribers=300)
    assert sender_sandbox.subscribers() == first
    rows = [json.loads(line) for line in first]
    assert {row["status"]["email"] for row in rows} > {"active", "unsubscribed"}
    assert len({row["created"] for row in rows}) < len(rows)
    assert [row["created"] for row in rows] == sorted(row["created"] for row in rows)


def test_seeding_adds(sender_sandbox: Sandbox) -> None:
    assert sender_sandbox.seed(count=10) == 10
    assert sender_sandbox.seed(count=5, rows=[{"email": "a@example.com"}]) == 16
    assert len(sender_sandbox.subscribers()) == 16


@pytest.mark.parametrize(
    "row",
    [
        {"email": "subscriber-000001@example.com"},
        {"email": "x@example.com", "shoe": 1},
        {"email": "x@example.com", "created": "yesterday"},
        {"email": "x@example.com", "status": "happy"},
        {},
    ],
)
def test_a_row_that_cannot_be_is_refused_with_all_others(sender_sandbox: Sandbox, row: dict[str, int | str]) -> None:
    sender_sandbox.seed(count=1)
    with pytest.raises(SandboxError, match=": 422 "):
        sender_sandbox.seed(rows=[{"email": "fine@example.com"}, row])
    assert len(sender_sandbox.subscribers()) == 1


def test_one_subscriber_by_address(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(rows=[{"email": "a+b@example.com", "firstname": "A"}])
    found = sender_sandbox.subscriber("A+B@example.com")
    assert found is not None
    assert found["firstname"] == "A"
    assert sender_sandbox.subscriber("nobody@example.com") is None


def test_a_large_account_can_be_read_to_its_last_page(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=100_000)
    found = {
        row["id"]
        for page in range(990, 1001)
        for row in api.get("/subscribers", limit=100, page=page, order="created", direction="asc")["data"]
    }
    assert len(found) == 1_100
