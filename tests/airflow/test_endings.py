"""Whatever keeps a campaign from being sent ends its task at once, with one clear line in the log."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pytest

from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow


@pytest.fixture
def group(sender_sandbox: Sandbox, connection: object) -> str:
    """The id of a group of one reader."""
    sender_sandbox.seed(rows=[{"email": "reader@example.com", "groups": ["Readers"]}])
    person = sender_sandbox.subscriber("reader@example.com")
    assert person is not None
    found: str = person["subscriber_tags"][0]["id"]
    return found


def campaign(sandbox: Sandbox, **changes: Json) -> str:
    """Return the id of a draft that somebody made in Sender."""
    body = {"subject": "News", "from": "Shop", "reply_to": "shop@example.com", "content_type": "html"}
    content = "<p>Dear reader</p><a href='{$unsubscribe_link}'>Unsubscribe</a>"
    return service_of(sandbox).client.create_campaign({**body, "content": content, **changes})


def ended(done: Run, line: str) -> None:
    """Hold a run's end against the line that is to tell why."""
    assert (done.state, set(done.tries.values())) == ("failed", {1})
    told = [each for each in done.log.splitlines() if re.search(rf"AirflowFailException: .*{line}", each)]
    assert len(told) == 1, done.log


def test_a_draft_without_content_is_not_sent(run: Callable[..., Run], sender_sandbox: Sandbox, group: str) -> None:
    draft = campaign(sender_sandbox, content="", groups=[group])
    done = run("tests.airflow.dags.jobs", "send", campaign=draft)
    ended(done, rf"Campaign {draft} was not sent \(draft\): it has no content\.")
    assert sender_sandbox.counters()["mails"] == 0


def test_an_audience_outside_of_the_limits_is_not_mailed(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    draft = campaign(sender_sandbox, groups=[group])
    done = run("tests.airflow.dags.jobs", "send_to_many", campaign=draft)
    ended(done, r"was not sent \(min_recipients\): it has 1, at least 1000 are asked for\.")
    assert sender_sandbox.counters()["mails"] == 0


def test_a_campaign_the_service_refuses_to_send_is_not_sent(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    draft = campaign(sender_sandbox, groups=[group])
    sender_sandbox.fault("refuse", "/campaigns/*/send", "POST", message="Your account is under review")
    done = run("tests.airflow.dags.jobs", "send", campaign=draft)
    ended(done, r"was not sent \(refused by the service\): .*Your account is under review")


def meanwhile(sandbox: Sandbox, act: Callable[[], object]) -> threading.Thread:
    """Do something when the wait has looked at the campaigns three times."""

    def wait_and_act() -> None:
        def looks() -> int:
            return sum(each["method"] == "GET" and "/campaigns" in each["path"] for each in sandbox.requests())

        before = looks()
        while looks() < before + 3:
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    return thread


def scheduled(sandbox: Sandbox, group: str) -> str:
    """Return the id of a campaign that will be sent in a year, so that there is something to wait for."""
    draft = campaign(sandbox, groups=[group])
    service_of(sandbox).client.schedule_campaign(draft, "2099-01-01 09:00:00")
    return draft


def test_a_campaign_that_is_deleted_ends_the_wait(run: Callable[..., Run], sender_sandbox: Sandbox, group: str) -> None:
    waited_for = scheduled(sender_sandbox, group)
    deleting = meanwhile(sender_sandbox, lambda: service_of(sender_sandbox).client.delete_campaigns([waited_for]))
    done = run("tests.airflow.dags.jobs", "wait_deferred", campaign=waited_for)
    deleting.join(10)
    ended(done, rf"campaign_id: there is no campaign {waited_for}\. There is no such thing in the account")


def test_a_token_that_expires_ends_the_wait(run: Callable[..., Run], sender_sandbox: Sandbox, group: str) -> None:
    waited_for = scheduled(sender_sandbox, group)
    expiring = meanwhile(
        sender_sandbox,
        lambda: sender_sandbox.fault("status", "*", status=401, times=None, body={"message": "Unauthenticated."}),
    )
    done = run("tests.airflow.dags.jobs", "wait_deferred", campaign=waited_for)
    expiring.join(10)
    ended(done, r"The API access token is missing, wrong, expired or revoked")


def test_a_service_that_is_away_for_two_minutes_ends_nothing(
    run: Callable[..., Run], sender_sandbox: Sandbox, group: str
) -> None:
    """Two minutes of looks once a minute are two looks; here, where looks are quicker, it is away for five of them."""
    sender_sandbox.settings(send_seconds=3_600)
    draft = campaign(sender_sandbox, groups=[group])
    assert run("tests.airflow.dags.jobs", "send", campaign=draft).state == "success"
    sender_sandbox.fault("status", path="/campaigns*", method="GET", status=503, skip=1, times=5)

    def is_sent_afterwards() -> None:
        while sender_sandbox.faults()[0]["fired"] < 5:
            time.sleep(0.05)
        sender_sandbox.advance(3_600)

    coming_back = threading.Thread(target=is_sent_afterwards, daemon=True)
    coming_back.start()
    done = run("tests.airflow.dags.jobs", "wait_deferred", campaign=draft)
    coming_back.join(10)
    assert (done.state, done.returned["job"]["state"]) == ("success", "sent")
    assert sender_sandbox.faults()[0]["fired"] == 5
