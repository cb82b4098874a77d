"""Single mails and custom events as Sender's calls take them."""

from __future__ import annotations

from airflow_provider_sender.client.messages import Event, Mailbox, Message
from airflow_provider_sender.client.values import Json


def message_body(message: Message) -> dict[str, Json]:
    """Return the body of either call that sends a mail; one from a template names neither sender nor subject.

    The reference has ``headers`` as an object and the official SDK as a list. ``reply_to`` is in the SDK only.
    """
    body = {
        "from": _mailbox(message.sender, always_named=True),
        "to": _mailbox(message.to),
        "reply_to": _mailbox(message.reply_to),
        "subject": message.subject,
        "html": message.html,
        "text": message.text,
        "variables": dict(message.variables),
        "attachments": dict(message.attachments),
        "headers": dict(message.headers),
    }
    return {key: value for key, value in body.items() if value}


def event_body(event: Event) -> dict[str, Json]:
    """Return the body of the call that records an event."""
    body = {
        "subscriber": dict(event.subscriber),
        "type": event.name,
        "value": event.value,
        "value_currency": event.currency,
        "properties": dict(event.properties) or None,
    }
    return {key: value for key, value in body.items() if value is not None}


def _mailbox(mailbox: Mailbox | None, *, always_named: bool = False) -> dict[str, str] | None:
    if mailbox is None:
        return None
    name = mailbox.name or (mailbox.email if always_named else None)  # Sender wants a sender's name
    return {"email": mailbox.email, **({"name": name} if name else {})}
