"""Contacts and lists as Sendara writes them, and what they mean in the words of ``subscribers.py``.

Every field may be missing and unknown ones are passed over: a new key or a new value in an answer breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from airflow_provider_sender.client.loose import Loose, field_value_from, text_from
from airflow_provider_sender.client.subscribers import Consent, Subscriber
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import FieldValue, Json

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


class SendaraSuppression(msgspec.Struct):
    """Somebody who is never sent anything on a channel."""

    channel: str | None = None
    recipient: str | None = None
    state: str | None = None
    reason: str | None = None
    updated_at: str | None = None


# What a contact's consent means. Bounces and complaints suppress somebody, and which of them it was is not said here.
_CONSENTS: Mapping[str, Consent] = {
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
        fields[TAGS] = _tags_text(wire.tags)
    return Subscriber(
        id=wire.id,
        email=wire.email,
        phone=text_from(wire.phone_number),
        firstname=text_from(wire.first_name),
        lastname=text_from(wire.last_name),
        consent=_CONSENTS.get((wire.email_consent or "").lower(), Consent.UNKNOWN),
        created=moment(wire.created_at),
        fields=fields,
    )


def tags_from(text: FieldValue) -> list[str]:
    """Return the tags in a text."""
    return sorted({tag.strip() for tag in str(text or "").split(",") if tag.strip()})


def _tags_text(tags: Sequence[Loose]) -> str:
    """Return tags as one text."""
    return ",".join(sorted({str(tag) for tag in tags if tag is not None}))
