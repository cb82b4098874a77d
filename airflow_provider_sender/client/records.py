"""What the services have in common: subscribers, groups, campaigns and what became of them.

Each service's own spelling is mapped into these once (``sender_records.py`` and its siblings); jobs, operators and
sensors know nothing else.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

FieldValue = str | int | float | None

# Whatever JSON can hold.
Json = Any

_BEGINS_AS_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)


class Consent(enum.StrEnum):
    """Whether someone may be mailed. Only ACTIVE ones are."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNKNOWN = "unknown"


# Those whom nothing is sent to, and whom nobody but themselves makes active again.
OPTED_OUT = frozenset({Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED})


# Nothing it holds can lead back to it, and an account has a million of them: the garbage collector need not look.
class Subscriber(msgspec.Struct, frozen=True, gc=False):
    """One subscriber as an account has it.

    :param id: the service's own id; an e-mail address where it has none.
    :param consent: whether campaigns reach this subscriber.
    :param transactional_consent: the same for transactional mail, where the service tells them apart.
    :param created: when the service first knew this subscriber, in UTC; likewise the other times.
    :param groups: ids of the groups (lists) the subscriber is in.
    :param fields: custom fields by name.
    """

    id: str
    email: str | None = None
    phone: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    consent: Consent = Consent.UNKNOWN
    transactional_consent: Consent | None = None
    created: datetime | None = None
    unsubscribed_at: datetime | None = None
    bounced_at: datetime | None = None
    location: str | None = None
    ip_address: str | None = None
    source: str | None = None
    groups: tuple[str, ...] = ()
    fields: Mapping[str, FieldValue] = {}


class SubscriberChange(msgspec.Struct, frozen=True):
    """What a row wants a subscriber to be; None and missing fields leave things as they are.

    :param key: the address (lower case), phone or id the row names a subscriber by.
    :param consent: the state the row asks for, if any.
    :param groups: groups to be added to; nobody is taken out of a group by an upsert.
    """

    key: str
    email: str | None = None
    phone: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    consent: Consent | None = None
    groups: tuple[str, ...] = ()
    fields: Mapping[str, FieldValue] = {}


class FieldType(enum.StrEnum):
    """Type of a custom field."""

    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"


class Field(msgspec.Struct, frozen=True):
    """A custom field of an account.

    :param name: what export columns and upsert rows call it.
    :param tag: the service's merge tag for it, where it has one.
    """

    name: str
    type: FieldType = FieldType.TEXT
    tag: str | None = None


class Group(msgspec.Struct, frozen=True):
    """A group (list) of subscribers."""

    id: str
    title: str
    members: int | None = None


class Membership(msgspec.Struct, frozen=True):
    """What became of a batch of addresses that were to join or leave a group; each is in one of these, lower case.

    :param changed: joined or left.
    :param unchanged: were in the group, or were not, already.
    :param missing: the account knows nobody of that address.
    :param invalid: the service takes them for no addresses.
    :param untold: the answer says nothing about them.
    """

    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


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


class Mailbox(msgspec.Struct, frozen=True):
    """An address, and whose it is."""

    email: str
    name: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One mail to one person: not a campaign, which goes to groups.

    :param sender: whom it is from; None where a template says so, or the service knows.
    :param template_id: a template kept with the service. What it has of its own differs
        (:attr:`~airflow_provider_sender.client.service.Service.template_brings`).
    :param variables: values for the placeholders of the content or template.
    :param attachments: file name -> address the service fetches the file from.
    :param key: what the mail is about. A service that keeps such keys sends one mail for each.
    """

    to: Mailbox
    sender: Mailbox | None = None
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    template_id: str | None = None
    reply_to: Mailbox | None = None
    variables: Mapping[str, Json] = {}
    attachments: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    key: str | None = None


class Event(msgspec.Struct, frozen=True):
    """Something a subscriber did, under a name of the account's own; it may set workflows off.

    :param subscriber: the subscriber by ``email``, ``phone`` or ``id``.
    :param value: what it was worth, in ``currency`` (ISO 4217).
    """

    name: str
    subscriber: Mapping[str, str]
    value: float | None = None
    currency: str | None = None
    properties: Mapping[str, str | int | float | bool | None] = {}


class Account(msgspec.Struct, frozen=True):
    """Whose account a token opens, as far as the service says.

    :param description: a sentence for the "Test" button, without anybody's data but the account's own.
    """

    description: str


def moment(text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC from any ISO-8601 form; None when it is not one.

    :param zone: where a time without a zone is meant.
    """
    if not text:
        return None
    try:
        return in_utc(datetime.fromisoformat(text), zone)
    except ValueError:
        return None


def in_utc(time: datetime, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC; None when it is out of the calendar there.

    :param zone: where a time without a zone is meant.
    """
    if time.tzinfo is UTC:
        return time
    if time.tzinfo is None and zone is UTC:
        return _EPOCH + (time - _EPOCH_WITHOUT_ZONE)  # several times as fast as replace()
    try:
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def same_value(one: FieldValue, other: FieldValue) -> bool:
    """Tell whether two values of a field are the same; services return numbers as texts and nothing as ``""``."""
    if one in (None, "") or other in (None, ""):
        return one in (None, "") and other in (None, "")
    if str(one).strip() == str(other).strip() or _is_same_moment(str(one), str(other)):
        return True
    # "007" is not 7: a text that only looks like a number, a post code say, is compared as the text it is.
    if not (_PLAIN_NUMBER.fullmatch(str(one)) and _PLAIN_NUMBER.fullmatch(str(other))):
        return False
    return Decimal(str(one)) == Decimal(str(other))


def _is_same_moment(one: str, other: str) -> bool:
    """Tell whether two texts are one time in different forms; one without a zone is in UTC."""
    moments = []
    for text in (one, other):
        if not _BEGINS_AS_DATE.match(text):
            return False
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            return False
        moments.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return moments[0] == moments[1]
