"""Up to where a watcher has told of an account's campaigns, remembered where Airflow keeps such things."""

from __future__ import annotations

import logging
from collections.abc import Mapping
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

    :param store: the asset's, if there is one.
    :param watcher: what tells the watcher from others of the same asset.
    """

    def __init__(self, store: Store | None, watcher: str) -> None:
        self._store = store
        self._key = f"sender_campaigns_{watcher}"
        self._kept: object = None
        self._since: SentSince | None = None

    async def newly_sent(self, overview: Mapping[str, Campaign]) -> list[Campaign]:
        """Return what was sent since the last call."""
        if self._since is None:
            try:
                self._kept = await self._remembered()
            except Exception as error:
                # Going on without it could pass over a campaign for good; the next look is time enough.
                log.warning("What was seen by an earlier process could not be read: %s", error)
                return []
            self._since = SentSince(self._kept if isinstance(self._kept, Mapping) else None)
        return self._since.newly_sent(overview)

    async def keep(self) -> None:
        """Remember that all of it was told of."""
        if self._store is None or self._since is None or self._since.memory == self._kept:
            return
        try:
            await self._store.aset(self._key, self._since.memory)
        except Exception as error:
            log.warning("What was seen could not be kept with the asset: %s", error)
        else:
            self._kept = self._since.memory

    async def _remembered(self) -> object:
        if self._store is None:
            return None
        try:
            return await self._store.aget(self._key)
        except ValueError as error:  # one watcher on several assets: Airflow does not say which of them is meant
            log.warning("What was seen is not kept: give each asset a watcher of its own (%s)", error)
            self._store = None
            return None
