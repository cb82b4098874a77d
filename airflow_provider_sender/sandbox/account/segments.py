"""Segments: subscribers by a rule. Nobody can make them through the services' APIs, so a few are there."""

from __future__ import annotations

from enum import StrEnum

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.records import Audience, Segment

_KIND = "segment"


class Rule(StrEnum):
    """The rules there are."""

    ACTIVE = "active"
    WITH_PHONE = "with phone"


_AUDIENCES = {
    Rule.ACTIVE: Audience("status = ?", ("active",)),
    Rule.WITH_PHONE: Audience("phone > ?", ("",)),
}
_NAMES = {Rule.ACTIVE: "Active subscribers", Rule.WITH_PHONE: "Reachable by phone"}


class Segments:
    """Reads and removes segments.

    :param database: the account's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, now: float) -> None:
        """Make the segments an account begins with."""
        for rule, name in _NAMES.items():
            self._database.insert("segments", {"name": name, "rule": rule, "created": now})

    def all(self) -> list[Segment]:
        """Every segment, oldest first."""
        return [Segment(*row) for row in self._database.rows("SELECT * FROM segments ORDER BY number")]

    def find(self, public: str) -> Segment | None:
        """The segment with an id."""
        number = row_number(_KIND, public)
        row = None if number is None else self._database.row("SELECT * FROM segments WHERE number = ?", (number,))
        return None if row is None else Segment(*row)

    def delete(self, segment: Segment) -> None:
        """Remove a segment; its subscribers stay on the account."""
        self._database.run("DELETE FROM segments WHERE number = ?", (segment.number,))

    def audience(self, segment: Segment) -> Audience:
        """Who is in a segment."""
        return _AUDIENCES[Rule(segment.rule)]


def segment_id(segment: Segment) -> str:
    """A segment's public id."""
    return public_id(_KIND, segment.number)
