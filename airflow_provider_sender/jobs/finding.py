"""A campaign found again by its mark, or by what an earlier try noted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.marks import marker_of, series_mark_of
from airflow_provider_sender.jobs.preflight import Sending, SendRefusedError

log = logging.getLogger(__name__)

Sleep = Callable[[float], object]


class Intents(Protocol):
    """Where a task notes what it is about to do, if Airflow keeps such a place."""

    def noted(self) -> Mapping[str, str]:
        """Return what was noted last, by an earlier try of the same task."""

    def note(self, **facts: str) -> None:
        """Note what is about to be done; what was noted before stays."""


def title_of(sending: Sending, definition: CampaignDefinition, draft_mark: str) -> str:
    """Return the internal title of a draft: what people call it, and what it is found by."""
    series, key = _marks(sending)
    return " ".join(filter(None, [definition.title or definition.subject, series, draft_mark, key]))


def first_title_of(sending: Sending, definition: CampaignDefinition) -> str:
    """Return the title with the marks first: where a service may cut off its end and there is no draft to see it on."""
    series, key = _marks(sending)
    return " ".join(filter(None, [key, series, definition.title or definition.subject]))


def _marks(sending: Sending) -> tuple[str, str]:
    return "" if sending.series is None else series_mark_of(sending.series), marker_of(sending.send_key)


def is_same_time(one: datetime, other: datetime) -> bool:
    """Tell whether two moments are the same to a service, which may keep no fractions of a second."""
    return abs(one - other) < timedelta(seconds=1)


def check_mark(service: Service, campaign: Campaign, sending: Sending) -> None:
    """Refuse a campaign whose mark the service did not keep: it would not be found again."""
    if marker_of(sending.send_key) not in campaign.title:
        raise SendRefusedError(
            campaign.id,
            "title",
            f"{service.name} did not keep the mark of the send_key at the end of its title, so it would not be found "
            "again and be sent twice. Give it a shorter title.",
        )


def poll(look: Callable[[], Campaign | None], seconds: float, sleep: Sleep) -> Campaign | None:
    """Look until there is something or the time is over; the last look is after the time is over."""
    waited, pause = 0.0, 0.5
    while True:
        found = look()
        if found is not None or waited >= seconds:
            return found
        pause = min(pause, seconds - waited)
        sleep(pause)
        waited, pause = waited + pause, min(2 * pause, 5.0)
