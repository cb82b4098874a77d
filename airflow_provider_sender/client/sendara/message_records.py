"""Mails to single people as Sendara writes them, and what such mails are made of: templates and uploaded images.

Every field may be missing and unknown ones are passed over, as in ``contact_records.py``.
"""

from __future__ import annotations

import msgspec

from airflow_provider_sender.client.values import Json


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
