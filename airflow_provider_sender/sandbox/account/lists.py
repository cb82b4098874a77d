"""Mailing lists with a state of their own: groups, where a service keeps consent and variables for each list.

A list is a group of the account. What differs from list to list (whether somebody left this one list, what was
stored about them there) is an entry beside the membership. Without an entry a member is what the account says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum

import msgspec

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import Groups
from airflow_provider_sender.sandbox.account.records import Audience, Group, Subscriber
from airflow_provider_sender.sandbox.account.subscribers import Subscribers

_BATCH = 500
_FIRST_LIST = "Subscribers"


class EntryStatus(IntEnum):
    """Whether a list may write to a member, in SendPulse's numbers."""

    NEW = 0
    ACTIVE = 1
    CONFIRMATION_REQUESTED = 2
    ACTIVATION_REQUESTED = 3
    UNSUBSCRIBED = 4
    REJECTED = 5
    UNSUBSCRIBED_FROM_ALL = 6
    ACTIVATION_SENT = 7
    BLOCKED_BY_USER = 8
    SENDING_ERROR = 9

    @property
    def is_reachable(self) -> bool:
        """Whether mails go there."""
        return self in (EntryStatus.NEW, EntryStatus.ACTIVE)


# What the account says about a person comes first: nobody who left it altogether is active on some list.
_STATUS = (
    f"CASE status WHEN 'unsubscribed' THEN {EntryStatus.UNSUBSCRIBED_FROM_ALL:d}"
    f" WHEN 'bounced' THEN {EntryStatus.SENDING_ERROR:d}"
    f" WHEN 'spam_reported' THEN {EntryStatus.BLOCKED_BY_USER:d}"
    f" ELSE COALESCE((SELECT entry.status FROM list_entries AS entry WHERE entry.subscriber_number = number"
    f" AND entry.group_number = %s), {EntryStatus.ACTIVE:d}) END"
)


class Entry(msgspec.Struct):
    """One person on one list.

    :param values: variables stored on this list, by name; they come before what the account knows.
    :param source: how the person came onto the list.
    :param added: when, in seconds since the epoch.
    """

    group_number: int
    subscriber: Subscriber
    status: EntryStatus
    values: dict[str, Json]
    source: str
    added: float


class Lists:
    """Reads and changes who is on which list, and as what.

    :param database: the account's database.
    :param subscribers: its people.
    :param groups: its groups.
    """

    def __init__(self, database: Database, subscribers: Subscribers, groups: Groups) -> None:
        self._database = database
        self._subscribers = subscribers
        self._groups = groups
        self._everyone_is_on_one_at: tuple[int, ...] = ()
        self._counts: tuple[tuple[int, ...], dict[int, dict[EntryStatus, int]]] = ((), {})

    def have_everyone_on_one(self, now: float) -> None:
        """Put people who are on no list onto the oldest: services with lists know nobody outside them."""
        if self._everyone_is_on_one_at == self._versions():
            return
        homeless = self._database.rows(
            "SELECT number FROM subscribers WHERE number NOT IN (SELECT subscriber_number FROM memberships)"
        )
        if homeless:
            groups = self._groups.all()
            oldest = groups[0] if groups else self._groups.add(_FIRST_LIST, now)
            self._groups.join(oldest, [number for (number,) in homeless])
        self._everyone_is_on_one_at = self._versions()

    def members(self, group: Group, *, reachable: bool | None = None) -> Audience:
        """The people on a list.

        :param reachable: only those mails go to, or only the others; ``None`` for all.
        """
        everybody = self._groups.members([group])
        if reachable is None:
            return everybody
        status = _STATUS % "?"
        within = "IN" if reachable else "NOT IN"
        return Audience(
            f"{everybody.condition} AND {status} {within} ({EntryStatus.NEW:d}, {EntryStatus.ACTIVE:d})",
            (*everybody.parameters, group.number),
        )

    def reachable(self, groups: Iterable[Group]) -> Audience:
        """Everybody whom at least one of some lists may write to."""
        parts = [self.members(group, reachable=True) for group in groups]
        if not parts:
            return Audience("FALSE")
        return Audience(
            " OR ".join(f"({part.condition})" for part in parts),
            tuple(value for part in parts for value in part.parameters),
        )

    def counts(self, group: Group) -> dict[EntryStatus, int]:
        """How many people a list has in each status."""
        if self._counts[0] != self._versions():
            found: dict[int, dict[EntryStatus, int]] = {}
            for number, status, people in self._database.rows(
                f"SELECT group_number, {_STATUS % 'memberships.group_number'} AS shown, COUNT(*) FROM memberships"
                " JOIN subscribers ON number = subscriber_number GROUP BY group_number, shown"
            ):
                found.setdefault(number, {})[EntryStatus(status)] = people
            self._counts = self._versions(), found
        return self._counts[1].get(group.number, {})

    def entries(self, group: Group, numbers: Sequence[int]) -> list[Entry]:
        """The entries of some of a list's members, in this order."""
        details: dict[int, tuple[int, str, str, float]] = {}
        for start in range(0, len(numbers), _BATCH):
            batch = tuple(numbers[start : start + _BATCH])
            marks = ", ".join("?" * len(batch))
            for row in self._database.rows(
                f"SELECT number, {_STATUS % '?'}, COALESCE(field_values_here, '{{}}'), source, added FROM"
                f" (SELECT s.number, s.status, e.field_values AS field_values_here,"
                f" COALESCE(e.source, 'import') AS source, COALESCE(e.added, s.created) AS added"
                f" FROM subscribers AS s LEFT JOIN list_entries AS e"
                f" ON e.subscriber_number = s.number AND e.group_number = ? WHERE s.number IN ({marks}))",
                (group.number, group.number, *batch),
            ):
                details[row[0]] = row[1:]
        found = []
        for subscriber in self._subscribers.read(numbers):
            status, values, source, added = details[subscriber.number]
            found.append(
                Entry(group.number, subscriber, EntryStatus(status), json.loads(values), source, added),
            )
        return found

    def entry(self, group: Group, subscriber: Subscriber) -> Entry | None:
        """The entry of one person on a list; ``None`` when not on it."""
        if not self._groups.is_member(group, subscriber.number):
            return None
        return self.entries(group, [subscriber.number])[0]

    def entries_of(self, subscriber: Subscriber) -> list[tuple[Group, Entry]]:
        """One person's entries on every list, oldest list first."""
        numbers = set(self._groups.of([subscriber.number]).get(subscriber.number, ()))
        groups = [group for group in self._groups.all() if group.number in numbers]
        return [(group, self.entries(group, [subscriber.number])[0]) for group in groups]

    def put(self, group: Group, subscriber: Subscriber, status: EntryStatus, source: str, now: float) -> None:
        """Put somebody onto a list."""
        self._groups.join(group, [subscriber.number])
        self._database.run(
            "INSERT OR REPLACE INTO list_entries VALUES (?, ?, ?, '{}', ?, ?)",
            (group.number, subscriber.number, status, source, now),
        )
        self._changed([subscriber.number])

    def set_status(self, group: Group, numbers: Iterable[int], status: EntryStatus) -> None:
        """Give members of a list another status there."""
        changed = list(numbers)
        self._database.run_many(
            "INSERT INTO list_entries (group_number, subscriber_number, status) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET status = excluded.status",
            ((group.number, number, status) for number in changed),
        )
        self._changed(changed)

    def set_values(self, group: Group, entry: Entry, values: dict[str, Json]) -> None:
        """Store variables on a list, beside those already there, and have the list know their names."""
        if not values:
            return
        entry.values = {**entry.values, **values}
        self._database.run(
            "INSERT INTO list_entries (group_number, subscriber_number, field_values) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET field_values = excluded.field_values",
            (group.number, entry.subscriber.number, json.dumps(entry.values)),
        )
        self._changed([entry.subscriber.number])

    def variables(self, group: Group) -> dict[str, str]:
        """The types of the variables that were stored on a list, by name."""
        rows = self._database.rows("SELECT name, type FROM list_variables WHERE group_number = ?", (group.number,))
        return {name: type for name, type in rows}

    def declare(self, group: Group, types: dict[str, str]) -> None:
        """Have a list know variables; the type it knew first stays."""
        rows: list[tuple[Value, ...]] = [(group.number, name, type) for name, type in types.items()]
        self._database.run_many("INSERT OR IGNORE INTO list_variables VALUES (?, ?, ?)", rows)

    def remove(self, group: Group, numbers: Sequence[int]) -> None:
        """Take people off a list; who is on no other is gone."""
        self._groups.leave(group, numbers)
        self._database.run_many(
            "DELETE FROM list_entries WHERE group_number = ? AND subscriber_number = ?",
            ((group.number, number) for number in numbers),
        )
        elsewhere = self._groups.of(numbers)
        self._subscribers.delete([number for number in numbers if number not in elsewhere])

    def delete(self, group: Group) -> None:
        """Remove a list with everybody who is on no other."""
        members = self._groups.members([group])
        rows = self._database.rows(f"SELECT number FROM subscribers WHERE {members.condition}", members.parameters)
        self.remove(group, [number for (number,) in rows])
        self._groups.delete(group)

    def _changed(self, numbers: Iterable[int]) -> None:
        self._database.versions["subscriber values"] += 1
        self._subscribers.forget_rendered(numbers)

    def _versions(self) -> tuple[int, ...]:
        versions = self._database.versions
        return versions["subscribers"], versions["subscriber values"], versions["memberships"]
