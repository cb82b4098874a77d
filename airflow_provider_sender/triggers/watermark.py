"""Up to where a watcher has told of an account's campaigns, remembered where Airflow keeps such things."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.jobs.overview import SentSince

log = logging.getLogger(__name__)


class Store(Protocol):
    """What Airflow keeps for an asset, since 3.3."""

    async def aget(self, key: str) -> object:
        """Return what was kept, or None."""

    async def aset(self, key: str, value: object) -> None:
        """Keep something."""


class Watermark:
    """Tells what was sent since the last look, by this process or an earlier one.

    Without a store, as on older Airflow, it begins with what is sent by then.

    :param stores: those of the assets that are watched. Assets whose watchers are equal share one, in Airflow, which
        then tells all of them; so each of them is told up to the same place, and that is kept with each.
    :param watcher: what tells the watcher from others of the same asset.
    """

    def __init__(self, stores: Sequence[Store], watcher: str) -> None:
        self._stores = stores
        self._key = f"sender_campaigns_{watcher}"
        self._memory: Mapping[str, object] | None = None
        self._kept: object = None
        self._since: SentSince | None = None

    @property
    def is_read(self) -> bool:
        """Whether it is known by now what an earlier process remembered."""
        return self._since is not None

    def remembered(self, name: str) -> object:
        """Return what else an earlier process remembered under a name."""
        return self._memory.get(name) if self._memory is not None else None

    async def newly_sent(self, overview: Mapping[str, Campaign]) -> list[Campaign]:
        """Return what was sent since the last call."""
        if self._since is None:
            try:
                self._memory = await self._freshest()
            except ValueError as error:  # an Airflow that wants to be told which of several assets is meant
                log.warning(
                    "What was seen is not kept, as several assets share this watcher: give their triggers "
                    "poll_intervals that differ (%s)",
                    error,
                )
                self._stores = ()
            except Exception as error:
                # Going on without it could pass over a campaign for good; the next look is time enough.
                log.warning("What was seen by an earlier process could not be read: %s", error)
                return []
            self._since = SentSince(self._memory)
        return self._since.newly_sent(overview)

    async def keep(self, **more: object) -> None:
        """Remember that all of it was told of, and whatever else there is to remember."""
        memory = {**self._since.memory, **more} if self._since is not None else None
        if memory is None or memory == self._kept:
            return
        try:
            for store in self._stores:
                await store.aset(self._key, memory)
        except Exception as error:
            log.warning("What was seen could not be kept with the asset: %s", error)
        else:
            self._kept = memory

    async def _freshest(self) -> Mapping[str, object] | None:
        """Return what was remembered last: where assets came to be watched together, one may know less than another."""
        found = [memory for store in self._stores if isinstance(memory := await store.aget(self._key), Mapping)]
        return max(found, key=lambda memory: (str(memory.get("newest") or ""), _number(memory)), default=None)


def _number(memory: Mapping[str, object]) -> int:
    highest = memory.get("highest")
    return highest if isinstance(highest, int) else -1
