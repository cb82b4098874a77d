"""Broadcasts as Sendara writes them, and what they mean in the words of ``campaigns.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr

import msgspec

from airflow_provider_sender.client.campaigns import Campaign, CampaignState, CampaignTotals
from airflow_provider_sender.client.times import moment


class SendaraStats(msgspec.Struct):
    """What became of a broadcast's mails."""

    total: int | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    bounced: int | None = None
    complained: int | None = None
    failed: int | None = None


class SendaraBroadcast(msgspec.Struct):
    """A broadcast. The lists it goes to are under ``audience_list_id``, ``include_list_ids`` or both."""

    id: str = ""
    name: str | None = None
    status: str | None = None
    from_email: str | None = None
    subject: str | None = None
    message_type: str | None = None
    audience_list_id: str | None = None
    include_list_ids: list[str] | None = None
    exclude_list_ids: list[str] | None = None
    total_recipients: int | None = None
    sent_count: int | None = None
    failed_count: int | None = None
    test_mode: bool | None = None
    scheduled_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SendaraBroadcastAnswer(SendaraBroadcast):
    """A broadcast as calls return it: nested beside its ``stats`` by one, bare by the others."""

    broadcast: SendaraBroadcast | None = None
    stats: SendaraStats | None = None

    @property
    def itself(self) -> SendaraBroadcast:
        """The broadcast, wherever it stood."""
        return self.broadcast or self


# What Sendara's broadcast states mean; anything else is UNKNOWN, which waits. Messages spell it with one l.
BROADCAST_STATES: Mapping[str, CampaignState] = {
    "draft": CampaignState.DRAFT,
    "scheduled": CampaignState.SCHEDULED,
    "sending": CampaignState.SENDING,
    "sent": CampaignState.SENT,
    "cancelled": CampaignState.CANCELLED,
    "canceled": CampaignState.CANCELLED,
    "failed": CampaignState.FAILED,
}


def campaign_from(wire: SendaraBroadcast, stats: SendaraStats | None = None) -> Campaign:
    """Return a broadcast in common words.

    Its number of recipients is 0 until the service has worked it out, which it does when it begins to send.
    """
    state = BROADCAST_STATES.get((wire.status or "").lower(), CampaignState.UNKNOWN)
    lists = dict.fromkeys([each for each in (wire.audience_list_id, *(wire.include_list_ids or ())) if each])
    return Campaign(
        id=wire.id,
        title=wire.name or "",
        subject=wire.subject or "",
        state=state,
        service_state=wire.status or "",
        recipients=wire.total_recipients or (stats.total if stats else None) or None,
        sent=wire.sent_count if wire.sent_count is not None else (stats.sent if stats else None),
        scheduled_at=moment(wire.scheduled_at),
        created=moment(wire.created_at),
        sender_address=parseaddr(wire.from_email)[1] or None if wire.from_email else None,
        group_ids=tuple(lists),
        has_recipients=True if lists else None,
    )


def totals_from(stats: SendaraStats) -> CampaignTotals:
    """Return a broadcast's statistics in common words: no clicks, and nobody who unsubscribed."""
    return CampaignTotals(
        recipients=stats.total,
        sent=stats.sent,
        delivered=stats.delivered,
        opened=stats.opened,
        bounced=stats.bounced,
        complained=stats.complained,
        failed=stats.failed,
    )
