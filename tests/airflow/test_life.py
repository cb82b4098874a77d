"""A campaign's whole life in a real Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow


def group_of_all(sandbox: Sandbox) -> str:
    """Return the id of a group of everybody, three people who can be mailed and one who cannot."""
    people = [{"email": f"{name}@example.org", "groups": ["All"]} for name in "abc"]
    sandbox.seed(rows=[*people, {"email": "out@example.org", "groups": ["All"], "status": "unsubscribed"}])
    person = sandbox.subscriber("a@example.org")
    assert person is not None
    group: str = person["subscriber_tags"][0]["id"]
    return group


def test_made_approved_scheduled_cancelled_sent_waited_for_reported_and_announced(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    group = group_of_all(sender_sandbox)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
    done = run(
        "tests.airflow.dags.life", "life", passed_over="approve", group=group, path=str(tmp_path), send_at=tomorrow
    )
    assert done.state == "success"
    assert set(done.states.values()) == {"success"}
    assert set(done.tries.values()) <= {0, 1}
    campaign = done.returned["create"]
    assert {done.returned[task] for task in ("schedule", "cancel", "send")} == {campaign}
    assert sender_sandbox.mails(campaign) == {f"{name}@example.org": 1 for name in "abc"}
    by_path = sender_sandbox.counters()["by_path"]
    assert by_path["POST /campaigns/{id}/schedule"] == by_path["DELETE /campaigns/{id}/schedule"] == 1
    assert by_path["POST /campaigns/{id}/send"] == 1
    assert done.returned["wait"]["state"] == "sent"
    assert done.returned["report"]["totals"]["sent"] == 3
    rows = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert len(rows) == done.returned["report"]["rows"]
    assert "<html" in (tmp_path / "report.html").read_text()
    (mail,) = sender_sandbox.messages()
    assert mail["subject"] == "[Airflow] DAG life succeeded"


def test_the_approved_newsletter_is_a_copy_and_is_compared_with_the_one_before(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    group = group_of_all(sender_sandbox)
    client = service_of(sender_sandbox).client
    body = {
        "subject": "Master",
        "from": "Example Ltd",
        "reply_to": "news@example.com",
        "content_type": "html",
        "content": "<h1>News</h1><a href='{$unsubscribe_link}'>Unsubscribe</a>",
        "groups": [group],
    }
    master = client.create_campaign(body)
    done = run("example_dags.approved_newsletter", passed_over="approve", storage=str(tmp_path), master=master)
    assert done.state == "success"
    sent = client.get_campaign(done.returned["send_newsletter"])
    assert (sent.subject, sent.status) == ("What is new in January", "SENT")
    assert sender_sandbox.counters()["max_mails_per_recipient"] == 1
    (mail,) = sender_sandbox.messages()
    assert mail["text"].startswith("3 were sent, ")
    assert {path.name for path in tmp_path.iterdir()} == {"newsletter-2026-01-05.csv.gz", "newsletter-2026-01-05.html"}
