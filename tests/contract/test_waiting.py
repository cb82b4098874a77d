"""Waiting without a worker: what holds for every service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.operators.campaigns import SenderCreateCampaignOperator, SenderSendCampaignOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from airflow_provider_sender.triggers.campaigns import SenderCampaignEventTrigger, SenderCampaignTrigger
from tests.contract.accounts import CONN_ID, VIPS, Account
from tests.deferral import TaskDeferred
from tests.triggers.watching import Events, Store


def trigger(campaign_id: str, **options: Any) -> SenderCampaignTrigger:
    now = time.time()
    given: dict[str, Any] = {"poll_interval": 0.05, "began": now, "end_time": now + 60, "draft_timeout": 60}
    return SenderCampaignTrigger(campaign_id=campaign_id, sender_conn_id=CONN_ID, **{**given, **options})


async def event_of(waiting: Any) -> Mapping[str, Any]:
    """Return what a trigger tells, made again from what it says of itself, as a triggerer does."""
    event = await anext(type(waiting)(**waiting.serialize()[1]).run())
    return dict(event.payload)


def send(account: Account, title: str = "VIP", **more: Any) -> str:
    """Have a campaign sent, and return its id."""
    more = {"send_key": f"k{time.monotonic_ns()}", **more}
    sent: str = account.run(SenderSendCampaignOperator, campaign=account.campaign(title), **more)
    return sent


def test_a_task_that_waits_outside_of_a_worker_goes_on_when_the_campaign_is_sent(account: Account) -> None:
    sent = send(account)
    sensor = SenderCampaignSensor(
        task_id="wait", sender_conn_id=CONN_ID, campaign_id=sent, deferrable=True, poke_interval=0.2, timeout=30
    )
    context = account.context()
    context["ti"].start_date = datetime.now(UTC)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context)
    event = asyncio.run(event_of(deferred.value.trigger))
    summary = sensor.execute_complete(context, dict(event))
    assert (summary["id"], summary["state"]) == (sent, "sent")
    assert summary["sent"] in (len(VIPS), None)


def test_the_task_that_sends_waits_outside_of_a_worker(account: Account) -> None:
    send_and_wait = SenderSendCampaignOperator(
        task_id="send",
        sender_conn_id=CONN_ID,
        campaign=account.campaign("VIP"),
        wait_for_completion=True,
        deferrable=True,
        poll_interval=0.2,
    )
    with pytest.raises(TaskDeferred) as deferred:
        send_and_wait.execute(account.context())
    event = asyncio.run(event_of(deferred.value.trigger))
    sent = send_and_wait.execute_complete(account.context(), dict(event))
    assert account.service.campaign(sent).state == "sent"
    assert set(account.mails()) == set(VIPS)


async def test_a_campaign_nobody_knows_ends_the_wait_at_once(account: Account) -> None:
    unknown = "bc_999999" if account.kind.name == "Sendara" else "99999999"
    event = await event_of(trigger(unknown))
    assert event["status"] == "error"
    assert event["campaign"] is None


async def test_an_outage_of_a_few_looks_is_survived(account: Account) -> None:
    sent = await asyncio.to_thread(send, account)
    for fault in ("drop_before", "truncate"):
        account.sandbox.fault(fault, method="GET", path=account.kind.look, times=2)
    account.sandbox.fault("status", method="GET", path=account.kind.look, status=503, times=3)
    account.sandbox.fault("rate_limit", method="GET", path=account.kind.look, times=1)
    event = await event_of(trigger(sent))
    assert (event["status"], event["campaign"]["state"]) == ("sent", "sent")


async def test_a_key_that_is_revoked_ends_the_wait(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # That a client's id and secret are refused is remembered for a while; a static key is another matter.
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", account.connection(login=""))
    sent = await asyncio.to_thread(send, account, send_at=f"{datetime.now(UTC).year + 1}-01-05T08:00:00+00:00")
    account.sandbox.fault("status", status=401, times=None)
    event = await event_of(trigger(sent))
    assert event["status"] == "error"
    assert account.sandbox.token not in str(event)


async def test_time_that_is_up_is_told(account: Account) -> None:
    sent = await asyncio.to_thread(send, account, send_at=f"{datetime.now(UTC).year + 1}-01-05T08:00:00+00:00")
    event = await event_of(trigger(sent, end_time=time.time() + 0.3))
    assert event["status"] == "timeout"


async def test_many_that_wait_on_an_account_cost_few_requests_and_only_read(account: Account) -> None:
    sent = await asyncio.to_thread(send, account)
    before = len(account.sandbox.requests())
    events = await asyncio.gather(*(event_of(trigger(sent, poll_interval=0.5)) for _ in range(30)))
    assert {event["status"] for event in events} == {"sent"}
    made = account.sandbox.requests()[before:]
    assert {request["method"] for request in made if "oauth" not in request["path"]} == {"GET"}
    assert len(made) <= 12


async def test_a_watcher_tells_of_each_campaign_once_also_over_a_restart(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_sender.triggers.event_times.BETWEEN_EVENTS", 0.0)
    await asyncio.to_thread(send, account)  # no news
    await asyncio.sleep(1.2)
    store = Store()
    made: list[str] = []
    for _ in range(2):
        watching = SenderCampaignEventTrigger(sender_conn_id=CONN_ID, poll_interval=0.1)
        watching.asset_state_store = store  # type: ignore[assignment]  # as the triggerer does
        events = Events(watching.run())
        if not made:
            await asyncio.sleep(0.5)
            made.append(await asyncio.to_thread(send, account))
        assert await events.until(1) == [made[-1]]
        assert {event["state"] for event in events.told} == {"sent"}
        await events.stop()
        made.append(await asyncio.to_thread(send, account))  # while nobody watches


async def test_a_watcher_looks_for_a_title_and_outlasts_an_outage(account: Account) -> None:
    watching = SenderCampaignEventTrigger(sender_conn_id=CONN_ID, poll_interval=0.1, title_contains="OFFER")
    events = Events(watching.run())
    await asyncio.sleep(0.4)
    account.sandbox.fault("status", method="GET", status=503, times=3)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(send, account)
    offer = {**account.campaign("VIP"), "title": "An offer"}
    made = await asyncio.to_thread(account.run, SenderSendCampaignOperator, campaign=offer, send_key="offer")
    assert await events.until(1) == [made]
    await events.stop()


async def test_a_draft_is_waited_for_no_longer_than_it_may_be_one(account: Account) -> None:
    campaign = account.campaign()
    draft = await asyncio.to_thread(account.run, SenderCreateCampaignOperator, campaign=campaign)
    event = await event_of(trigger(draft, draft_timeout=0))
    assert event["status"] == "never"
    with pytest.raises(AirflowFailException):
        SenderCampaignSensor(task_id="wait", campaign_id=draft).execute_complete(account.context(), dict(event))
