"""What a watcher tells, look by look, and what it remembers of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_sender._compat import stores_of_assets
from airflow_provider_sender.assets import campaigns_sent
from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.triggers.campaign_news import CampaignNews, payload_of
from airflow_provider_sender.triggers.event_times import BETWEEN_EVENTS, UNTIL_CLOSING_EVENTS
from airflow_provider_sender.triggers.watermark import Store as AssetStore
from airflow_provider_sender.triggers.watermark import Watermark
from tests.triggers.watching import Store

START = 1_800_000_000.0


class Watching:
    """A watcher whose looks and clock a test turns by hand."""

    def __init__(self, *stores: AssetStore, title_contains: str | None = None) -> None:
        self.now = START
        self._news = CampaignNews(Watermark(stores, "w"), title_contains, lambda: self.now)

    async def look(self, campaigns: Mapping[str, CampaignState], *, is_killed: bool = False) -> list[str] | None:
        """Return the campaigns of the event that is told after a look; None when none is."""
        overview = {
            each: Campaign(id=each, title=f"Letter {each}", state=state, service_state=state.value)
            for each, state in campaigns.items()
        }
        payload: Any = await self._news.payload(overview)
        if not is_killed:
            await self._news.keep()
        return None if payload is None else [each["id"] for each in payload["campaigns"]]


def letters(*sent: str) -> dict[str, CampaignState]:
    return {each: CampaignState.SENT if each in sent else CampaignState.SCHEDULED for each in "123456"}


async def test_all_campaigns_of_a_look_are_one_event() -> None:
    watching = Watching()
    assert await watching.look(letters()) is None
    assert await watching.look(letters("1", "2", "3", "4", "5")) == ["1", "2", "3", "4", "5"]
    assert await watching.look(letters("1", "2", "3", "4", "5")) is None


async def test_what_is_sent_soon_after_waits_and_is_told_of_together() -> None:
    watching = Watching()
    await watching.look(letters())
    assert await watching.look(letters("1")) == ["1"]
    watching.now += 1
    assert await watching.look(letters("1", "2")) is None
    watching.now += 1
    assert await watching.look(letters("1", "2", "3")) is None
    watching.now += BETWEEN_EVENTS
    assert await watching.look(letters("1", "2", "3")) == ["2", "3"]
    watching.now += UNTIL_CLOSING_EVENTS[0]
    assert await watching.look(letters("1", "2", "3")) == []
    watching.now += UNTIL_CLOSING_EVENTS[1]
    assert await watching.look(letters("1", "2", "3")) == []
    watching.now += 10 * UNTIL_CLOSING_EVENTS[1]
    assert await watching.look(letters("1", "2", "3")) is None


async def test_what_waits_to_be_told_is_told_by_the_next_process() -> None:
    store = Store()
    watching = Watching(store)
    await watching.look(letters())
    await watching.look(letters("1"))
    watching.now += 1
    assert await watching.look(letters("1", "2")) is None
    again = Watching(store)
    again.now += 2
    assert await again.look(letters("1", "2")) is None
    again.now += BETWEEN_EVENTS
    assert await again.look(letters("1", "2")) == ["2"]


async def test_what_was_told_when_the_process_was_killed_is_told_twice_rather_than_not_at_all() -> None:
    store = Store()
    watching = Watching(store)
    await watching.look(letters())
    assert await watching.look(letters("1"), is_killed=True) == ["1"]
    assert await Watching(store).look(letters("1")) == ["1"]


async def test_events_without_news_come_also_after_a_restart() -> None:
    store = Store()
    watching = Watching(store)
    await watching.look(letters())
    await watching.look(letters("1"))
    watching.now += 60
    assert await watching.look(letters("1", "2")) == ["2"]
    again = Watching(store)
    again.now += 60 + UNTIL_CLOSING_EVENTS[0]
    assert await again.look(letters("1", "2")) == []


async def test_what_another_version_kept_is_gone_on_from() -> None:
    store = Store()
    old = {"open": ["1", "2"], "newest": None, "at_newest": [], "highest": 6}
    await store.aset("sender_campaigns_w", old)
    assert await Watching(store).look(letters("1")) == ["1"]


async def test_assets_that_share_a_watcher_are_both_told_after_a_downtime() -> None:
    stores = [Store(), Store()]
    await Watching(*stores).look(letters())
    assert [list(each.kept) for each in stores] == [["sender_campaigns_w"]] * 2
    assert await Watching(*stores).look(letters("1")) == ["1"]


async def test_an_asset_that_joins_a_shared_watcher_loses_nothing_for_the_other() -> None:
    first = Store()
    await Watching(first).look(letters())
    assert await Watching(Store(), first).look(letters("1")) == ["1"]


async def test_of_two_memories_the_fresher_counts() -> None:
    stale, fresh = Store(), Store()
    await Watching(stale).look({"1": CampaignState.SENT})
    await Watching(fresh).look(letters("1", "2", "3"))
    for stores in ((stale, fresh), (fresh, stale)):
        assert await Watching(*stores).look(letters("1", "2", "3")) is None


async def test_an_airflow_that_wants_to_be_told_which_asset_is_meant_is_watched_without_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Ambiguous(Store):
        async def aget(self, key: str) -> object:
            raise ValueError("Task has 2 concrete inlets and outlets")

    watching = Watching(Ambiguous())
    assert await watching.look(letters()) is None
    assert await watching.look(letters("1")) == ["1"]
    assert caplog.text.count("give their triggers poll_intervals that differ") == 1


HAS_ASSET_STORES = find_spec("airflow.sdk.execution_time.context") is not None and hasattr(
    __import__("airflow.sdk.execution_time.context", fromlist=["context"]), "AssetStateStoreAccessors"
)


@pytest.mark.skipif(not HAS_ASSET_STORES, reason="Airflow keeps things for assets from 3.3 on")
async def test_airflow_s_own_stores_of_several_assets_are_found_and_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Asset
    from airflow.sdk.execution_time import comms, task_runner
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    kept: dict[tuple[str, str], str] = {}

    class Supervisor:
        async def asend(self, message: Any) -> Any:
            if isinstance(message, comms.SetAssetStateStoreByName):
                kept[message.name, message.key] = json.dumps(message.value)
                return None
            found = kept.get((message.name, message.key))
            return None if found is None else comms.AssetStateStoreResult(value=json.loads(found))

    class Trigger:
        asset_state_store = AssetStateStoreAccessors(inlets=[Asset("a"), Asset("b")])

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    stores = stores_of_assets(Trigger())
    assert len(stores) == 2
    await Watching(*stores).look(letters())
    assert {name for name, _ in kept} == {"a", "b"}
    assert await Watching(*stores_of_assets(Trigger())).look(letters("1")) == ["1"]


def test_before_airflow_3_3_there_is_no_store() -> None:
    assert stores_of_assets(object()) == []


# What a DAG makes of it


class Event:
    def __init__(self, payload: object) -> None:
        self.extra = {"from_trigger": True, "payload": payload}


def campaign(campaign_id: str) -> Campaign:
    return Campaign(id=campaign_id, title="T", state=CampaignState.SENT, service_state="SENT")


def test_an_event_has_the_keys_of_its_first_campaign_beside_the_list_of_all() -> None:
    payload: Any = payload_of([campaign("1"), campaign("2")])
    assert [each["id"] for each in payload["campaigns"]] == ["1", "2"]
    assert {name: value for name, value in payload.items() if name != "campaigns"} == campaign("1").summary()
    nothing: Any = payload_of([])
    assert nothing == {**dict.fromkeys(campaign("1").summary()), "campaigns": []}


def test_a_dag_finds_every_campaign_of_its_events_once() -> None:
    events = [Event(payload_of(each)) for each in ([campaign("1"), campaign("2")], [], [campaign("2"), campaign("3")])]
    assert [each["id"] for each in campaigns_sent(events)] == ["1", "2", "3"]


def test_an_event_that_somebody_made_by_hand_tells_of_no_campaign() -> None:
    by_hand = Event(None)
    by_hand.extra = {}
    assert campaigns_sent([by_hand, Event(None)]) == []
