"""An account moved from one service to another, in a real Airflow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.hooks.services import service_for
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The account that is left, as the connection ``sendpulse_default``."""
    with Sandbox.start(subscribers=400) as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_SENDPULSE_DEFAULT", json.dumps(sandbox.sendpulse_connection))
        yield sandbox


def statuses(sandbox: Sandbox) -> dict[str, set[int]]:
    """Return the statuses everybody has in the mailing lists of an account, as the service itself tells them."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    found: dict[str, set[int]] = {}
    for book in requests.get(f"{sandbox.sendpulse_url}/addressbooks", headers=headers, timeout=10).json():
        url, offset = f"{sandbox.sendpulse_url}/addressbooks/{book['id']}/emails", 0
        while rows := requests.get(url, {"limit": 100, "offset": offset}, headers=headers, timeout=10).json():
            for row in rows:
                found.setdefault(row["email"], set()).add(row["status"])
            offset += len(rows)
    return found


def states(sandbox: Sandbox) -> Counter[str]:
    """Return how many people a Sender account has in each state, in this package's words."""
    told = Counter(json.loads(line)["status"]["email"] for line in sandbox.subscribers())
    return Counter({{"spam_reported": "complained"}.get(state, state): count for state, count in told.items()})


def test_everybody_is_moved_and_nobody_is_mailed_who_opted_out(
    run: Callable[..., Run], sender_sandbox: Sandbox, old: Sandbox, tmp_path: Path
) -> None:
    people = [json.loads(line) for line in old.subscribers()]
    active = [person["email"] for person in people if person["status"]["email"] == "active"]
    service = service_for("sendpulse_default")
    assert isinstance(service, SendPulseService)
    # Out of one list only, on the blacklist though active, and on the blacklist only.
    (first, *_) = service.find_subscribers([active[0]])[active[0]].groups
    service.client.unsubscribe(first, [active[0]])
    service.client.add_to_blacklist([active[1], "never-here@example.com"])

    done = run("example_dags.move_account", "move_account_dag", storage=str(tmp_path))
    assert done.state == "success"
    counts = done.returned["reconcile"]
    moved = {json.loads(line)["email"]: json.loads(line) for line in sender_sandbox.subscribers()}
    assert len(moved) == sum(counts.values())
    assert {moved[email]["status"]["email"] for email in (*active[:2], "never-here@example.com")} == {"unsubscribed"}
    told = statuses(old)
    assert len(told) == 400
    may_be_mailed = {email for email, each in told.items() if each <= {0, 1}} - {active[1]}
    assert {email for email, each in moved.items() if each["status"]["email"] == "active"} == may_be_mailed
    left_behind = {email for email, each in told.items() if each & {2, 3, 7} and not each - {0, 1, 2, 3, 7}}
    assert set(moved) == {*told, "never-here@example.com"} - left_behind
    assert counts == dict(states(sender_sandbox))
    before = {person["email"]: person["status"]["email"] for person in people}
    assert not [email for email, each in moved.items() if each["status"]["email"] == "active" != before[email]]
    titles = {tag["title"] for person in moved.values() for tag in person["subscriber_tags"]}
    assert titles == {tag["title"] for person in people for tag in person["subscriber_tags"]}

    again = run("example_dags.move_account", "move_account_dag", storage=str(tmp_path))
    assert again.returned["push_people"]["sent"] == 0
    assert again.returned["reconcile"] == counts
