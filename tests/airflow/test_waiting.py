"""Tasks that are killed while they wait, and tasks that are tried again as the service says, in a real Airflow."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import BaseHook, Connection
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow

has_retry_policies = pytest.mark.skipif(
    find_spec("airflow.sdk.definitions.retry_policy") is None, reason="Airflow has retry policies from 3.3 on"
)
tells_triggers_of_kills = pytest.mark.skipif(
    not hasattr(BaseTrigger, "on_kill"), reason="Airflow tells triggers of kills from 3.3 on"
)
DAGS = "tests.airflow.dags.waiting"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


@pytest.fixture
def client(connection: dict[str, Any], sender_sandbox: Sandbox) -> SenderClient:
    sender_sandbox.seed(rows=[{"email": "reader@example.com"}])
    return service_of(sender_sandbox).client


def draft(client: SenderClient) -> str:
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    group = client.create_group("Readers").id
    client.upsert_subscriber({"email": "reader@example.com", "groups": [group]})
    return client.create_campaign({**body, "content": "<a>unsubscribe</a>", "groups": [group]})


def scheduled(client: SenderClient) -> str:
    made = draft(client)
    client.schedule_campaign(made, TOMORROW.strftime("%Y-%m-%d %H:%M:%S"))
    return made


def states(box: Sandbox) -> dict[str, str]:
    return {campaign_id: str(campaign["status"]) for campaign_id, campaign in box.counters()["campaigns"].items()}


def test_a_killed_task_takes_its_campaign_back_only_if_told_to(
    run: Callable[..., Run], client: SenderClient, sender_sandbox: Sandbox
) -> None:
    made = {"cancels": draft(client), "leaves": draft(client)}
    done = run(DAGS, "send_and_be_killed", campaign=made, send_at=TOMORROW.isoformat())
    assert done.states == {"cancels": "failed", "leaves": "failed"}
    assert states(sender_sandbox) == {made["cancels"]: "DRAFT", made["leaves"]: "SCHEDULED"}
    assert f"Campaign {made['cancels']} is not going to be sent" in done.log


def test_a_killed_sensor_takes_a_campaign_back_that_somebody_else_scheduled(
    run: Callable[..., Run], client: SenderClient, sender_sandbox: Sandbox
) -> None:
    made = scheduled(client)
    assert run(DAGS, "wait_and_be_killed", campaign=made).state == "failed"
    assert states(sender_sandbox) == {made: "DRAFT"}


def test_it_is_said_when_it_is_too_late_to_take_a_campaign_back(
    run: Callable[..., Run], client: SenderClient, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.settings(send_seconds=60)
    made = draft(client)
    client.send_campaign(made)
    done = run(DAGS, "wait_and_be_killed", campaign=made)
    assert done.state == "failed"
    assert "was not taken back" in done.log
    assert "too late to cancel" in done.log
    assert states(sender_sandbox) == {made: "SENDING"}


@tells_triggers_of_kills
@pytest.mark.parametrize(
    ("message", "cancels", "status"),
    [("user", True, "DRAFT"), ("user", False, "SCHEDULED"), (None, True, "SCHEDULED")],
)
async def test_a_trigger_that_is_killed_by_somebody_takes_its_campaign_back_if_told_to(
    message: str | None, cancels: bool, status: str, client: SenderClient, sender_sandbox: Sandbox
) -> None:
    """The triggerer's own code; one that only stops, because it is deployed anew, must leave campaigns alone."""
    from airflow.jobs import triggerer_job_runner

    made = scheduled(client)
    waiting = SenderCampaignTrigger(
        campaign_id=made,
        sender_conn_id="sender_default",
        poll_interval=0.1,
        began=time.time(),
        end_time=time.time() + 60,
        draft_timeout=60,
        cancel_on_kill=cancels,
    )
    runner = triggerer_job_runner.TriggerRunner()  # type: ignore[no-untyped-call]  # Airflow left it untyped
    task = asyncio.ensure_future(runner.run_trigger(1, waiting))
    runner.triggers[1] = {"task": task, "name": "waiting", "events": 0, "is_watcher": False}
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel(*([triggerer_job_runner._USER_ACTION_CANCEL_MSG] if message else []))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert states(sender_sandbox) == {made: status}


@has_retry_policies  # and a store for tasks; and in 3.1 no sensor of any kind is rescheduled in a test
def test_a_sensor_may_leave_its_worker_between_two_looks(
    run: Callable[..., Run], client: SenderClient, sender_sandbox: Sandbox
) -> None:
    made = draft(client)
    client.send_campaign(made)
    sender_sandbox.fault("status", "/campaigns/*", "GET", status=503, times=2)
    done = run(DAGS, "wait_rescheduled", campaign=made)
    assert (done.state, done.tries) == ("success", {"job": 1})
    # Each look is a process of its own, and yet they are counted.
    assert done.log.count("could not be read (2 times in a row)") == 1


def test_a_wait_that_makes_no_sense_is_refused_before_anything_is_sent(
    run: Callable[..., Run], client: SenderClient, sender_sandbox: Sandbox
) -> None:
    made = draft(client)
    done = run(DAGS, "wait_badly", campaign=made)
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "poll_interval: must be a number of seconds, 0.01 or more; got -1." in done.log
    assert states(sender_sandbox) == {made: "DRAFT"}


@has_retry_policies
def test_a_task_is_tried_again_when_the_service_says_so(
    run: Callable[..., Run], connection: dict[str, Any], sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = {**connection, "extra": json.dumps({"max_wait": 0, "max_retries": 0})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(impatient))
    sender_sandbox.fault("rate_limit", "/groups", headers={"Retry-After": "1"})
    began = time.monotonic()
    done = run(DAGS, "ask")
    assert (done.state, done.tries) == ("success", {"job": 2})
    assert time.monotonic() - began < 60  # the task's own retry_delay is an hour
    assert "The service asks for that delay" in done.log


@has_retry_policies
def test_a_task_that_trying_again_does_not_help_is_not_tried_again(
    run: Callable[..., Run], connection: dict[str, Any], sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("status", "/groups", status=401, times=None)
    done = run(DAGS, "ask")
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "Trying again changes nothing" in done.log


class ByName(dict[str, list[Any]]):
    """Events by asset, as Airflow hands them on; an asset itself cannot be a key before 3.2."""

    def __getitem__(self, asset: Any) -> list[Any]:
        return super().__getitem__(asset.name)


async def test_a_newsletter_that_is_sent_starts_the_example(
    client: SenderClient, sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher of the example tells of it, and the example reads what it is told."""
    from example_dags import on_campaign_sent as example

    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)  # as in the triggerer, before 3.3
    sender_sandbox.settings(send_seconds=0)
    path, arguments = example.newsletter_sent.watchers[0].trigger.serialize()
    module, _, name = path.rpartition(".")
    events = cast("AsyncIterator[TriggerEvent]", getattr(import_module(module), name)(**arguments).run())
    telling = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.5)
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "text", "content": "unsubscribe"}
    made = [client.create_campaign({**body, "title": title}) for title in ("An offer", "The newsletter of May")]
    for campaign_id in made:
        client.send_campaign(campaign_id)
    event = await asyncio.wait_for(telling, 10)
    function = cast("Any", example.on_campaign_sent_dag.get_task("look_at_the_figures")).python_callable
    told = SimpleNamespace(extra={"from_trigger": True, "payload": event.payload})
    assert function(ByName({example.newsletter_sent.name: [told]})) == [made[1]]


def test_the_example_runs_also_when_it_is_started_by_hand(run: Callable[..., Run]) -> None:
    assert run("example_dags.on_campaign_sent", "on_campaign_sent_dag").returned == {"look_at_the_figures": []}
