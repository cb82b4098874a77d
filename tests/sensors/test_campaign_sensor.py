from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.errors import ServiceFailureError
from airflow_provider_sender.jobs.waiting import MOST_FAILURES_IN_A_ROW
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from tests.jobs.accounts import service_of


class Store(dict[str, Any]):
    """What Airflow keeps for a task from one process to the next."""

    writes = 0

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        self[key] = json.loads(json.dumps(value))


@pytest.fixture
def campaign_id(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html", "content": "unsubscribe"}
    return service_of(sender_sandbox).client.create_campaign(body)


def look(campaign_id: str, store: Store | None, *, mode: str = "reschedule", try_number: int = 1, **more: Any) -> bool:
    """Look once, as a process that ends with it does."""
    sensor = SenderCampaignSensor(task_id="wait", campaign_id=campaign_id, mode=mode, **more)
    task = SimpleNamespace(
        try_number=try_number,
        start_date=datetime.now(UTC),
        xcom_push=lambda key, value: None,
        get_first_reschedule_date=lambda context: None,
    )
    context: Any = {"ti": task, **({} if store is None else {"task_state_store": store})}
    return sensor.poke(context).is_done


def test_failed_looks_are_counted_from_process_to_process(campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=503, times=None)
    store = Store()
    for _ in range(MOST_FAILURES_IN_A_ROW - 1):
        assert look(campaign_id, store) is False
    with pytest.raises(ServiceFailureError):
        look(campaign_id, store)


def test_another_try_has_another_chance(campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=503, times=None)
    store = Store()
    for try_number in (1, 2):
        for _ in range(MOST_FAILURES_IN_A_ROW - 1):
            assert look(campaign_id, store, try_number=try_number) is False


def test_a_look_that_succeeds_begins_the_count_anew(campaign_id: str, sender_sandbox: Sandbox) -> None:
    store = Store()
    for _ in range(2):
        sender_sandbox.fault("status", status=503, times=MOST_FAILURES_IN_A_ROW - 1)
        for _ in range(MOST_FAILURES_IN_A_ROW):
            assert look(campaign_id, store) is False
    writes = store.writes
    look(campaign_id, store)
    assert store.writes == writes  # nothing is written where there is nothing to count


def test_where_airflow_keeps_nothing_they_are_not_counted(campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=503, times=None)
    for _ in range(MOST_FAILURES_IN_A_ROW + 5):
        assert look(campaign_id, None) is False


def test_a_sensor_that_stays_in_its_worker_needs_no_store(campaign_id: str) -> None:
    store = Store()
    assert look(campaign_id, store, mode="poke") is False
    assert store.writes == 0


def test_a_draft_is_waited_for_as_long_as_a_timedelta_says(campaign_id: str) -> None:
    assert look(campaign_id, None, draft_timeout=timedelta(hours=1)) is False
    with pytest.raises(AirflowFailException, match="still a draft"):
        look(campaign_id, None, draft_timeout=timedelta(0))


@pytest.mark.parametrize("draft_timeout", ["600", -1, float("inf"), True])
def test_a_draft_timeout_that_is_no_time_is_refused_before_any_request(
    campaign_id: str, sender_sandbox: Sandbox, draft_timeout: object
) -> None:
    before = sender_sandbox.counters()["requests"]
    with pytest.raises(AirflowFailException, match="draft_timeout: must be a number of seconds, 0 or more"):
        look(campaign_id, None, draft_timeout=draft_timeout)
    assert sender_sandbox.counters()["requests"] == before
