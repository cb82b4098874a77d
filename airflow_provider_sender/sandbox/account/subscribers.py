"""The people on the account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.listing import Listing
from airflow_provider_sender.sandbox.account.records import EVERYBODY, Audience, Subscriber, SubscriberStatus

_KIND = "subscriber"
# SQLite takes at most 32,766 parameters in one statement; this is far below and already as fast as more.
_BATCH = 500


class Subscribers:
    """Reads and changes subscribers, and keeps what was rendered of them until they change.

    :param database: the account's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.listing = Listing(database)
        # Service name -> subscriber number -> the subscriber as that service writes it.
        self._rendered: dict[str, dict[int, bytes]] = {}
        self._counted: tuple[tuple[int, int], dict[str, int]] | None = None

    def find(self, key: str) -> Subscriber | None:
        """The subscriber with an e-mail address, an id or a phone number."""
        if "@" in key:
            return self._one("email = ?", key)
        number = row_number(_KIND, key)
        found = None if number is None else self._one("number = ?", number)
        return found or self._one("phone = ?", international(key))

    def all_numbers(self) -> list[int]:
        """The numbers of all subscribers by creation, those included that no list shows yet."""
        return [number for (number,) in self._database.rows("SELECT number FROM subscribers ORDER BY created, number")]

    def by_address(self, addresses: Iterable[str]) -> Iterator[tuple[str, Subscriber | None]]:
        """Each address with its subscriber, if there is one."""
        for address in addresses:
            yield address, self._one("email = ?", address)

    def read(self, numbers: Sequence[int]) -> list[Subscriber]:
        """The subscribers of these numbers, in this order, without those that are gone."""
        found: dict[int, Subscriber] = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            marks = ", ".join("?" * len(batch))
            for row in self._database.rows(f"SELECT * FROM subscribers WHERE number IN ({marks})", tuple(batch)):
                found[row[0]] = Subscriber(*row)
        return [found[number] for number in numbers if number in found]

    def add(self, email: str, created: float, **columns: Value) -> Subscriber:
        """A new subscriber, active unless ``columns`` says otherwise."""
        statuses: dict[str, Value] = {
            "status": SubscriberStatus.ACTIVE,
            "transactional_status": SubscriberStatus.ACTIVE,
            "sms_status": SubscriberStatus.ACTIVE,
        }
        values = {"email": email, "created": int(created), **statuses, **columns}
        number = self._database.insert("subscribers", values)
        self._database.versions["subscribers"] += 1
        return self.read([number])[0]

    def change(self, subscriber: Subscriber, changes: dict[str, Value]) -> None:
        """Change columns of a subscriber."""
        if changes:
            self._database.update("subscribers", subscriber.number, changes)
            self._database.versions["subscriber values"] += 1
            self.forget_rendered([subscriber.number])

    def set_values(self, subscriber: Subscriber, values: dict[str, Value]) -> None:
        """Store custom field values, by field id, beside those already there."""
        if values:
            stored = {**json.loads(subscriber.field_values), **values}
            self.change(subscriber, {"field_values": json.dumps(stored)})

    def delete_later(self, audience: Audience, when: float) -> None:
        """Mark an audience for deletion."""
        self._database.run(
            f"UPDATE subscribers SET delete_at = ? WHERE delete_at IS NULL AND ({audience.condition})",
            (when, *audience.parameters),
        )

    def delete_due(self, now: float) -> None:
        """Carry out the deletions that are due."""
        due = self._database.rows("SELECT number FROM subscribers WHERE delete_at <= ?", (now,))
        self.delete([number for (number,) in due])

    def delete(self, numbers: Sequence[int]) -> None:
        """Remove subscribers and their memberships; mails they got stay counted."""
        rows = [(number,) for number in numbers]
        self._database.run_many("DELETE FROM memberships WHERE subscriber_number = ?", rows)
        self._database.run_many("DELETE FROM subscribers WHERE number = ?", rows)
        self._database.versions["subscribers"] += 1
        self._database.versions["memberships"] += 1
        self.forget_rendered(numbers)

    def next_deletion(self) -> float | None:
        """When the next deletion is due."""
        row = self._database.row("SELECT MIN(delete_at) FROM subscribers WHERE delete_at IS NOT NULL")
        return None if row is None else row[0]

    def count(self, audience: Audience = EVERYBODY) -> int:
        """How many subscribers an audience has."""
        return self._database.number(
            f"SELECT COUNT(*) FROM subscribers WHERE {audience.condition}", audience.parameters
        )

    def by_status(self) -> dict[str, int]:
        """How many subscribers there are in each status."""
        versions = self._database.versions
        now = versions["subscribers"], versions["subscriber values"]
        if self._counted is None or self._counted[0] != now:
            rows = self._database.rows("SELECT status, COUNT(*) FROM subscribers GROUP BY status")
            self._counted = now, {status: count for status, count in rows}
        return self._counted[1]

    def rendered(self, service: str) -> dict[int, bytes]:
        """What a service rendered of subscribers that have not changed since."""
        return self._rendered.setdefault(service, {})

    def forget_rendered(self, numbers: Iterable[int] | None = None) -> None:
        """Have these subscribers rendered anew; ``None`` for all of them."""
        for kept in self._rendered.values():
            if numbers is None:
                kept.clear()
                continue
            for number in numbers:
                kept.pop(number, None)

    def _one(self, condition: str, value: int | str) -> Subscriber | None:
        row = self._database.row(f"SELECT * FROM subscribers WHERE {condition}", (value,))
        return None if row is None else Subscriber(*row)


def subscriber_id(number: int) -> str:
    """A subscriber's public id."""
    return public_id(_KIND, number)


def international(phone: str) -> str:
    """A phone number with its ``00`` written as ``+``, as it is stored."""
    return "+" + phone[2:] if phone.startswith("00") else phone
