"""A process in which many triggers wait, and the longest time its event loop could do nothing else.

python -m tests.triggers.crowd INTERVAL SECONDS CAMPAIGN_ID ...

The connection is in the environment, as ``AIRFLOW_CONN_SENDER_DEFAULT``. Prints JSON: ``statuses`` with how many ended
how, ``ended`` with when each did (epoch seconds), ``blocked`` with the longest time between two turns of the event loop
(seconds), ``worked`` with the most that its thread worked in one turn (the rest is what other processes took of the
machine), and ``early`` with modules of ours that were imported on the event loop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from typing import Any

from airflow.sdk import BaseHook, Connection

from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger

_BEAT = 0.001


class Heart:
    """Beats as often as the event loop lets it."""

    def __init__(self) -> None:
        self.blocked = 0.0
        self.worked = 0.0

    async def beat(self) -> None:
        turn, work = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(_BEAT)
            now, worked = time.perf_counter(), time.thread_time()
            self.blocked = max(self.blocked, now - turn - _BEAT)
            self.worked = max(self.worked, worked - work)
            turn, work = now, worked


async def end_of(campaign_id: str, interval: float, seconds: float) -> tuple[str, float]:
    began = time.time()
    waiting = SenderCampaignTrigger(
        campaign_id=campaign_id,
        sender_conn_id="sender_default",
        poll_interval=interval,
        began=began,
        end_time=began + seconds,
        draft_timeout=seconds,
    )
    event = await anext(waiting.run())
    return event.payload["status"], time.time()


async def crowd(interval: float, seconds: float, campaign_ids: list[str]) -> dict[str, Any]:
    early = [name for name in sys.modules if name.startswith("airflow_provider_sender.client")]
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    await asyncio.sleep(0.1)
    waiting = []
    for campaign_id in campaign_ids:
        waiting.append(asyncio.create_task(end_of(campaign_id, interval, seconds)))
        await asyncio.sleep(0)  # as the triggerer does
    ends = await asyncio.gather(*waiting)
    beating.cancel()
    return {
        "statuses": Counter(status for status, _ in ends),
        "ended": [moment for _, moment in ends],
        "blocked": heart.blocked,
        "worked": heart.worked,
        "early": early,
    }


async def _find(conn_id: str) -> Connection:
    """Return a connection as a triggerer does; before 3.3 Airflow itself finds none outside of one."""
    return BaseHook.get_connection(conn_id)


def main() -> None:
    BaseHook.aget_connection = _find  # type: ignore[method-assign]
    BaseHook.get_connection("sender_default")  # the first time, Airflow imports much of itself
    gc.freeze()  # looking through all that Airflow has imported takes the garbage collector a tenth of a second
    print(json.dumps(asyncio.run(crowd(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))))


if __name__ == "__main__":
    main()
