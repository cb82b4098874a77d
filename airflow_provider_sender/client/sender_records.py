"""Sender's own shapes, and what they mean in the words of ``records.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Generic, TypeVar

import msgspec

from airflow_provider_sender.client.loose import Loose, field_value_from, text_from
from airflow_provider_sender.client.records import (
    Campaign,
    CampaignDefinition,
    CampaignState,
    Consent,
    Field,
    FieldType,
    Json,
    Subscriber,
    moment,
)

T = TypeVar("T")


class Data(msgspec.Struct, Generic[T]):
    """``{"data": ...}``, the envelope of a single object."""

    data: T


class Done(msgspec.Struct):
    """The answer to a change. ``message`` may be a text, an empty list or an object of lists."""

    success: bool | None = None
    message: Json = None
    data: Json = None


class Meta(msgspec.Struct):
    """Where in a listing a page stands."""

    current_page: int
    last_page: int
    total: int
    per_page: int | None = None


class ListPage(msgspec.Struct, Generic[T]):
    """One page of a listing. Its ``links`` point at other hosts and are not read at all."""

    data: list[T]
    meta: Meta


class SubscriberTag(msgspec.Struct):
    """A group as a subscriber's row names it."""

    id: str
    title: str | None = None


class SubscriberColumn(msgspec.Struct):
    """A field of a subscriber; ``default`` marks the built-in ones."""

    title: str | None = None
    value: Json = None
    default: bool | None = None


class SenderSubscriber(msgspec.Struct):
    """A subscriber as Sender returns one."""

    id: str
    email: str | None = None
    firstname: Loose = None
    lastname: Loose = None
    phone: Loose = None
    created: str | None = None
    status: Json = None
    ip_address: Loose = None
    bounced_at: str | None = None
    unsubscribed_at: str | None = None
    location: Json = None
    source: Loose = None
    subscriber_tags: list[SubscriberTag] | None = None
    columns: list[SubscriberColumn] | None = None


class SenderGroup(msgspec.Struct):
    """A group; its counts are worked out some time after a change."""

    id: str
    title: str | None = None
    account_id: str | None = None
    recipient_count: int | None = None
    active_subscribers: int | None = None
    unsubscribed_count: int | None = None
    bounced_count: int | None = None
    phone_count: int | None = None
    created: str | None = None
    modified: str | None = None
    is_recalculating_subscribers: bool | None = None


class SenderField(msgspec.Struct):
    """A custom field; built-in ones have no id. ``field_name`` is its merge tag, ``{$plan}``."""

    title: str | None = None
    id: str | None = None
    type: str | None = None
    field_name: str | None = None
    default: bool | None = None
    show: bool | None = None


class SenderSegment(msgspec.Struct):
    """A segment. The counts are null when a single one is read."""

    id: str
    name: str | None = None
    conditions: Json = None
    created: str | None = None
    modified: str | None = None
    subscribers: int | None = None
    active_subscribers: int | None = None


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


class SenderMessage(msgspec.Struct):
    """The answer to a transactional mail."""

    success: bool | None = None
    message: Json = None
    email_id: str | None = msgspec.field(default=None, name="emailId")


class SenderWebhook(msgspec.Struct):
    """An account webhook."""

    id: str
    url: str | None = None
    topic: str | None = None
    status: str | None = None


class SenderWorkflow(msgspec.Struct):
    """An automation workflow."""

    id: str
    title: str | None = None
    status: str | None = None
    emails_sent: int | None = None
    type: str | None = None


class SenderTransactional(msgspec.Struct):
    """A transactional campaign: a template transactional mail is sent from."""

    id: str
    title: str | None = None
    subject: str | None = None
    editor: str | None = None


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

# What a subscriber's status means as it is read; lower case, ``bounced`` and ``spam_reported`` presumably so.
CONSENTS: Mapping[str, Consent] = {
    "active": Consent.ACTIVE,
    "unsubscribed": Consent.UNSUBSCRIBED,
    "non-subscribed": Consent.UNSUBSCRIBED,
    "bounced": Consent.BOUNCED,
    "spam_reported": Consent.COMPLAINED,
    "unconfirmed": Consent.UNCONFIRMED,
}

# How a change asks for a state; upper case, and not every state can be asked for.
WRITTEN_CONSENTS: Mapping[Consent, str] = {
    Consent.ACTIVE: "ACTIVE",
    Consent.UNSUBSCRIBED: "UNSUBSCRIBED",
    Consent.BOUNCED: "BOUNCED",
    Consent.COMPLAINED: "SPAM_REPORTED",
}


def every(list_page: Callable[[int], ListPage[T]]) -> list[T]:
    """Return all rows of a small collection that hardly ever moves."""
    first = list_page(1)
    rows = list(first.data)
    for number in range(2, first.meta.last_page + 1):
        rows += list_page(number).data
    return rows


def subscriber_from(wire: SenderSubscriber) -> Subscriber:
    """Return a subscriber in common words, whatever the values are."""
    status = wire.status if isinstance(wire.status, Mapping) else {"email": wire.status}
    return Subscriber(
        id=wire.id,
        email=wire.email,
        phone=text_from(wire.phone),
        firstname=text_from(wire.firstname),
        lastname=text_from(wire.lastname),
        consent=_consent(status.get("email")) or Consent.UNKNOWN,
        transactional_consent=_consent(status.get("temail")),
        created=moment(wire.created),
        unsubscribed_at=moment(wire.unsubscribed_at),
        bounced_at=moment(wire.bounced_at),
        location=text_from(wire.location),
        ip_address=text_from(wire.ip_address),
        source=text_from(wire.source),
        groups=tuple(tag.id for tag in wire.subscriber_tags or ()),
        fields={
            column.title: field_value_from(column.value)
            for column in wire.columns or ()
            if column.title and not column.default
        },
    )


def field_from(wire: SenderField) -> Field:
    """Return a custom field in common words; a type that is new is text."""
    known = {kind.value: kind for kind in FieldType}
    return Field(name=wire.title or "", type=known.get(wire.type or "", FieldType.TEXT), tag=wire.field_name)


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


def _consent(status: object) -> Consent | None:
    return CONSENTS.get(status.lower(), Consent.UNKNOWN) if isinstance(status, str) else None
