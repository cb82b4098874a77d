"""How Sender wants custom fields to be named in a write, found out by looking.

The reference names them by merge tag (``{$plan}``), clients that tried it live report the title (``Plan``) and that the
create call may drop them altogether. So the first row with fields is read back after it was written, and where its
fields are not there, the other spelling is tried with the update call, which both agree on. What worked is kept.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, NotFoundError
from airflow_provider_sender.client.sender.envelopes import every
from airflow_provider_sender.client.sender.subscriber_records import field_from, subscriber_from
from airflow_provider_sender.client.subscribers import Field, SubscriberChange
from airflow_provider_sender.client.values import FieldValue, same_value

if TYPE_CHECKING:
    from airflow_provider_sender.client.sender.client import SenderClient


FieldBody = dict[str, FieldValue]


class Spelling(enum.Enum):
    """What a write calls a custom field."""

    TAG = "merge tag"
    TITLE = "title"


class FieldKeys:
    """The custom fields of an account, and how to write them.

    :param client: the account.
    """

    def __init__(self, client: SenderClient, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._fields: list[Field] | None = None
        self._spelling = Spelling.TAG
        self._update_is_proven = False
        self._create_stores: bool | None = None

    def known(self) -> list[Field]:
        """Return the account's custom fields; read once."""
        if self._fields is None:
            wires = every(self._client.list_fields)
            self._fields = [field_from(wire) for wire in wires if wire.title and not wire.default]
        return self._fields

    def create(self, change: SubscriberChange, write: Callable[[FieldBody], object]) -> None:
        """Make a create call with the change's fields, and see to it that they are kept.

        :param write: makes the call with the fields given.
        :raises ConfigurationError: when no known spelling makes the account keep them.
        """
        self._write(change, write)
        if self._create_stores or all(value in (None, "") for value in change.fields.values()):
            return  # known, or nothing there to find again
        if self._create_stores is None and self._is_stored(change):
            self._create_stores = self._update_is_proven = True
            return
        spelling = self._spelling
        self.update(change, lambda fields: self._client.update_subscriber(change.key, {"fields": fields}))
        # With another spelling the create call may keep them after all; the next one will tell.
        self._create_stores = False if self._spelling is spelling else None

    def update(self, change: SubscriberChange, write: Callable[[FieldBody], object]) -> None:
        """Make an update call with the change's fields, and see to it that they are kept; as ``create``."""
        if not change.fields or self._update_is_proven:
            self._write(change, write)
            return
        if self._is_there(change):
            self._write(change, write)
            return  # that they are there afterwards too proves nothing
        self._write(change, write)
        if not self._is_stored(change):
            self._respell()
            self._client.update_subscriber(change.key, {"fields": self._body(change.fields)})
            if not self._is_stored(change):
                raise ConfigurationError(
                    f"Sender accepts the custom fields {', '.join(sorted(change.fields))} and does not keep them, "
                    "neither by merge tag nor by title. Check their types in the account, or leave them out with "
                    "columns={name: None}."
                )
        self._update_is_proven = True

    def _write(self, change: SubscriberChange, write: Callable[[FieldBody], object]) -> None:
        try:
            write(self._body(change.fields))
        except InvalidRequestError as error:
            about_fields = any("field" in name.lower() for name in error.errors)
            if not change.fields or not about_fields or self._update_is_proven:
                raise
            self._respell()
            write(self._body(change.fields))

    def _respell(self) -> None:
        self._spelling = Spelling.TITLE if self._spelling is Spelling.TAG else Spelling.TAG

    def _body(self, values: Mapping[str, FieldValue]) -> FieldBody:
        tags = {field.name: field.tag for field in self.known()} if values else {}
        if self._spelling is Spelling.TITLE:
            return dict(values)
        return {tags.get(name) or name: value for name, value in values.items()}

    def _is_stored(self, change: SubscriberChange) -> bool:
        """Read the subscriber until its fields are there or the time a change may need to show is over."""
        waited, pause = 0.0, 0.25
        while True:
            if self._is_there(change):
                return True
            if waited >= self._client.transport.settings.settle_time:
                return False
            self._sleep(pause)
            waited, pause = waited + pause, 2 * pause

    def _is_there(self, change: SubscriberChange) -> bool:
        try:
            stored = subscriber_from(self._client.get_subscriber(change.key)).fields
        except NotFoundError:
            return False  # a new subscriber may take a moment to show
        return all(same_value(stored.get(name), value) for name, value in change.fields.items())
