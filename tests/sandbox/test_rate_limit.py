from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.sandbox.ratelimit import RateLimit
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api


def test_every_answer_says_what_is_left(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=3)
    seen = [api.call("GET", path) for path in ("/groups", "/groups/nope", "/subscribers", "/groups")]
    assert [response.status_code for response in seen] == [200, 404, 200, 429]
    assert [response.headers["X-RateLimit-Limit"] for response in seen] == ["3"] * 4
    assert [response.headers["X-RateLimit-Remaining"] for response in seen] == ["2", "1", "0", "0"]
    refused = seen[-1]
    assert refused.json() == {"message": "Too Many Attempts"}
    assert 55 <= int(refused.headers["Retry-After"]) <= 60
    reset = datetime.fromisoformat(refused.headers["X-RateLimit-Reset"])
    assert 55 <= reset.timestamp() - time.time() <= 61
    assert sender_sandbox.counters()["rate_limited"] == 1


def test_the_window_begins_with_its_first_request(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=1, window_seconds=60)
    sender_sandbox.advance(1000)
    assert api.call("GET", "/groups").status_code == 200
    sender_sandbox.advance(59)
    assert api.call("GET", "/groups").status_code == 429
    sender_sandbox.advance(1)
    assert api.call("GET", "/groups").status_code == 200
    assert api.call("GET", "/groups").status_code == 429


def test_who_waits_as_told_is_not_refused(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=2, window_seconds=1)
    for _ in range(2):
        api.get("/groups")
    refused = api.call("GET", "/groups")
    assert refused.status_code == 429
    reset = datetime.fromisoformat(refused.headers["X-RateLimit-Reset"]).timestamp()
    time.sleep(max(reset - time.time(), 0))
    api.get("/groups")


@pytest.mark.parametrize("form", ["epoch", "delta"])
def test_the_reset_is_written_as_the_knob_says(sender_sandbox: Sandbox, api: Api, form: str) -> None:
    sender_sandbox.reset(requests_per_window=5, reset_format=form)
    value = int(api.call("GET", "/groups").headers["X-RateLimit-Reset"])
    assert 55 <= (value if form == "delta" else value - time.time()) <= 61


def test_the_reset_is_in_the_callers_time(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=5, reset_format="epoch")
    sender_sandbox.advance(86_400)
    assert int(api.call("GET", "/groups").headers["X-RateLimit-Reset"]) - time.time() < 62


def test_a_429_can_come_without_retry_after(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=1, retry_after=False)
    api.get("/groups")
    refused = api.call("GET", "/groups")
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert "X-RateLimit-Reset" in refused.headers


def test_without_a_limit_nothing_is_said_of_one(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(requests_per_window=None)
    assert not [name for name in api.call("GET", "/groups").headers if "ratelimit" in name.lower()]


@given(
    start=st.floats(1.7e9, 1.8e9),
    window=st.floats(0.2, 120),
    gaps=st.lists(st.floats(0, 60), max_size=30),
    limit=st.integers(1, 5),
)
def test_no_window_lets_more_through_than_its_limit(start: float, window: float, gaps: list[float], limit: int) -> None:
    rate_limit, now = RateLimit(), start
    passed: dict[float, int] = {}
    for gap in gaps:
        now += gap
        found = rate_limit.take(limit, window, now)
        assert found.now < found.resets_at <= found.now + window
        assert 0 <= found.remaining <= limit
        # Nobody who waits until the second that is told is still too early.
        assert found.reset_second >= found.resets_at
        assert found.now + found.seconds_left >= found.resets_at
        passed[found.resets_at] = passed.get(found.resets_at, 0) + (not found.is_exceeded)
    assert all(count <= limit for count in passed.values())


def test_a_window_begun_just_after_a_second_ends_with_one() -> None:
    # Or a client that comes back when told would lose a second in every window.
    found = RateLimit().take(10, 60, 1_800_000_000.02)
    assert found.resets_at == found.reset_second == 1_800_000_060
