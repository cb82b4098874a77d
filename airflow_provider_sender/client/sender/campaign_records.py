"""Campaigns as Sender writes them, and what they mean in the words of ``campaigns.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo

import msgspec

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.times import moment


class SenderCampaignContent(msgspec.Struct):
    """What a campaign says."""

    html_content: str | None = None
    html_body: str | None = None


class SenderCampaign(msgspec.Struct):
    """A campaign. ``from_`` is a display name, ``reply_to`` the address it is sent from."""

    id: str
    title: str | None = None
    subject: str | None = None
    status: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    reply_to: str | None = None
    recipient_count: int | None = None
    sent_count: int | None = None
    schedule_time: str | None = None
    sent_time: str | None = None
    created: str | None = None
    modified: str | None = None
    send_to_all: bool | None = None
    campaign_groups: list[str] | None = None
    segments: list[str] | None = None
    preheader: str | None = None
    opens: int | None = None
    clicks: int | None = None
    bounces_count: int | None = None
    html: SenderCampaignContent | None = None


# What Sender's campaign states mean. PENDING and PREPARING are attested by a delete filter only, the next two by other
# clients' caution; anything else is UNKNOWN, which waits.
CAMPAIGN_STATES: Mapping[str, CampaignState] = {
    "DRAFT": CampaignState.DRAFT,
    "SCHEDULED": CampaignState.SCHEDULED,
    "PENDING": CampaignState.SENDING,
    "PREPARING": CampaignState.SENDING,
    "QUEUED": CampaignState.SENDING,
    "PROCESSING": CampaignState.SENDING,
    "SENDING": CampaignState.SENDING,
    "SENT": CampaignState.SENT,
    "FAILED": CampaignState.FAILED,
    "CANCELLED": CampaignState.CANCELLED,
}


def campaign_from(wire: SenderCampaign, zone: tzinfo = UTC) -> Campaign:
    """Return a campaign in common words.

    :param zone: the account's time zone, in which Sender keeps ``schedule_time``.

    A ``sent_time`` decides whatever the status says: it is the one sign of the end that every client found reliable.
    """
    state = CAMPAIGN_STATES.get((wire.status or "").upper(), CampaignState.UNKNOWN)
    if wire.sent_time and state in (CampaignState.UNKNOWN, CampaignState.DRAFT):
        state = CampaignState.SENT
    is_told = None not in (wire.campaign_groups, wire.segments, wire.send_to_all)
    return Campaign(
        id=wire.id,
        title=wire.title or "",
        subject=wire.subject or "",
        state=state,
        service_state=wire.status or "",
        recipients=wire.recipient_count,
        sent=wire.sent_count,
        scheduled_at=moment(wire.schedule_time, zone),
        sent_at=moment(wire.sent_time),
        created=moment(wire.created),
        sender_address=wire.reply_to,
        group_ids=tuple(wire.campaign_groups or ()),
        segment_ids=tuple(wire.segments or ()),
        has_content=None if wire.html is None else bool(wire.html.html_content or wire.html.html_body),
        has_recipients=bool(wire.campaign_groups or wire.segments or wire.send_to_all) if is_told else None,
    )


def definition_from(wire: SenderCampaign) -> CampaignDefinition:
    """Return what another campaign can be made from. Whether it was made in Sender's own editor is lost."""
    content = "" if wire.html is None else wire.html.html_content or wire.html.html_body or ""
    is_html = "<" in content
    return CampaignDefinition(
        subject=wire.subject or "",
        from_name=wire.from_ or "",
        from_email=wire.reply_to or "",
        html=content if is_html else None,
        text=None if is_html else content,
        title=wire.title,
        preheader=wire.preheader,
        group_ids=tuple(wire.campaign_groups or ()),
        segment_ids=tuple(wire.segments or ()),
        to_everyone=bool(wire.send_to_all) and not (wire.campaign_groups or wire.segments),
    )
