"""Resources only one service has, or of which nothing but their text matters: kept as JSON."""

from __future__ import annotations

import json
from typing import TypeAlias

import msgspec

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.ids import public_id, row_number

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Document(msgspec.Struct):
    """One resource.

    :param kind: what it is, e.g. ``workflow``.
    :param body: its own attributes, without id and dates.
    :param created: seconds since the epoch.
    """

    number: int
    kind: str
    body: dict[str, Json]
    created: float

    @property
    def id(self) -> str:
        """Its public id."""
        return public_id(self.kind, self.number)


class Documents:
    """Reads and changes such resources.

    :param database: the account's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, kind: str) -> list[Document]:
        """Every resource of a kind, oldest first."""
        rows = self._database.rows("SELECT * FROM documents WHERE kind = ? ORDER BY number", (kind,))
        return [Document(number, kind, json.loads(body), created) for number, _, body, created in rows]

    def find(self, kind: str, public: str) -> Document | None:
        """The resource of a kind with an id."""
        number = row_number(kind, public)
        if number is None:
            return None
        row = self._database.row("SELECT body, created FROM documents WHERE kind = ? AND number = ?", (kind, number))
        return None if row is None else Document(number, kind, json.loads(row[0]), row[1])

    def where(self, kind: str, attribute: str, value: str) -> list[Document]:
        """The resources of a kind that have a value, oldest first."""
        rows = self._database.rows(
            "SELECT number, body, created FROM documents WHERE kind = ? AND json_extract(body, ?) = ? ORDER BY number",
            (kind, f"$.{attribute}", value),
        )
        return [Document(number, kind, json.loads(body), created) for number, body, created in rows]

    def add(self, kind: str, body: dict[str, Json], now: float) -> Document:
        """A new resource."""
        values: dict[str, Value] = {"kind": kind, "body": json.dumps(body), "created": now}
        return Document(self._database.insert("documents", values), kind, body, now)

    def change(self, document: Document, changes: dict[str, Json]) -> Document:
        """Change attributes of a resource."""
        body = {**document.body, **changes}
        self._database.update("documents", document.number, {"body": json.dumps(body)})
        return Document(document.number, document.kind, body, document.created)

    def delete(self, document: Document) -> None:
        """Remove a resource."""
        self._database.run("DELETE FROM documents WHERE number = ?", (document.number,))

    def count(self, kind: str) -> int:
        """How many resources of a kind there are."""
        return self._database.number("SELECT COUNT(*) FROM documents WHERE kind = ?", (kind,))
