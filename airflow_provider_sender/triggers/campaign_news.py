"""What a watcher has to tell, and when: the campaigns that were sent, all that are known of in one event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.triggers.event_times import EventTimes
from airflow_provider_sender.triggers.watermark import Watermark

# What the summary of a campaign holds.
_KEYS = ("id", "title", "state", "service_state", "recipients", "sent", "scheduled_at", "sent_at")


class CampaignNews:
    """Turns looks at an account's campaigns into the payloads of events.

    :param watermark: up to where an earlier watcher has told.
    :param title_contains: only campaigns with this in their title.
    :param clock: returns the time, epoch seconds.
    """

    def __init__(
        self, watermark: Watermark, title_contains: str | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._watermark = watermark
        self._title_contains = (title_contains or "").casefold()
        self._clock = clock
        self._times: EventTimes | None = None
        self._untold: dict[str, Campaign] = {}

    async def payload(self, overview: Mapping[str, Campaign]) -> dict[str, object] | None:
        """Return the payload of the event that is due after a look; None when none is."""
        newly_sent = await self._watermark.newly_sent(overview)
        self._untold.update((each.id, each) for each in newly_sent if self._title_contains in each.title.casefold())
        if not self._watermark.is_read:
            return None
        times = self._times = self._times or EventTimes(self._watermark.remembered("events"))
        now = self._clock()
        if self._untold and times.may_tell(now):
            times.note_news(now)
            told = [overview.get(campaign_id, each) for campaign_id, each in self._untold.items()]
            self._untold.clear()
            return payload_of(told)
        if not self._untold and times.is_closing_due(now):
            times.note_closing(now)
            return payload_of([])
        return None

    async def keep(self) -> None:
        """Remember that all of it was told of; while something waits to be told, what was remembered before stays."""
        if self._times is not None and not self._untold:
            await self._watermark.keep(events=self._times.memory)


def payload_of(campaigns: list[Campaign]) -> dict[str, object]:
    """Return an event's payload: every campaign's summary, and beside them that of the first."""
    summaries = [each.summary() for each in campaigns]
    first: dict[str, str | int | None] = summaries[0] if summaries else dict.fromkeys(_KEYS)
    return {**first, "campaigns": summaries}
