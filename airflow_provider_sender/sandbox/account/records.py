"""The rows of an account, as the services read them."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SubscriberStatus(StrEnum):
    """Whether a channel may write to a subscriber."""

    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    SPAM_REPORTED = "spam_reported"


class CampaignStatus(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    SENDING = "SENDING"
    SENT = "SENT"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class FieldType(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"


class Subscriber(msgspec.Struct):
    """A person on the account; the order of the attributes is that of the table's columns.

    :param tags: a JSON list of labels, for services that have them.
    :param consent: what a service with finer consent than ``status`` was told, where it was told.
    :param modified: when such a service changed it last.
    """

    number: int
    email: str
    firstname: str | None
    lastname: str | None
    phone: str | None
    status: str
    transactional_status: str
    sms_status: str
    created: int
    unsubscribed_at: int | None
    bounced_at: int | None
    ip_address: str | None
    location: str | None
    field_values: str
    listed_at: float
    groupable_at: float
    delete_at: float | None
    tags: str
    consent: str | None
    modified: float | None


class Group(msgspec.Struct):
    """A group of subscribers, in the order of the table's columns."""

    number: int
    title: str
    created: float
    modified: float


class Field(msgspec.Struct):
    """A custom field, in the order of the table's columns."""

    number: int
    title: str
    type: str
    shown: int
    created: float
    modified: float


class Segment(msgspec.Struct):
    """Subscribers by a rule (see :mod:`.segments`), in the order of the table's columns."""

    number: int
    name: str
    rule: str
    created: float


class Campaign(msgspec.Struct):
    """A campaign, in the order of the table's columns.

    :param service: the service it was made through, the only one that shows it.
    :param detail: a JSON object of what only that service knows of it.
    """

    number: int
    title: str
    subject: str
    sender_name: str
    reply_to: str
    preheader: str | None
    content_type: str
    content: str | None
    group_ids: str
    segment_ids: str
    google_analytics: int
    followup_active: int
    followup_subject: str | None
    followup_delay: int | None
    status: str
    schedule_time: str | None
    due_at: float | None
    starts_at: float | None
    ends_at: float | None
    sent_at: float | None
    recipients: int
    opens: int
    clicks: int
    bounces: int
    created: float
    modified: float
    listed_at: float
    service: str
    detail: str


class Audience(msgspec.Struct, frozen=True):
    """Some of the subscribers, as the condition of a query over their table."""

    condition: str = "TRUE"
    parameters: tuple[int | str, ...] = ()


EVERYBODY = Audience()
