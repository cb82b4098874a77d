"""What goes to, or is told of, a single person: a mail of their own, and an event that may set a workflow off.

Neither is a campaign, which goes to groups (``campaigns.py``). Each service's own spelling is made from these in
``sender/messages.py`` and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from airflow_provider_sender.client.values import Json


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
