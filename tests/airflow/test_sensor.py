from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow


@pytest.fixture
def draft(run: Callable[..., Run], sender_sandbox: Sandbox) -> str:
    sender_sandbox.seed(rows=[{"email": "reader@example.com", "groups": ["Readers"]}])
    person = sender_sandbox.subscriber("reader@example.com")
    assert person is not None
    made = run("tests.airflow.dags.jobs", "create", group=person["subscriber_tags"][0]["id"])
    return str(made.returned["job"])


def test_both_ways_of_waiting_end_when_the_campaign_is_sent(run: Callable[..., Run], draft: str) -> None:
    assert run("tests.airflow.dags.jobs", "send", campaign=draft).state == "success"
    done = run("tests.airflow.dags.jobs", "wait", campaign=draft)
    assert done.states == {"poke": "success", "defer": "success"}
    for summary in done.returned.values():
        assert (summary["id"], summary["state"], summary["sent"]) == (draft, "sent", 1)


def test_a_wait_without_a_worker_survives_a_service_that_is_away_for_a_while(
    run: Callable[..., Run], draft: str, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.settings(send_seconds=3_600)
    assert run("tests.airflow.dags.jobs", "send", campaign=draft).state == "success"
    sender_sandbox.fault("status", path="/campaigns/*", method="GET", status=503, skip=1, times=3)

    def all_is_sent_after_three_failures() -> None:
        while sender_sandbox.faults()[0]["fired"] < 3:
            time.sleep(0.05)
        sender_sandbox.advance(3_600)

    meanwhile = threading.Thread(target=all_is_sent_after_three_failures, daemon=True)
    meanwhile.start()
    done = run("tests.airflow.dags.jobs", "wait_deferred", campaign=draft)
    meanwhile.join(10)
    assert done.state == "success"
    assert "DEFERRED" in done.log
    assert sender_sandbox.faults()[0]["fired"] == 3


def test_soft_fail_skips_at_the_first_look_too(run: Callable[..., Run]) -> None:
    assert run("tests.airflow.dags.jobs", "wait_softly", campaign="nobody").states == {"job": "skipped"}


def test_a_draft_nobody_sends_fails_the_wait_without_a_retry(run: Callable[..., Run], draft: str) -> None:
    done = run("tests.airflow.dags.jobs", "wait", campaign=draft)
    assert done.states == {"poke": "failed", "defer": "failed"}
    assert done.tries == {"poke": 1, "defer": 1}
    assert done.log.count("still a draft") >= 2


def test_an_unknown_campaign_fails_the_wait_without_a_retry(run: Callable[..., Run]) -> None:
    done = run("tests.airflow.dags.jobs", "wait", campaign="nobody")
    assert done.states == {"poke": "failed", "defer": "failed"}
    assert done.tries == {"poke": 1, "defer": 1}
    assert "There is no such thing in the account" in done.log


def test_a_deferred_wait_ends_at_the_sensors_timeout(run: Callable[..., Run], draft: str) -> None:
    done = run("tests.airflow.dags.jobs", "wait_in_vain", campaign=draft)
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "AirflowSensorTimeout" in done.log
