"""People who are in the account already, put into groups: in calls for many, when all else is done.

An update call could do it, too; but whether it adds the groups it is given or puts them in place of the others is
documented nowhere. Only of somebody without an address, or whom the group call does not know, is it given all groups.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

_AT_ONCE = 1_000

_SCHEMA = """
create table addition (
    group_id text not null,
    address text not null,           -- lower case
    line integer not null,           -- of the row that asks for it
    key text not null,               -- what names the row's person
    is_certain integer not null,     -- whether the account is known to have the rest of the row
    is_made integer not null default 0,
    primary key (group_id, address, line)
) without rowid;
create index by_line on addition (line);
"""


class Additions:
    """Who is still to be put into which group, on disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file, gone when it is closed
        self._database.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_SCHEMA} begin;")

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()

    def add(self, line: int, key: str, address: str, groups: Iterable[str], *, is_certain: bool) -> None:
        """Note that a row's person is to be put into groups.

        :param is_certain: whether the account is known to have the rest of the row.
        """
        self._database.executemany(
            "insert or ignore into addition (group_id, address, line, key, is_certain) values (?, ?, ?, ?, ?)",
            ((group, address.lower(), line, key, is_certain) for group in groups),
        )

    def groups(self) -> list[str]:
        """Return the groups somebody is to be put into."""
        return [group for (group,) in self._database.execute("select distinct group_id from addition")]

    def addresses(self, group_id: str) -> Iterator[str]:
        """Yield the addresses that are to be put into a group; what is noted of one that was yielded does no harm."""
        last = ""
        while True:
            found: Sequence[tuple[str]] = self._database.execute(
                "select distinct address from addition where group_id = ? and address > ? and not is_made "
                "order by address limit ?",
                (group_id, last, _AT_ONCE),
            ).fetchall()
            if not found:
                return
            yield from (address for (address,) in found)
            last = found[-1][0]

    def rows(self, group_id: str, address: str) -> list[tuple[int, str]]:
        """Return line and key of the rows that ask for an addition."""
        return self._database.execute(
            "select line, key from addition where group_id = ? and address = ?", (group_id, address)
        ).fetchall()

    def made(self, group_id: str, addresses: Iterable[str]) -> None:
        """Note that people are in a group now."""
        self._database.executemany(
            "update addition set is_made = 1 where group_id = ? and address = ?",
            ((group_id, address) for address in addresses),
        )

    def drop(self, line: int) -> None:
        """Ask for no additions for a row any more."""
        self._database.execute("delete from addition where line = ?", (line,))

    def finished(self, *, is_certain: bool) -> int:
        """Return how many rows' additions were all made.

        :param is_certain: of the rows the account is known to have, or of the others.
        """
        query = (
            "select count(*) from (select line from addition where is_certain = ? group by line having min(is_made))"
        )
        return int(self._database.execute(query, (is_certain,)).fetchone()[0])

    def __len__(self) -> int:
        return int(self._database.execute("select count(*) from addition where not is_made").fetchone()[0])
