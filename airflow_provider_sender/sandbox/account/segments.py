"""Segments: subscribers by a rule. Nobody can make them through the services' APIs, so a few are there."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.records import Audience, Segment

_KIND = "segment"


class Match(msgspec.Struct, frozen=True):
    """The rule of a segment that a service let a client make.

    :param tags: labels everybody in it has.
    :param values: custom field values, by field id, everybody in it has.
    :param attributes: the same values as the client named them.
    """

    tags: list[str] = []
    values: dict[str, object] = {}
    attributes: dict[str, object] = {}


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
        if segment.rule.startswith("{"):
            return matching(msgspec.json.decode(segment.rule, type=Match))
        return _AUDIENCES[Rule(segment.rule)]

    def add(self, name: str, match: Match, now: float) -> Segment:
        """A new segment of the people who match."""
        rule = msgspec.json.encode(match).decode()
        return Segment(self._database.insert("segments", {"name": name, "rule": rule, "created": now}), name, rule, now)

    def change(self, segment: Segment, name: str, match: Match) -> Segment:
        """Give a segment another name or rule."""
        rule = msgspec.json.encode(match).decode()
        self._database.update("segments", segment.number, {"name": name, "rule": rule})
        self._database.versions["subscriber values"] += 1
        return Segment(segment.number, name, rule, segment.created)


def matching(match: Match) -> Audience:
    """The people who have all of some tags and values."""
    conditions, parameters = [], list[str | int]()
    for tag in match.tags:
        conditions.append("EXISTS (SELECT 1 FROM json_each(subscribers.tags) WHERE json_each.value = ?)")
        parameters.append(tag)
    for id, value in match.values.items():
        # Extracted as JSON both times, or 1, true and "1" would be the same.
        conditions.append("field_values -> ? IS json(?)")
        parameters += [f'$."{id}"', msgspec.json.encode(value).decode()]
    return Audience(" AND ".join(conditions) or "FALSE", tuple(parameters))


def segment_id(segment: Segment) -> str:
    """A segment's public id."""
    return public_id(_KIND, segment.number)
