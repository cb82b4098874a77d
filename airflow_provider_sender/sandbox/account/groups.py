"""Groups, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.records import Audience, Group, SubscriberStatus
from airflow_provider_sender.sandbox.account.subscribers import Subscribers

_KIND = "group"


class GroupCounts(msgspec.Struct):
    """How many subscribers a group has, by status, and how many of them have a phone number."""

    by_status: dict[str, int]
    with_phone: int = 0
    active_with_phone: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_status.values())


class Groups:
    """Reads and changes groups.

    :param database: the account's database.
    :param subscribers: its people, whose rendered form names their groups.
    """

    def __init__(self, database: Database, subscribers: Subscribers) -> None:
        self._database = database
        self._subscribers = subscribers
        self._counts: tuple[tuple[int, ...], dict[int, GroupCounts]] = ((), {})

    def all(self) -> list[Group]:
        """Every group, oldest first."""
        return [Group(*row) for row in self._database.rows("SELECT * FROM groups ORDER BY number")]

    def find(self, public: str) -> Group | None:
        """The group with an id."""
        number = row_number(_KIND, public)
        row = None if number is None else self._database.row("SELECT * FROM groups WHERE number = ?", (number,))
        return None if row is None else Group(*row)

    def titled(self, title: str, now: float) -> Group:
        """The group with a title, made when there is none."""
        row = self._database.row("SELECT * FROM groups WHERE title = ?", (title,))
        return self.add(title, now) if row is None else Group(*row)

    def add(self, title: str, now: float) -> Group:
        """A new group."""
        number = self._database.insert("groups", {"title": title, "created": now, "modified": now})
        return Group(number, title, now, now)

    def rename(self, group: Group, title: str, now: float) -> None:
        """Give a group another title."""
        self._database.update("groups", group.number, {"title": title, "modified": now})
        self._subscribers.forget_rendered()

    def delete(self, group: Group) -> None:
        """Remove a group; its subscribers stay on the account."""
        self._database.run("DELETE FROM memberships WHERE group_number = ?", (group.number,))
        self._database.run("DELETE FROM groups WHERE number = ?", (group.number,))
        self._database.versions["memberships"] += 1
        self._subscribers.forget_rendered()

    def members(self, groups: Iterable[Group]) -> Audience:
        """Everybody in at least one of some groups."""
        numbers = tuple(group.number for group in groups)
        marks = ", ".join("?" * len(numbers))
        return Audience(
            f"number IN (SELECT subscriber_number FROM memberships WHERE group_number IN ({marks}))", numbers
        )

    def is_member(self, group: Group, subscriber_number: int) -> bool:
        """Whether a subscriber is in a group."""
        found = self._database.row(
            "SELECT 1 FROM memberships WHERE group_number = ? AND subscriber_number = ?",
            (group.number, subscriber_number),
        )
        return found is not None

    def of(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        """The numbers of the groups each of some subscribers is in, oldest group first."""
        found: dict[int, list[int]] = {}
        for start in range(0, len(numbers), 500):
            batch = numbers[start : start + 500]
            marks = ", ".join("?" * len(batch))
            for subscriber, group in self._database.rows(
                "SELECT subscriber_number, group_number FROM memberships"
                f" WHERE subscriber_number IN ({marks}) ORDER BY group_number",
                tuple(batch),
            ):
                found.setdefault(subscriber, []).append(group)
        return found

    def join(self, group: Group, numbers: Iterable[int]) -> None:
        """Put subscribers into a group; those already in it stay."""
        self._change("INSERT OR IGNORE INTO memberships VALUES (?, ?)", group, numbers)

    def leave(self, group: Group, numbers: Iterable[int]) -> None:
        """Take subscribers out of a group."""
        self._change("DELETE FROM memberships WHERE group_number = ? AND subscriber_number = ?", group, numbers)

    def leave_all(self, number: int) -> None:
        """Take one subscriber out of all groups."""
        self._database.run("DELETE FROM memberships WHERE subscriber_number = ?", (number,))
        self._database.versions["memberships"] += 1
        self._subscribers.forget_rendered([number])

    def counts(self, group: Group) -> GroupCounts:
        """How many subscribers a group has."""
        versions = self._database.versions
        now = versions["subscribers"], versions["subscriber values"], versions["memberships"]
        if self._counts[0] != now:
            self._counts = now, self._count()
        return self._counts[1].get(group.number) or GroupCounts({})

    def _count(self) -> dict[int, GroupCounts]:
        counts: dict[int, GroupCounts] = {}
        for group, status, people, phones in self._database.rows(
            "SELECT group_number, status, COUNT(*), COUNT(phone) FROM memberships"
            " JOIN subscribers ON number = subscriber_number GROUP BY group_number, status"
        ):
            count = counts.setdefault(group, GroupCounts({}))
            count.by_status[status] = people
            count.with_phone += phones
            if status == SubscriberStatus.ACTIVE:
                count.active_with_phone = phones
        return counts

    def _change(self, statement: str, group: Group, numbers: Iterable[int]) -> None:
        changed = list(numbers)
        self._database.run_many(statement, ((group.number, number) for number in changed))
        self._database.versions["memberships"] += 1
        self._subscribers.forget_rendered(changed)


def group_id(group: Group) -> str:
    """A group's public id."""
    return public_id(_KIND, group.number)
