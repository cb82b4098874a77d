"""A process in which many triggers wait, and the longest time its event loop could do nothing else.

python -m benchmarks.waiters ours|each INTERVAL SECONDS < campaign ids, one a line

``ours`` are this package's triggers; with ``each``, every trigger looks for itself, as most triggers of Airflow's
providers do. The connection is in the environment, as ``AIRFLOW_CONN_SENDER_DEFAULT``. Prints JSON: ``statuses`` with
how many ended how, ``ended`` with when each did (epoch seconds), ``early`` with modules of ours that were imported
before the first trigger ran, and three times in seconds. ``blocked`` is the longest time between two turns of the event
loop. What other processes took of the machine is in it, so there is ``busy``, the longest part of such a time for which
this process worked, with all its threads, and ``worked``, the same for the loop's own thread.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import BaseHook, Connection
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger

_BEAT = 0.001


class Heart:
    """Beats as often as the event loop lets it."""

    def __init__(self) -> None:
        self.blocked = 0.0
        self.busy = 0.0
        self.worked = 0.0

    async def beat(self) -> None:
        """Beat for ever, and note the longest time between two beats."""
        turn, of_all, work = time.perf_counter(), time.process_time(), time.thread_time()
        while True:
            await asyncio.sleep(_BEAT)
            now, all_worked, worked = time.perf_counter(), time.process_time(), time.thread_time()
            blocked = now - turn - _BEAT
            self.blocked = max(self.blocked, blocked)
            # Threads that work at the same time, on two processors, block for no longer than the time that passes.
            self.busy = max(self.busy, min(blocked, all_worked - of_all))
            self.worked = max(self.worked, worked - work)
            turn, of_all, work = now, all_worked, worked


class LooksForItself(BaseTrigger):
    """Waits for one campaign as triggers do that know nothing of each other: dbt Cloud's, for one."""

    def __init__(self, campaign_id: str, interval: float, end_time: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it untyped
        self._campaign_id = campaign_id
        self._interval = interval
        self._end_time = end_time

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Refuse: it stays in this process."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, at the end."""
        try:
            connection = await BaseHook.aget_connection("sender_default")
            while await asyncio.to_thread(self._status, connection) != "SENT":
                if time.time() > self._end_time:
                    yield _event("timeout")
                    return
                await asyncio.sleep(self._interval)
            yield _event("sent")
        except Exception:
            yield _event("error")

    def _status(self, connection: Connection) -> str:
        import requests

        answer = requests.get(
            f"{connection.host}/campaigns/{self._campaign_id}",
            headers={"Authorization": f"Bearer {connection.password}", "Accept": "application/json"},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["data"]["status"])


def _event(status: str) -> TriggerEvent:
    return TriggerEvent({"status": status})  # type: ignore[no-untyped-call]  # Airflow left it untyped


def trigger_of(way: str, campaign_id: str, interval: float, seconds: float) -> BaseTrigger:
    """Return one of the crowd."""
    began = time.time()
    if way == "each":
        return LooksForItself(campaign_id, interval, began + seconds)
    return SenderCampaignTrigger(
        campaign_id=campaign_id,
        sender_conn_id="sender_default",
        poll_interval=interval,
        began=began,
        end_time=began + seconds,
        draft_timeout=seconds,
    )


async def end_of(trigger: BaseTrigger) -> tuple[str, float]:
    """Wait with a trigger; return how it ended, and when."""
    event = await anext(trigger.run())
    return event.payload["status"], time.time()


async def crowd(way: str, interval: float, seconds: float, campaign_ids: list[str]) -> dict[str, Any]:
    """Have as many triggers wait as there are campaigns; return what became of them."""
    early = [name for name in sys.modules if name.startswith("airflow_provider_sender.client")]
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    await asyncio.sleep(0.1)
    waiting = []
    for campaign_id in campaign_ids:
        waiting.append(asyncio.create_task(end_of(trigger_of(way, campaign_id, interval, seconds))))
        await asyncio.sleep(0)  # as the triggerer does
    ends = await asyncio.gather(*waiting)
    beating.cancel()
    return {
        "statuses": Counter(status for status, _ in ends),
        "ended": [moment for _, moment in ends],
        "blocked": heart.blocked,
        "busy": heart.busy,
        "worked": heart.worked,
        "early": early,
    }


async def _find(conn_id: str) -> Connection:
    """Return a connection as a triggerer does; before 3.3 Airflow itself finds none outside of one."""
    return BaseHook.get_connection(conn_id)


def main() -> None:
    """Do what the command says, and print the figures."""
    BaseHook.aget_connection = _find  # type: ignore[method-assign]
    BaseHook.get_connection("sender_default")  # the first time, Airflow imports much of itself
    gc.freeze()  # looking through all that Airflow has imported takes the garbage collector a tenth of a second
    way, interval, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(crowd(way, float(interval), float(seconds), sys.stdin.read().split()))))


if __name__ == "__main__":
    main()
