"""Subscribers in the words that hold for every service: who they are, whether they may be mailed, and their groups.

Each service's own spelling is mapped into these once (``sender/subscriber_records.py`` and its siblings); jobs,
operators and sensors know nothing else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

import msgspec

from airflow_provider_sender.client.values import FieldValue


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
    :param held: are out, and joining would make them active; nothing was done.
    :param untold: the answer says nothing about them.
    """

    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
