"""One mail a recipient, by the sandbox's count, whatever happens to the task; the sandbox mails again when asked
again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow

SEND = "/campaigns/*/send"


@pytest.fixture
def group(connection: dict[str, Any], sender_sandbox: Sandbox) -> str:
    """A group with five people in it."""
    sender_sandbox.seed(rows=[{"email": f"reader-{number}@example.com", "groups": ["Readers"]} for number in range(5)])
    person = sender_sandbox.subscriber("reader-0@example.com")
    assert person is not None
    return str(person["subscriber_tags"][0]["id"])


@pytest.fixture
def draft(run: Callable[..., Run], group: str) -> str:
    """A draft to that group, made by the operator that makes drafts."""
    return str(run("tests.airflow.dags.jobs", "create", group=group).returned["job"])


def assert_sent_once(box: Sandbox) -> None:
    counters = box.counters()
    sent = [campaign for campaign in counters["campaigns"].values() if campaign["mails"]]
    assert [campaign["recipients"] for campaign in sent] == [5]
    assert counters["max_mails_per_recipient"] == 1
    assert counters["mails"] == 5


def test_a_draft_is_made_once_however_often_the_task_runs(
    run: Callable[..., Run], group: str, draft: str, sender_sandbox: Sandbox
) -> None:
    assert run("tests.airflow.dags.jobs", "create", group=group).returned["job"] == draft
    assert list(sender_sandbox.counters()["campaigns"]) == [draft]
    assert sender_sandbox.counters()["mails"] == 0


@pytest.mark.parametrize("form", ["send", "send_new"])
@pytest.mark.parametrize("fault", [None, "drop_after", "drop_before"])
def test_a_lost_reply_and_a_cleared_task_send_nothing_twice(
    form: str, fault: str | None, run: Callable[..., Run], group: str, draft: str, sender_sandbox: Sandbox
) -> None:
    conf = {"campaign": draft} if form == "send" else {"group": group}
    if fault:
        sender_sandbox.fault(fault, path=SEND, method="POST")
    first = run("tests.airflow.dags.jobs", form, **conf)
    # Nothing arrived at all: nobody can tell, so the task gives up and says what to look at. Clearing it sends.
    assert first.state == ("failed" if fault == "drop_before" else "success")
    if fault == "drop_before":
        assert "clear the task" in first.log
        assert first.tries == {"job": 1}
    assert run("tests.airflow.dags.jobs", form, **conf).state == "success"
    assert_sent_once(sender_sandbox)


@pytest.mark.parametrize("fault", ["delay", "delay_after"])
def test_a_worker_killed_around_the_call_that_sends_is_followed_by_one_that_sends_nothing_twice(
    fault: str,
    run: Callable[..., Run],
    worker: Callable[..., subprocess.Popen[bytes]],
    draft: str,
    sender_sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    """The service is slow with its answer, before or after it has done its part, and the worker dies meanwhile."""
    sender_sandbox.fault(fault, path=SEND, method="POST", seconds=0.3)
    process = worker("tests.airflow.dags.jobs", "send", tmp_path / "results.json", campaign=draft)
    deadline = time.monotonic() + 60
    while not sender_sandbox.faults()[0]["fired"]:
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    sender_sandbox.clear_faults()
    assert run("tests.airflow.dags.jobs", "send", campaign=draft).state == "success"
    assert_sent_once(sender_sandbox)


def test_a_refused_send_fails_without_a_retry_and_gives_the_services_reason(
    run: Callable[..., Run], draft: str, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("refuse", path=SEND, method="POST", times=None, message="The domain is not verified")
    refused = run("tests.airflow.dags.jobs", "send", campaign=draft)
    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert "The domain is not verified" in refused.log
    assert sender_sandbox.counters()["mails"] == 0


def test_a_campaign_is_scheduled_and_taken_back(run: Callable[..., Run], draft: str, sender_sandbox: Sandbox) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
    assert run("tests.airflow.dags.jobs", "schedule", campaign=draft, send_at=tomorrow).state == "success"
    assert sender_sandbox.counters()["campaigns"][draft]["status"] == "SCHEDULED"
    assert run("tests.airflow.dags.jobs", "schedule", campaign=draft, send_at=tomorrow).state == "success"
    assert run("tests.airflow.dags.jobs", "cancel", campaign=draft).state == "success"
    assert sender_sandbox.counters()["campaigns"][draft]["status"] == "DRAFT"
    assert sender_sandbox.counters()["mails"] == 0


def test_a_sent_campaign_cannot_be_taken_back(run: Callable[..., Run], draft: str) -> None:
    assert run("tests.airflow.dags.jobs", "send", campaign=draft).state == "success"
    late = run("tests.airflow.dags.jobs", "cancel", campaign=draft)
    assert (late.state, late.tries) == ("failed", {"job": 1})
    assert "too late to cancel" in late.log


@pytest.mark.parametrize(
    ("send_at", "words"),
    [
        ("2030-01-01T09:00:00", "has no time zone"),
        ("2020-01-01T09:00:00Z", "has passed"),
        ("soon", "no ISO-8601 time"),
        (None, "send_at: is empty"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_before_anything_is_sent(
    send_at: str | None, words: str, run: Callable[..., Run], draft: str, sender_sandbox: Sandbox
) -> None:
    refused = run("tests.airflow.dags.jobs", "schedule", campaign=draft, send_at=send_at)
    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert words in refused.log
    assert sender_sandbox.counters()["mails"] == 0
    assert sender_sandbox.counters()["by_path"].get("POST /campaigns/{id}/schedule", 0) == 0


def test_sending_and_waiting_ends_when_it_is_sent(run: Callable[..., Run], group: str, sender_sandbox: Sandbox) -> None:
    done = run("tests.airflow.dags.jobs", "send_and_wait", group=group)
    assert set(done.states.values()) == {"success"}
    campaigns = sender_sandbox.counters()["campaigns"]
    assert set(done.returned.values()) == set(campaigns)
    assert {campaign["status"] for campaign in campaigns.values()} == {"SENT"}
    assert sender_sandbox.counters()["max_mails_per_recipient"] == 1
