"""What watches a watcher: the events it tells of, and the place where Airflow keeps what it has seen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent


class Events:
    """The campaigns a watcher tells of, and the payloads it does so with, collected while a test goes on."""

    def __init__(self, stream: AsyncIterator[TriggerEvent]) -> None:
        self.told: list[dict[str, Any]] = []
        self.payloads: list[dict[str, Any]] = []
        self._task = asyncio.ensure_future(self._collect(stream))

    async def _collect(self, stream: AsyncIterator[TriggerEvent]) -> None:
        async for event in stream:
            self.payloads.append(event.payload)
            self.told.extend(event.payload["campaigns"])

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.told]

    async def until(self, count: int) -> list[str]:
        """Wait for so many events, and a while more for one too many."""
        deadline = time.monotonic() + 10
        while len(self.told) < count:
            assert time.monotonic() < deadline, self.told
            assert not self._task.done()
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        return self.ids

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Store:
    """What Airflow keeps for an asset."""

    def __init__(self, *, fails: int = 0) -> None:
        self.kept: dict[str, str] = {}
        self.writes = 0
        self._fails = fails

    async def aget(self, key: str) -> object:
        if self._fails:
            self._fails -= 1
            raise RuntimeError("the API server is away")
        return json.loads(self.kept[key]) if key in self.kept else None

    async def aset(self, key: str, value: object) -> None:
        self.writes += 1
        self.kept[key] = json.dumps(value)
