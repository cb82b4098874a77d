"""People who are known by nothing but their addresses, on disk: who was named, who is there, what became of each.

A list of a million addresses and a group of a million members need little memory this way. An address counts once,
whatever its letter case; it is sent in the spelling it came in.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence

from airflow_provider_sender.jobs.formats import SourceRow, row_json
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping
from airflow_provider_sender.jobs.scratch import ScratchDatabase

_SCHEMA = """
create table person (
    key text primary key,      -- the address in lower case
    address text not null,     -- as the rows, or else the account, spell it
    state text not null,
    line integer,              -- where the row stands in the source, from 1; null for those no row names
    source blob                -- the row as it came, JSON
) without rowid;
create index person_by_state on person (state, key);
"""

# How many addresses are taken from the disk at a time.
_AT_ONCE = 1000


class State(enum.StrEnum):
    """Where a person stands."""

    NAMED = "named"  # by a row, and nothing else is known yet
    THERE = "there"  # named by a row, and found
    OTHER = "other"  # found, and named by no row
    UNTOLD = "untold"  # asked about, and the answer left it open
    JOIN = "join"  # to be put into the group
    LEAVE = "leave"  # to be taken out of it
    ADDED = "added"
    REMOVED = "removed"
    CREATED = "created"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    HELD = "held"  # out, and joining would make them active
    GONE = "gone"
    REJECTED = "rejected"


class AddressColumn:
    """Finds the address in a row; what else a row holds does not matter.

    :param columns: source column -> what it is here; the address is in those that are ``email``.
    """

    def __init__(self, columns: Mapping[str, str | None] | None) -> None:
        self._columns = dict(columns or {})
        self._mapping = RowMapping({name: place for name, place in self._columns.items() if place == "email"}, ())

    def address(self, row: SourceRow) -> str | Rejected:
        """Return a row's address, or why it has none."""
        named = {name: value for name, value in row.items() if self._columns.get(name, name) == "email"}
        change = self._mapping.change(named)
        # With nothing but an address in it, a row that is not rejected has one.
        return change if isinstance(change, Rejected) else change.email or change.key


class Addresses(ScratchDatabase):
    """People by address, each once. A context manager; the file goes with it."""

    def __init__(self) -> None:
        super().__init__("addresses", _SCHEMA)
        self.duplicates = 0

    def name(self, address: str, line: int, row: object) -> None:
        """Add somebody a row names; of several rows for one address the last one counts."""
        values = (address, line, row_json(row), address.lower())
        cursor = self._database.execute(
            f"insert into person (address, line, source, key, state) values (?, ?, ?, ?, '{State.NAMED}') "
            "on conflict do nothing",
            values,
        )
        if cursor.rowcount == 0:
            self.duplicates += 1
            self._database.execute("update person set address = ?, line = ?, source = ? where key = ?", values)

    def find(self, addresses: Iterable[str]) -> None:
        """Remember that these are there, whether or not a row names them."""
        self._database.executemany(
            f"insert into person (key, address, state) values (?, ?, '{State.OTHER}') on conflict do update "
            f"set state = '{State.THERE}', address = excluded.address where state = '{State.NAMED}'",
            ((address.lower(), address) for address in addresses),
        )

    def settle(self, addresses: Iterable[str], state: State, *, only: State | None = None) -> None:
        """Put these into a state; with ``only``, those of them who are in that one."""
        condition = f"and state = '{only}'" if only else ""
        self._database.executemany(
            f"update person set state = '{state}' where key = ? {condition}",
            ((address.lower(),) for address in addresses),
        )

    def move(self, old: State, new: State) -> None:
        """Put everybody in one state into another."""
        self._database.execute("update person set state = ? where state = ?", (new, old))

    def count(self, *states: State) -> int:
        """Return how many are in any of these states."""
        marks = ", ".join("?" * len(states))
        found = self._database.execute(f"select count(*) from person where state in ({marks})", states)
        return int(found.fetchone()[0])

    def each(self, state: State) -> Iterator[str]:
        """Yield the addresses of those in a state; whoever has been yielded may be put into another meanwhile."""
        last = ""
        while True:
            found: Sequence[tuple[str, str]] = self._database.execute(
                "select key, address from person where state = ? and key > ? order by key limit ?",
                (state, last, _AT_ONCE),
            ).fetchall()
            yield from (address for _, address in found)
            if len(found) < _AT_ONCE:
                return
            last = found[-1][0]

    def last(self, state: State) -> str | None:
        """Return the address of the last of those in a state."""
        found = self._database.execute(
            "select address from person where state = ? order by key desc limit 1", (state,)
        ).fetchone()
        return None if found is None else str(found[0])

    def row(self, address: str) -> tuple[int, bytes]:
        """Return where the row that names somebody stands in the source, and the row as JSON."""
        found: tuple[int, bytes] = self._database.execute(
            "select line, source from person where key = ?", (address.lower(),)
        ).fetchone()
        return found
