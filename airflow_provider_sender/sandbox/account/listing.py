"""Which subscribers are on a page.

``LIMIT ... OFFSET n`` makes SQLite walk over n rows again for every page. The order is worked out once
instead, as an array of row numbers, and kept until something in it changes: then any page of any account
costs the same.
"""

from __future__ import annotations

import random
from array import array

import msgspec

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.records import Audience

# Sort keys whose values never change once a row is there.
_FIXED_KEYS = frozenset({"number", "created", "email"})


class _Order(msgspec.Struct):
    numbers: array[int]
    versions: tuple[int, ...]
    good_until: float


class Listing:
    """The subscribers that lists show, in any order, a page at a time.

    :param database: the account's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders: dict[tuple[str, Audience], _Order] = {}

    def ascending(self, key: str, audience: Audience, now: float, *, stable_ties: bool = True) -> array[int]:
        """The numbers of an audience's listed subscribers by a column, smallest first.

        :param key: a column of the table; rows with equal values come by number.
        :param now: the time, as rows may be listed only some time after they were made.
        :param stable_ties: ``False`` gives rows with equal values another order on every call.
        """
        if not stable_ties:
            return self._read(key, audience, now, tie=f"(number * {random.randrange(1, 1 << 30, 2)}) % 1000003")
        versions = self._versions(key, audience)
        kept = self._orders.get((key, audience))
        if kept is not None and kept.versions == versions and now < kept.good_until:
            return kept.numbers
        numbers = self._read(key, audience, now, tie="number")
        hidden = self._database.row("SELECT MIN(listed_at) FROM subscribers WHERE listed_at > ?", (now,))
        good_until = float("inf") if hidden is None or hidden[0] is None else float(hidden[0])
        if len(self._orders) > 50:
            self._orders.clear()
        self._orders[key, audience] = _Order(numbers, versions, good_until)
        return numbers

    def _read(self, key: str, audience: Audience, now: float, *, tie: str) -> array[int]:
        rows = self._database.rows(
            f"SELECT number FROM subscribers WHERE listed_at <= ? AND ({audience.condition}) ORDER BY {key}, {tie}",
            (now, *audience.parameters),
        )
        return array("q", (number for (number,) in rows))

    def _versions(self, key: str, audience: Audience) -> tuple[int, ...]:
        versions = self._database.versions
        if audience.parameters or key not in _FIXED_KEYS:
            return versions["subscribers"], versions["subscriber values"], versions["memberships"]
        return (versions["subscribers"],)


def page_of(numbers: array[int], offset: int, limit: int, *, descending: bool) -> array[int]:
    """A stretch of a list, read from its beginning or, for ``descending``, from its end."""
    if not descending:
        return numbers[offset : offset + limit]
    high = max(len(numbers) - offset, 0)
    return numbers[max(high - limit, 0) : high][::-1]
