"""Single mails and broadcasts as Sendara's calls take them."""

from __future__ import annotations

import logging

from airflow_provider_sender.client.campaigns import CampaignDefinition
from airflow_provider_sender.client.errors import ConfigurationError, UnsupportedOperationError
from airflow_provider_sender.client.messages import Mailbox, Message
from airflow_provider_sender.client.values import Json

log = logging.getLogger(__name__)

# What a mail may have elsewhere -> what to do without it.
_UNKNOWN_HERE = {
    "reply_to": "Leave reply_to out; answers go to the sender's address.",
    "attachments": "Leave attachments out, and link to the files in the content.",
    "headers": "Leave headers out.",
}


def message_body(message: Message) -> dict[str, Json]:
    """Return the body of the call that sends a mail.

    :raises UnsupportedOperationError: when the mail has something that Sendara documents no place for.
    :raises ConfigurationError: when it has variables without a template.
    """
    for name, instead in _UNKNOWN_HERE.items():
        if getattr(message, name):
            raise UnsupportedOperationError("Sendara", f"send a mail with {name}", instead)
    body: dict[str, Json] = {
        "channel": "email",
        "message_type": "transactional",
        "destination": {"email": message.to.email},
    }
    if message.template_id is not None:
        body["template_id"] = message.template_id
        body["template_vars"] = dict(message.variables)
    else:
        if message.variables:
            raise ConfigurationError(
                "variables: Sendara fills in those of a template only. Name a template_id, or put the values into the "
                "content."
            )
        content = {"subject": message.subject, "body_html": message.html, "body_text": message.text}
        body["payload"] = {name: value for name, value in content.items() if value is not None}
    if message.sender is not None:
        body["metadata"] = {"from_email": named(message.sender)}
    return body


def broadcast_body(definition: CampaignDefinition, title: str) -> dict[str, Json]:
    """Return the body of the call that creates a broadcast.

    :raises ConfigurationError: when it goes to nobody Sendara can name.
    """
    if definition.segment_ids:
        raise ConfigurationError(
            "segment_ids: Sendara has no segments. Make a dynamic list there, and name it in group_ids."
        )
    if not definition.group_ids and "recipients" not in definition.extra:
        raise ConfigurationError(
            "group_ids: name the lists it goes to. Sendara has no broadcast to the whole account; make a dynamic list "
            "that everybody is in."
        )
    if definition.preheader:
        log.warning("Sendara has no preheader, so it is left out; put that line first in the html")
    lists = list(definition.group_ids)
    body: dict[str, Json] = {
        **definition.extra,
        "name": title,
        "subject": definition.subject,
        "from_email": named(Mailbox(definition.from_email, definition.from_name)),
        "body_html": definition.html,
        "body_text": definition.text,
        "audience_list_id": lists[0] if len(lists) == 1 else None,
        "list_ids": lists if len(lists) > 1 else None,
    }
    return {key: value for key, value in body.items() if value is not None}


def named(mailbox: Mailbox) -> str:
    """Return an address with the name it goes by, as ``"Name" <a@b>``."""
    if not mailbox.name:
        return mailbox.email
    name = mailbox.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{mailbox.email}>'
