"""Filling an account: with any number of made-up people, or with given rows."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from itertools import chain, repeat

import msgspec

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.fields import Fields, field_id
from airflow_provider_sender.sandbox.account.groups import Groups
from airflow_provider_sender.sandbox.account.lists import EntryStatus
from airflow_provider_sender.sandbox.account.people import PLAN, RENEWAL, VISITS, creation_times, person
from airflow_provider_sender.sandbox.account.records import Field, FieldType, SubscriberStatus
from airflow_provider_sender.sandbox.account.subscribers import Subscribers, international

_FIELD_TYPES = {PLAN: FieldType.TEXT, VISITS: FieldType.NUMBER, RENEWAL: FieldType.DATETIME}
# Share of the people in each group.
_GROUPS = {"Newsletter": 0.8, "Customers": 0.35, "Product updates": 0.2}


class SeedRow(msgspec.Struct, forbid_unknown_fields=True):
    """One subscriber to be there, as a test writes it.

    :param groups: titles or ids; a title nobody has becomes a new group.
    :param fields: values by title or name; an unknown one becomes a new custom field.
    :param created: ISO-8601 (without a zone: UTC) or seconds since the epoch; now when left out.
    """

    email: str
    firstname: str | None = None
    lastname: str | None = None
    phone: str | None = None
    status: SubscriberStatus = SubscriberStatus.ACTIVE
    transactional_status: SubscriberStatus = SubscriberStatus.ACTIVE
    groups: list[str] = []
    fields: dict[str, str | int | float | None] = {}
    created: str | int | float | None = None

    def created_at(self, now: float) -> float:
        """When the subscriber was made, in seconds since the epoch.

        :raises ValueError: when it is no date.
        """
        if self.created is None:
            return now
        if not isinstance(self.created, str):
            return self.created
        moment = datetime.fromisoformat(self.created)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


class Seeding:
    """Adds subscribers past the services' own rules.

    :param database: the account's database.
    :param subscribers: its people.
    :param groups: its groups.
    :param fields: its custom fields.
    :param seed: what the made-up people follow from.
    """

    def __init__(self, database: Database, subscribers: Subscribers, groups: Groups, fields: Fields, seed: int) -> None:
        self._database = database
        self._subscribers = subscribers
        self._groups = groups
        self._fields = fields
        self._seed = seed

    def people(self, count: int, now: float) -> None:
        """Add made-up people: over a past year and a half on an empty account, else as made now."""
        if count <= 0:
            return
        first = self._database.next_number("subscribers")
        chance = random.Random(f"{self._seed}:{first}")
        times = repeat(int(now), count) if self._subscribers.count() else creation_times(count, chance)
        field_ids = {title: field_id(self._field(title, now)) for title in _FIELD_TYPES}
        people = (person(first + index, moment, field_ids, chance) for index, moment in enumerate(times))
        one = next(people)
        names, marks = ", ".join(one), ", ".join("?" * len(one))
        self._database.run_many(
            f"INSERT OR IGNORE INTO subscribers ({names}) VALUES ({marks})",
            (tuple(columns.values()) for columns in chain([one], people)),
        )
        self._database.versions["subscribers"] += 1
        for title, share in _GROUPS.items():
            numbers = [first + index for index in range(count) if chance.random() < share]
            self._groups.join(self._groups.titled(title, now), numbers)
        self._leave_single_lists(first, now)

    def _leave_single_lists(self, first: int, now: float) -> None:
        """Have some people on two lists leave one of them, which only services with consent per list show."""
        stays, leaves = (self._groups.titled(title, now).number for title in ("Newsletter", "Customers"))
        self._database.run(
            "INSERT INTO list_entries (group_number, subscriber_number, status)"
            " SELECT ?, here.subscriber_number, ? FROM memberships AS here JOIN memberships AS there"
            " ON there.subscriber_number = here.subscriber_number AND there.group_number = ?"
            " WHERE here.group_number = ? AND here.subscriber_number >= ? AND here.subscriber_number % 20 = 0",
            (leaves, EntryStatus.UNSUBSCRIBED, stays, leaves, first),
        )

    def rows(self, rows: list[SeedRow], now: float) -> None:
        """Add given subscribers.

        :raises ValueError: when an address is there already, or a date is none.
        """
        for row in rows:
            if self._subscribers.find(row.email) is not None:
                raise ValueError(f"{row.email} is on the account already")
            created = row.created_at(now)
            values = {field_id(self._fields.keyed_or_new(key, value, now)): value for key, value in row.fields.items()}
            left: dict[str, Value] = {
                "unsubscribed_at": int(created) if row.status == SubscriberStatus.UNSUBSCRIBED else None,
                "bounced_at": int(created) if row.status == SubscriberStatus.BOUNCED else None,
            }
            added = self._subscribers.add(
                row.email,
                created,
                firstname=row.firstname,
                lastname=row.lastname,
                phone=None if row.phone is None else international(row.phone),
                status=row.status,
                transactional_status=row.transactional_status,
                field_values=json.dumps(values),
                **left,
            )
            for name in row.groups:
                self._groups.join(self._groups.find(name) or self._groups.titled(name, now), [added.number])

    def intrude(self, count: int, where: str, now: float) -> None:
        """Add bare subscribers before the first, after the last, or among those there, in creation order."""
        edge = "MIN" if where == "first" else "MAX"
        times = [int(now)] * count
        if where != "last" and self._subscribers.count():
            bound = self._database.number(f"SELECT {edge}(created) FROM subscribers")
            chance = random.Random(f"{self._seed}:{self._database.next_number('subscribers')}")
            start = self._database.number("SELECT MIN(created) FROM subscribers")
            times = [bound - 1 if where == "first" else chance.randint(start, bound) for _ in range(count)]
        for moment in times:
            number = self._database.next_number("subscribers")
            self._subscribers.add(f"subscriber-{number:06d}@example.com", moment)

    def vanish(self, count: int, where: str) -> None:
        """Remove the first, the last or any subscribers in creation order, at once."""
        numbers = self._subscribers.all_numbers()
        if where == "random":
            chance = random.Random(f"{self._seed}:{len(numbers)}")
            self._subscribers.delete(chance.sample(numbers, min(count, len(numbers))))
        else:
            self._subscribers.delete(numbers[:count] if where == "first" else numbers[max(len(numbers) - count, 0) :])

    def _field(self, title: str, now: float) -> Field:
        return self._fields.keyed(title) or self._fields.add(title, _FIELD_TYPES[title], now)
