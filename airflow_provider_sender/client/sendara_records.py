"""Sendara's own shapes, and what they mean in the words of ``records.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parseaddr

import msgspec

from airflow_provider_sender.client.loose import Loose, field_value_from, text_from
from airflow_provider_sender.client.records import (
    Campaign,
    CampaignState,
    CampaignTotals,
    Consent,
    FieldValue,
    Json,
    Subscriber,
    moment,
)

# The field a contact's tags are in, as one text: sorted, with commas between them.
TAGS = "tags"


class SendaraContact(msgspec.Struct):
    """A contact."""

    id: str = ""
    email: str | None = None
    phone_number: Loose = None
    first_name: Loose = None
    last_name: Loose = None
    attributes: dict[str, Json] | None = None
    tags: list[Loose] | None = None
    email_consent: str | None = None
    account_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SendaraList(msgspec.Struct):
    """A list of contacts: static, or dynamic by ``segment_rules``."""

    id: str = ""
    name: str | None = None
    list_type: str | None = None
    segment_rules: Json = None
    created_at: str | None = None
    updated_at: str | None = None


class SendaraMember(msgspec.Struct):
    """The answer to putting a contact into a list; without an id where it was there already."""

    id: str | None = None
    contact_list_id: str | None = None
    contact_id: str | None = None
    added_at: str | None = None


class SendaraImport(msgspec.Struct):
    """What became of the contacts of an import; which of them were skipped is not said."""

    imported: int = 0
    updated: int = 0
    skipped: int = 0


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


class SendaraEvent(msgspec.Struct):
    """Something that befell a message."""

    id: str | None = None
    type: str | None = None
    occurred_at: str | None = None


class SendaraMessage(msgspec.Struct):
    """One mail to one person."""

    id: str = ""
    status: str | None = None
    channel: str | None = None
    message_type: str | None = None
    idempotency_key: str | None = None
    created_at: str | None = None
    events: list[SendaraEvent] | None = None


class SendaraMessages(msgspec.Struct):
    """A page of messages; ``next_cursor`` leads to the next one, and is None on the last."""

    messages: list[SendaraMessage] | None = None
    next_cursor: str | None = None


class SendaraErrorBody(msgspec.Struct):
    """Why one item of many was refused."""

    code: str | None = None
    message: str | None = None
    status: int | None = None


class SendaraBatchItem(msgspec.Struct):
    """What became of one message of a batch."""

    success: bool = False
    response: SendaraMessage | None = None
    error: SendaraErrorBody | None = None


class SendaraTemplate(msgspec.Struct):
    """A template kept with the account."""

    id: str = ""
    name: str | None = None
    channel: str | None = None
    subject: str | None = None
    body_html: str | None = None
    body_text: str | None = None
    variables: Json = None
    version: int | None = None
    is_active: bool | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SendaraRendered(msgspec.Struct):
    """A template with its variables filled in."""

    subject: str | None = None
    body_html: str | None = None
    body_text: str | None = None


class SendaraSuppression(msgspec.Struct):
    """Somebody who is never sent anything on a channel."""

    channel: str | None = None
    recipient: str | None = None
    state: str | None = None
    reason: str | None = None
    updated_at: str | None = None


class SendaraTestRecipient(msgspec.Struct):
    """One's own address, which test mails may go to."""

    id: str = ""
    email: str | None = None
    status: str | None = None
    verified_at: str | None = None
    created_at: str | None = None


class SendaraUpload(msgspec.Struct):
    """An image that was uploaded."""

    id: str | None = None
    url: str | None = None
    content_type: str | None = None
    bytes: int | None = None


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

# What a contact's consent means. Bounces and complaints suppress somebody, and which of them it was is not said here.
CONSENTS: Mapping[str, Consent] = {
    "subscribed": Consent.ACTIVE,
    "unsubscribed": Consent.UNSUBSCRIBED,
    "suppressed": Consent.BOUNCED,
    "unknown": Consent.UNKNOWN,
}

# How a change asks for a state. Whoever bounced or complained is unsubscribed, and suppressed besides.
WRITTEN_CONSENTS: Mapping[Consent, str] = {
    Consent.ACTIVE: "subscribed",
    Consent.UNSUBSCRIBED: "unsubscribed",
    Consent.BOUNCED: "unsubscribed",
    Consent.COMPLAINED: "unsubscribed",
    Consent.UNCONFIRMED: "unknown",
    Consent.UNKNOWN: "unknown",
}

# Why somebody is put on the suppression list, too.
SUPPRESSION_REASONS: Mapping[Consent, str] = {Consent.BOUNCED: "hard_bounce", Consent.COMPLAINED: "complaint"}


def subscriber_from(wire: SendaraContact) -> Subscriber:
    """Return a contact in common words, its tags as one more field; which lists it is in its row does not say."""
    fields: dict[str, FieldValue] = {name: field_value_from(value) for name, value in (wire.attributes or {}).items()}
    if wire.tags:
        fields[TAGS] = tags_text(wire.tags)
    return Subscriber(
        id=wire.id,
        email=wire.email,
        phone=text_from(wire.phone_number),
        firstname=text_from(wire.first_name),
        lastname=text_from(wire.last_name),
        consent=CONSENTS.get((wire.email_consent or "").lower(), Consent.UNKNOWN),
        created=moment(wire.created_at),
        fields=fields,
    )


def tags_text(tags: Sequence[Loose]) -> str:
    """Return tags as one text."""
    return ",".join(sorted({str(tag) for tag in tags if tag is not None}))


def tags_from(text: FieldValue) -> list[str]:
    """Return the tags in a text."""
    return sorted({tag.strip() for tag in str(text or "").split(",") if tag.strip()})


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
