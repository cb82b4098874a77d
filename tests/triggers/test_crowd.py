"""A thousand triggers in one process, against the sandbox: what they ask for, and whether the event loop stays free."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of

COUNT = 1000
INTERVAL = 2.0


@pytest.fixture
def client(sender_sandbox: Sandbox) -> SenderClient:
    sender_sandbox.seed(rows=[{"email": "ann@example.com"}])
    return service_of(sender_sandbox).client


def drafts(client: SenderClient, count: int) -> list[str]:
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    return [client.create_campaign({**body, "content": "<a>unsubscribe</a>" * 100}) for _ in range(count)]


def crowd(box: Sandbox, campaign_ids: list[str], *, interval: float, seconds: float = 60) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.waiters", "ours", str(interval), str(seconds)],
        input="\n".join(campaign_ids),
        env={**os.environ, "AIRFLOW_CONN_SENDER_DEFAULT": json.dumps(box.connection), "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_thousand_triggers_ask_little_are_told_soon_and_leave_the_event_loop_free(
    sender_sandbox: Sandbox, client: SenderClient
) -> None:
    sender_sandbox.settings(send_seconds=3_600)
    made = drafts(client, COUNT)
    for campaign_id in made:
        client.send_campaign(campaign_id)
    before = sender_sandbox.counters()["requests"]
    sent = []

    def all_are_sent() -> None:
        sender_sandbox.advance(3_600)
        sent.append(time.time())

    began = time.time()
    timer = threading.Timer(4 * INTERVAL, all_are_sent)
    timer.start()
    found = crowd(sender_sandbox, made, interval=INTERVAL)
    timer.join()
    requests = sender_sandbox.counters()["requests"] - before
    assert found["statuses"] == {"sent": COUNT}
    assert found["early"] == []
    assert requests <= 15 * (max(found["ended"]) - began) / INTERVAL
    # Two seconds for the machine, which may be busy with something else, and for the sandbox with ten pages.
    assert max(found["ended"]) - sent[0] <= INTERVAL + 2.0
    assert found["worked"] <= 0.05


def test_a_slow_request_holds_up_neither_the_event_loop_nor_anybody_else(
    sender_sandbox: Sandbox, client: SenderClient
) -> None:
    slow, quick = drafts(client, 2)
    for campaign_id in (slow, quick):
        client.send_campaign(campaign_id)
    sender_sandbox.settings(send_seconds=0)
    sender_sandbox.fault("delay", f"/campaigns/{slow}", "GET", seconds=2, times=None)
    sender_sandbox.advance(10)
    found = crowd(sender_sandbox, [slow, quick], interval=0.5)
    assert found["statuses"] == {"sent": 2}
    of_slow, of_quick = found["ended"]
    assert of_slow - of_quick > 1.5
    assert found["blocked"] < 1
