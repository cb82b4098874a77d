"""Subscribers, fields and groups as Sender writes them, and what they mean in the words of ``subscribers.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from airflow_provider_sender.client.loose import Loose, field_value_from, text_from
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import Json


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


def _consent(status: object) -> Consent | None:
    return CONSENTS.get(status.lower(), Consent.UNKNOWN) if isinstance(status, str) else None


def field_from(wire: SenderField) -> Field:
    """Return a custom field in common words; a type that is new is text."""
    known = {kind.value: kind for kind in FieldType}
    return Field(name=wire.title or "", type=known.get(wire.type or "", FieldType.TEXT), tag=wire.field_name)
