from __future__ import annotations

import asyncio
import json
import math
import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetWatcher, BaseHook, Connection
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.triggers.campaigns import SenderCampaignEventTrigger
from tests.jobs.accounts import service_of
from tests.triggers.watching import Events, Store

shares_streams = pytest.mark.skipif(
    not hasattr(BaseEventTrigger, "shared_stream_key"), reason="Airflow shares streams from 3.3 on"
)


@pytest.fixture
def client(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SenderClient:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))

    # Before 3.3 Airflow finds no connection asynchronously outside a triggerer.
    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)
    sender_sandbox.settings(send_seconds=0)
    sender_sandbox.seed(rows=[{"email": "ann@example.com"}])
    return service_of(sender_sandbox).client


@pytest.fixture(autouse=True)
def events_close_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute between two events is what ``test_event_times.py`` is about."""
    monkeypatch.setattr("airflow_provider_sender.triggers.event_times.BETWEEN_EVENTS", 0.0)


def watcher(**options: Any) -> SenderCampaignEventTrigger:
    return SenderCampaignEventTrigger(**{"poll_interval": 0.05, **options})


def draft(client: SenderClient, title: str) -> str:
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    return client.create_campaign({**body, "title": title, "content": "<a>unsubscribe</a>"})


def test_it_is_made_again_from_what_it_says_of_itself() -> None:
    made = watcher(title_contains="News")
    path, arguments = made.serialize()
    assert path == "airflow_provider_sender.triggers.campaigns.SenderCampaignEventTrigger"
    assert json.loads(json.dumps(arguments)) == arguments
    assert SenderCampaignEventTrigger(**arguments).serialize() == (path, arguments)


def test_airflow_can_write_a_watched_asset_down() -> None:
    from airflow.serialization import serialized_objects

    asset = Asset("sent", watchers=[AssetWatcher(name="any", trigger=watcher(title_contains="News"))])
    with DAG("watching", schedule=[asset]) as dag:
        pass
    # Its name changed with 3.2.
    names = ("DagSerialization", "SerializedDAG")
    serialized: Any = next(filter(None, (getattr(serialized_objects, name, None) for name in names)))
    written = json.dumps(serialized.to_dict(dag))
    assert "SenderCampaignEventTrigger" in written
    assert "title_contains" in written


def test_an_interval_is_kept_as_seconds_however_it_is_given() -> None:
    minute = watcher(poll_interval=timedelta(minutes=1))
    path, arguments = minute.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert (path, arguments) == watcher(poll_interval=60).serialize()
    assert minute.shared_stream_key() == watcher(poll_interval=60).shared_stream_key()


@pytest.mark.parametrize("interval", [0, -60, 0.001, timedelta(0), math.inf, math.nan, "60", None, True])
async def test_an_interval_that_is_none_ends_the_watching_before_it_begins(
    client: SenderClient, sender_sandbox: Sandbox, interval: Any
) -> None:
    before = sender_sandbox.counters()["requests"]
    watching = watcher(poll_interval=interval)
    with pytest.raises(ConfigurationError, match=r"poll_interval: must be a number of seconds, 0\.01 or more"):
        await anext(watching.run())
    with pytest.raises(ConfigurationError, match="poll_interval"):
        await anext(watching.open_shared_stream(watching.serialize()[1]))
    assert sender_sandbox.counters()["requests"] == before


async def test_an_interval_may_be_a_timedelta(client: SenderClient) -> None:
    events = Events(watcher(poll_interval=timedelta(milliseconds=50)).run())
    await asyncio.sleep(0.3)
    made = draft(client, "A")
    client.send_campaign(made)
    assert await events.until(1) == [made]
    await events.stop()


async def test_every_campaign_that_is_sent_is_told_of_once(client: SenderClient) -> None:
    old = draft(client, "Old")
    client.send_campaign(old)
    made = draft(client, "First")
    events = Events(watcher().run())
    await asyncio.sleep(0.3)
    client.send_campaign(made)
    assert await events.until(1) == [made]
    second = draft(client, "Second")
    client.send_campaign(second)
    assert await events.until(2) == [made, second]
    await events.stop()
    assert events.told[0]["title"] == "First"
    assert set(events.told[0]) == {
        "id", "title", "state", "service_state", "recipients", "sent", "scheduled_at", "sent_at",
    }  # fmt: skip


async def test_campaigns_that_are_sent_at_once_are_told_of_in_one_event(client: SenderClient) -> None:
    made = [draft(client, f"Letter {number}") for number in range(5)]
    events = Events(watcher(poll_interval=0.6).run())
    await asyncio.sleep(0.3)
    for campaign_id in made:
        client.send_campaign(campaign_id)
    assert sorted(await events.until(5)) == sorted(made)
    await events.stop()
    (payload,) = events.payloads
    assert {name: value for name, value in payload.items() if name != "campaigns"} == payload["campaigns"][0]


async def test_only_campaigns_of_a_title_are_told_of(client: SenderClient) -> None:
    events = Events(watcher(title_contains="newsletter").run())
    await asyncio.sleep(0.3)
    made = [draft(client, title) for title in ("Offer", "The Newsletter of May", "Reminder")]
    for campaign_id in made:
        client.send_campaign(campaign_id)
    assert await events.until(1) == [made[1]]
    await events.stop()


async def test_what_was_sent_while_nobody_watched_is_told_of_where_that_is_remembered(client: SenderClient) -> None:
    made = [draft(client, title) for title in "ABC"]
    store = Store()
    for campaign_id in made[:2]:
        watching = watcher()
        watching.asset_state_store = store  # type: ignore[assignment]  # as the triggerer does
        events = Events(watching.run())
        if campaign_id == made[0]:
            await asyncio.sleep(0.3)
            client.send_campaign(campaign_id)
        assert await events.until(1) == [campaign_id]
        await events.stop()
        client.send_campaign(made[1])
    assert store.writes <= 4  # it is written when something changed, not at every look


async def test_a_store_that_fails_for_a_while_loses_nothing(client: SenderClient) -> None:
    made = draft(client, "A")
    store = Store()
    for fails in (0, 3):
        watching = watcher()
        store._fails = fails
        watching.asset_state_store = store  # type: ignore[assignment]
        events = Events(watching.run())
        await asyncio.sleep(0.3)
        if fails:
            assert await events.until(1) == [made]
        await events.stop()
        if not fails:
            client.send_campaign(made)


async def test_the_service_and_the_token_failing_end_no_watching(
    client: SenderClient, sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_sender.triggers import campaign_stream

    monkeypatch.setattr(campaign_stream, "_BEFORE_SOMEBODY_HAS_MENDED_IT", 0.05)
    made = draft(client, "A")
    events = Events(watcher().run())
    await asyncio.sleep(0.3)
    sender_sandbox.fault("status", status=503, times=3)
    sender_sandbox.fault("status", status=401, times=3)
    await asyncio.sleep(0.6)
    client.send_campaign(made)
    assert await events.until(1) == [made]
    await events.stop()


async def test_watching_costs_a_request_a_look_and_only_reads(client: SenderClient, sender_sandbox: Sandbox) -> None:
    draft(client, "A")
    before = len(sender_sandbox.requests())
    events = Events(watcher(poll_interval=0.2).run())
    await asyncio.sleep(2)
    await events.stop()
    made = [(request["method"], request["path"]) for request in sender_sandbox.requests()][before:]
    assert set(made) == {("GET", "/campaigns")}
    assert len(made) <= 11


@shares_streams
async def test_watchers_of_a_connection_look_together(client: SenderClient, sender_sandbox: Sandbox) -> None:
    import structlog
    from airflow.triggers.shared_stream import SharedStreamManager

    manager = SharedStreamManager(
        log=structlog.get_logger(), max_subscriber_queue=100, ack_timeout=60, cohort_grace_period=0
    )
    made = [draft(client, title) for title in ("News", "Offer")]
    watchers = [watcher(poll_interval=0.2, title_contains=part) for part in ("news", "offer", None)]
    keys = {each.shared_stream_key() for each in watchers}
    assert len(keys) == 1
    assert watcher(sender_conn_id="another").shared_stream_key() not in keys
    (key,) = keys
    before = sender_sandbox.counters()["requests"]
    began = time.monotonic()
    told = [
        Events(each.filter_shared_stream(manager.subscribe(trigger_id=number, trigger=each, key=key)))
        for number, each in enumerate(watchers)
    ]
    await asyncio.sleep(0.5)
    for campaign_id in made:
        client.send_campaign(campaign_id)
    assert sorted(await told[2].until(2)) == sorted(made)  # in the same second
    assert (told[0].ids, told[1].ids) == ([made[0]], [made[1]])
    looks = (time.monotonic() - began) / 0.2
    for each in told:
        await each.stop()
    await manager.stop_all()
    assert sender_sandbox.counters()["requests"] - before <= looks + 4
