"""An account's newest campaigns, looked at again and again: what all watchers of one connection share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.client.errors import ServiceError
from airflow_provider_sender.hooks.services import service_for_trigger
from airflow_provider_sender.jobs.overview import Overview
from airflow_provider_sender.operators.parameters import seconds
from airflow_provider_sender.triggers.members import SHORTEST_INTERVAL

log = logging.getLogger(__name__)

# What looking again cannot mend somebody may mend meanwhile: the connection, say.
_BEFORE_SOMEBODY_HAS_MENDED_IT = 300.0


def checked_interval(poll_interval: float | timedelta) -> float:
    """Return how many seconds lie between two looks.

    :raises ConfigurationError: when that is no number, or too small.
    """
    return seconds(poll_interval, "poll_interval", least=SHORTEST_INTERVAL)


async def overviews(conn_id: str, interval: float) -> AsyncIterator[Mapping[str, Campaign]]:
    """Yield the newest campaigns of an account, by id, every so many seconds, for ever.

    Nothing ends it: no task would fail if a watcher gave up, so nobody would know. What goes wrong is logged, and after
    an error that is final the connection is read anew.
    """
    overview: Overview | None = None
    while True:
        pause = interval
        try:
            if overview is None:
                overview = Overview(await service_for_trigger(conn_id))
            seen = await asyncio.to_thread(overview.look)
        except Exception as error:
            if isinstance(error, ServiceError) and error.retryable:
                pause = max(interval, error.retry_after or 0.0)
                log.warning("Campaigns of connection %s could not be read: %s", conn_id, error)
            else:
                overview = None
                pause = max(interval, _BEFORE_SOMEBODY_HAS_MENDED_IT)
                log.error("Campaigns of connection %s cannot be watched: %s", conn_id, error)
        else:
            yield seen
        await asyncio.sleep(pause)
