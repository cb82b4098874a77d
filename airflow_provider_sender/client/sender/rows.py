"""A subscriber out of a listing's row, the short way: an export goes it a million times.

A row whose every value has the documented type is decoded by msgspec straight into these types, and all that is left is
to say it in common words. Any other row is for the long way (``subscriber_from`` in ``subscriber_records.py``),
which takes whatever comes. Where the short way leads anywhere, both lead to the same subscriber.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from airflow_provider_sender.client.sender.subscriber_records import CONSENTS
from airflow_provider_sender.client.subscribers import Consent, Subscriber
from airflow_provider_sender.client.times import in_utc


class _Status(msgspec.Struct, gc=False):
    email: str | None = None
    temail: str | None = None


class _Tag(msgspec.Struct, gc=False):
    id: str


class _Column(msgspec.Struct, gc=False):
    title: str | None = None
    value: str | int | float | bool | None = None
    default: bool | None = None


class _Row(msgspec.Struct, gc=False):
    id: str
    status: _Status
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    phone: str | None = None
    created: datetime | None = None
    ip_address: str | None = None
    bounced_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    location: str | None = None
    source: str | None = None
    subscriber_tags: list[_Tag] | None = None
    columns: list[_Column] | None = None


_read = msgspec.json.Decoder(_Row)

_CONSENTS: Mapping[str | None, Consent | None] = {None: None} | dict(CONSENTS)


def subscriber_as_documented(raw: bytes) -> Subscriber | None:
    """Return the subscriber of a row; None when something about the row is not as documented."""
    try:
        row = _read.decode(raw)
        return Subscriber(
            id=row.id,
            email=row.email,
            phone=row.phone,
            firstname=row.firstname,
            lastname=row.lastname,
            consent=_CONSENTS[row.status.email] or Consent.UNKNOWN,
            transactional_consent=_CONSENTS[row.status.temail],
            created=in_utc(row.created) if row.created else None,
            unsubscribed_at=in_utc(row.unsubscribed_at) if row.unsubscribed_at else None,
            bounced_at=in_utc(row.bounced_at) if row.bounced_at else None,
            location=row.location,
            ip_address=row.ip_address,
            source=row.source,
            groups=tuple([tag.id for tag in row.subscriber_tags or ()]),
            fields={column.title: column.value for column in row.columns or () if column.title and not column.default},
        )
    except (msgspec.DecodeError, KeyError):
        return None
