"""Custom fields: what an account stores about its subscribers beyond name and phone."""

from __future__ import annotations

import re

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.records import Field, FieldType
from airflow_provider_sender.sandbox.account.subscribers import Subscribers

_KIND = "field"


class Fields:
    """Reads and changes custom fields.

    :param database: the account's database.
    :param subscribers: its people, whose rendered form names every field.
    """

    def __init__(self, database: Database, subscribers: Subscribers) -> None:
        self._database = database
        self._subscribers = subscribers
        self._kept: tuple[int, list[Field]] | None = None

    def all(self) -> list[Field]:
        """Every custom field, oldest first."""
        version = self._database.versions["fields"]
        if self._kept is None or self._kept[0] != version:
            self._kept = (
                version,
                [Field(*row) for row in self._database.rows("SELECT * FROM fields ORDER BY number")],
            )
        return self._kept[1]

    def find(self, public: str) -> Field | None:
        """The field with an id."""
        number = row_number(_KIND, public)
        return next((field for field in self.all() if field.number == number), None)

    def keyed(self, key: str) -> Field | None:
        """The field a caller means: by its title, its bare name, or a merge tag around that name."""
        name = bare_name(key)
        return next((field for field in self.all() if field.title == key or bare_name(field.title) == name), None)

    def keyed_or_new(self, key: str, value: Value, now: float) -> Field:
        """The field a key means, made when there is none, of the type the value suggests."""
        number_like = isinstance(value, int | float) and not isinstance(value, bool)
        return self.keyed(key) or self.add(key, FieldType.NUMBER if number_like else FieldType.TEXT, now)

    def add(self, title: str, type: str, now: float) -> Field:
        """A new field."""
        self._changed()
        values: dict[str, Value] = {"title": title, "type": type, "shown": 1, "created": now, "modified": now}
        return Field(self._database.insert("fields", values), title, type, 1, now, now)

    def change(self, field: Field, changes: dict[str, Value]) -> None:
        """Change columns of a field."""
        self._database.update("fields", field.number, changes)
        self._changed()

    def delete(self, field: Field) -> None:
        """Remove a field; values stored under it are shown no longer."""
        self._database.run("DELETE FROM fields WHERE number = ?", (field.number,))
        self._changed()

    def _changed(self) -> None:
        self._database.versions["fields"] += 1
        self._subscribers.forget_rendered()


def field_id(field: Field) -> str:
    """A field's public id."""
    return public_id(_KIND, field.number)


def bare_name(key: str) -> str:
    """A field's name without the merge tag around it: ``plan`` for ``{$plan}``, ``{{plan}}`` and ``Plan``."""
    return re.sub(r"\W+", "_", key.strip("{}$ ").lower())
