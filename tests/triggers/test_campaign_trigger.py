from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_provider_sender.client.errors import SenderError, ServiceFailureError
from airflow_provider_sender.jobs.waiting import MOST_FAILURES_IN_A_ROW, CampaignTimeoutError
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.triggers import campaigns
from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger, campaign_of_event


def trigger(campaign_id: str, **options: Any) -> SenderCampaignTrigger:
    given: dict[str, Any] = {
        "campaign_id": campaign_id,
        "sender_conn_id": "sender_default",
        "poll_interval": 0.01,
        "began": time.time(),
        "end_time": time.time() + 60,
        "draft_timeout": 60,
        "accept_partly_sent": False,
    }
    return SenderCampaignTrigger(**{**given, **options})


async def event_of(waiting: SenderCampaignTrigger) -> dict[str, Any]:
    payload = (await anext(waiting.run())).payload
    return dict(payload)


@pytest.fixture
def campaign_id(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    from airflow_provider_sender.hooks.sender import SenderHook

    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))

    # Before 3.3 Airflow finds no connection asynchronously outside a triggerer; in one it does (see tests/airflow).
    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)
    sender_sandbox.seed(rows=[{"email": "ann@example.com"}])
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    return SenderHook().create_campaign({**body, "content": "<a>unsubscribe</a>"})


def test_a_trigger_is_made_again_from_what_it_says_of_itself() -> None:
    waiting = trigger("c1", end_time=12.5)
    path, arguments = waiting.serialize()
    assert path == "airflow_provider_sender.triggers.campaigns.SenderCampaignTrigger"
    assert json.loads(json.dumps(arguments)) == arguments
    assert SenderCampaignTrigger(**arguments).serialize() == (path, arguments)


async def test_it_ends_when_the_campaign_is_sent(campaign_id: str, sender_sandbox: Sandbox) -> None:
    from airflow_provider_sender.hooks.sender import SenderHook

    sender_sandbox.settings(send_seconds=0.1)
    SenderHook().send_campaign(campaign_id)
    event = await event_of(trigger(campaign_id))
    assert event["status"] == "sent"
    assert campaign_of_event(event)["sent"] == 1


async def test_it_only_reads(campaign_id: str, sender_sandbox: Sandbox) -> None:
    before = len(sender_sandbox.requests())
    await event_of(trigger(campaign_id, draft_timeout=0))
    assert {request["method"] for request in sender_sandbox.requests()[before:]} <= {"GET", "POST"}
    assert sender_sandbox.counters()["mails"] == 0


async def test_a_draft_nobody_sends_is_never_sent(campaign_id: str) -> None:
    event = await event_of(trigger(campaign_id, draft_timeout=0))
    assert event["status"] == "never"
    with pytest.raises(SenderError, match="still a draft"):
        campaign_of_event(event)


async def test_it_stops_when_time_is_up(campaign_id: str) -> None:
    event = await event_of(trigger(campaign_id, end_time=time.time()))
    with pytest.raises(CampaignTimeoutError, match="left alone"):
        campaign_of_event(event)


async def test_a_service_away_for_a_while_is_survived(campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=503, times=MOST_FAILURES_IN_A_ROW - 1)
    event = await event_of(trigger(campaign_id, draft_timeout=0))
    assert event["status"] == "never"


async def test_a_service_away_for_too_long_is_an_error(campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=503, times=None)
    event = await event_of(trigger(campaign_id))
    assert event["status"] == "away"
    with pytest.raises(ServiceFailureError, match="The service failed") as failure:
        campaign_of_event(event)
    assert failure.value.retryable  # so that Airflow's retries apply


@pytest.mark.parametrize(("status", "words"), [(401, "missing, wrong"), (404, "no such thing")])
async def test_what_trying_again_cannot_mend_ends_the_wait_when_it_was_seen_twice(
    status: int, words: str, campaign_id: str, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("status", status=status, times=None)
    before = sender_sandbox.counters()["requests"]
    event = await event_of(trigger(campaign_id))
    assert event["status"] == "error"
    assert words in event["message"]
    assert sender_sandbox.counters()["requests"] - before == 2


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_is_said_once_ends_no_wait(status: int, campaign_id: str, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", status=status, times=1)
    event = await event_of(trigger(campaign_id, draft_timeout=0.5))
    assert (event["status"], sender_sandbox.faults()[0]["fired"]) == ("never", 1)


async def test_time_is_up_when_it_is_up_however_slow_the_answer(
    campaign_id: str, sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "_LAST_LOOK", 0.2)
    sender_sandbox.fault("delay", seconds=600, times=None)
    try:
        event = await event_of(trigger(campaign_id, end_time=time.time() + 0.5))
    finally:
        sender_sandbox.reset()
    assert event["status"] == "timeout"


async def test_time_is_up_when_it_is_up_though_nobody_says_what_the_connection_is(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(conn_id: str) -> Connection:
        await asyncio.Event().wait()
        raise AssertionError("it is never told")

    monkeypatch.setattr(campaigns, "_LAST_LOOK", 0.2)
    monkeypatch.setattr(BaseHook, "aget_connection", never)
    event = await event_of(trigger(campaign_id, end_time=time.time() + 0.5))
    assert event["status"] == "timeout"


@pytest.mark.parametrize("event", [None, {}, {"status": "wonderful"}, {"status": None}, "sent"])
def test_an_event_that_is_none_of_ours_fails(event: Any) -> None:
    with pytest.raises(SenderError, match="not one of this package's"):
        campaign_of_event(event)


async def test_a_draft_deleted_while_it_is_waited_for_ends_the_wait(campaign_id: str) -> None:
    from airflow_provider_sender.hooks.sender import SenderHook

    waiting = asyncio.ensure_future(event_of(trigger(campaign_id)))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await asyncio.to_thread(SenderHook().delete_campaigns, [campaign_id])
    event = await waiting
    assert event["status"] == "error"
    assert "no such thing" in event["message"]


async def test_a_token_that_expires_during_the_wait_ends_it(campaign_id: str, sender_sandbox: Sandbox) -> None:
    waiting = asyncio.ensure_future(event_of(trigger(campaign_id)))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    sender_sandbox.fault("status", status=401, times=None)
    event = await waiting
    assert event["status"] == "error"
    assert "missing, wrong, expired or revoked" in event["message"]
    assert sender_sandbox.token not in event["message"]


async def test_a_token_that_is_replaced_during_the_wait_is_taken_up(
    campaign_id: str, sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    worn = Connection(conn_id="sender_default", conn_type="sender", host=sender_sandbox.sender_url, password="worn-out")
    found = [worn, BaseHook.get_connection("sender_default")]

    async def find(conn_id: str) -> Connection:
        return found.pop(0)

    monkeypatch.setattr(BaseHook, "aget_connection", find)
    event = await event_of(trigger(campaign_id, draft_timeout=0))
    assert event["status"] == "never"
    assert [request["status"] for request in sender_sandbox.requests()][-3:] == [401, 200, 200]


async def test_triggers_of_one_event_loop_look_together(campaign_id: str, sender_sandbox: Sandbox) -> None:
    before = sender_sandbox.counters()["requests"]
    waiting = [event_of(trigger(campaign_id, poll_interval=1, draft_timeout=0)) for _ in range(20)]
    events = await asyncio.gather(*waiting)
    assert {event["status"] for event in events} == {"never"}
    # One more, if a quarter of the interval was over just when they came.
    assert sender_sandbox.counters()["requests"] - before <= 3


def test_triggers_of_different_event_loops_do_not(campaign_id: str, sender_sandbox: Sandbox) -> None:
    before = sender_sandbox.counters()["requests"]
    for _ in range(2):
        asyncio.run(event_of(trigger(campaign_id, draft_timeout=0)))
    assert sender_sandbox.counters()["requests"] - before == 4
