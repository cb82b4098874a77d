"""What else Sender keeps with an account, in shapes of its own: transactional mail, workflows and webhooks.

Every field may be missing and unknown ones are passed over, as in ``subscriber_records.py``.
"""

from __future__ import annotations

import msgspec

from airflow_provider_sender.client.values import Json


class SenderMessage(msgspec.Struct):
    """The answer to a transactional mail."""

    success: bool | None = None
    message: Json = None
    email_id: str | None = msgspec.field(default=None, name="emailId")


class SenderTransactional(msgspec.Struct):
    """A transactional campaign: a template transactional mail is sent from."""

    id: str
    title: str | None = None
    subject: str | None = None
    editor: str | None = None


class SenderWorkflow(msgspec.Struct):
    """An automation workflow."""

    id: str
    title: str | None = None
    status: str | None = None
    emails_sent: int | None = None
    type: str | None = None


class SenderWebhook(msgspec.Struct):
    """An account webhook."""

    id: str
    url: str | None = None
    topic: str | None = None
    status: str | None = None
