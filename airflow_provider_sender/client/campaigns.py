"""Campaigns in the words that hold for every service: what one is made of, where it stands, and what became of it.

Each service's own spelling is mapped into these once (``sender/campaign_records.py`` and its siblings); jobs, operators
and sensors know nothing else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

import msgspec


class CampaignState(enum.StrEnum):
    """Where a campaign is in its life; what a service calls it is mapped in one table per service."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    PARTLY_SENT = "partly_sent"
    CANCELLED = "cancelled"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"
    UNKNOWN = "unknown"

    @property
    def has_left_draft(self) -> bool:
        """Whether mails went out, are going out, or will without anything more being done."""
        return self in _SENT_OR_WILL_BE


_SENT_OR_WILL_BE = {
    CampaignState.SCHEDULED,
    CampaignState.SENDING,
    CampaignState.SENT,
    CampaignState.PARTLY_SENT,
}


class Campaign(msgspec.Struct, frozen=True):
    """A campaign as an account has it, without its content.

    :param title: the internal name, which recipients never see.
    :param service_state: the state in the service's own words.
    :param recipients: how many it goes to, as far as the service has worked that out.
    :param sent: mails handed over so far.
    :param scheduled_at: when it is to be sent, in UTC; likewise ``sent_at`` and ``created``.
    :param sender_address: the address it is sent from.
    :param has_content: whether it has something to send; None when the service does not tell.
    :param has_recipients: whether groups, segments or the whole account are named; None when the service does not tell.
    """

    id: str
    title: str = ""
    subject: str = ""
    state: CampaignState = CampaignState.UNKNOWN
    service_state: str = ""
    recipients: int | None = None
    sent: int | None = None
    scheduled_at: datetime | None = None
    sent_at: datetime | None = None
    created: datetime | None = None
    sender_address: str | None = None
    group_ids: tuple[str, ...] = ()
    segment_ids: tuple[str, ...] = ()
    has_content: bool | None = None
    has_recipients: bool | None = None

    def summary(self) -> dict[str, str | int | None]:
        """Return what is worth an XCom: small, and nobody's data."""
        return {
            "id": self.id,
            "title": self.title,
            "state": self.state.value,
            "service_state": self.service_state,
            "recipients": self.recipients,
            "sent": self.sent,
            "scheduled_at": self.scheduled_at.isoformat() if self.scheduled_at else None,
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
        }


class CampaignsPage(msgspec.Struct, frozen=True):
    """One page of an account's campaigns.

    :param number: its number, from 1.
    :param last: number of the last page as of this answer.
    """

    campaigns: tuple[Campaign, ...]
    number: int
    last: int


class CampaignTotals(msgspec.Struct, frozen=True):
    """What became of a campaign's mails, in recipients; None where the service does not tell.

    :param recipients: whom it was meant for.
    :param sent: mails handed over.
    :param delivered: mails that did not bounce.
    :param opened: recipients who opened it, as far as that can be seen; likewise the others.
    :param bounced: bounces of either kind, where the service does not tell them apart.
    :param failed: mails that were not handed over.
    """

    recipients: int | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    clicked: int | None = None
    hard_bounced: int | None = None
    soft_bounced: int | None = None
    bounced: int | None = None
    unsubscribed: int | None = None
    complained: int | None = None
    failed: int | None = None


class EventKind(enum.StrEnum):
    """What a recipient of a campaign did, or what befell the mail."""

    OPEN = "open"
    CLICK = "click"
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"


class CampaignEvent(msgspec.Struct, frozen=True):
    """One recipient's doing.

    :param occurred_at: when, in UTC; None where the service does not tell.
    :param url: the link that was clicked.
    """

    kind: EventKind
    email: str | None = None
    subscriber_id: str | None = None
    occurred_at: datetime | None = None
    url: str | None = None


class CampaignDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign to be created, in words that hold for every service.

    :param subject: what recipients read first.
    :param from_name: the sender's name as recipients see it.
    :param from_email: the address it is sent from; its domain must be verified with the service.
    :param html: the content; must hold the service's unsubscribe tag.
    :param text: the content as plain text, when there is no HTML.
    :param title: internal name, default the subject.
    :param preheader: the line shown after the subject in an inbox.
    :param group_ids: groups (lists) it goes to.
    :param segment_ids: segments it goes to.
    :param to_everyone: it goes to the whole account, and that is meant; else groups or segments must be named.
    :param extra: anything else the service's create call takes, in the service's own words.
    """

    subject: str
    from_name: str
    from_email: str
    html: str | None = None
    text: str | None = None
    title: str | None = None
    preheader: str | None = None
    group_ids: tuple[str, ...] = ()
    segment_ids: tuple[str, ...] = ()
    to_everyone: bool = False
    extra: Mapping[str, str | int | float | bool | None] = {}
