"""The rows of an upsert on disk, before anything is sent: each key once, however many there are.

A source is read as a stream, so that a million rows need no memory. But which of two rows for one address is the last
one is known at the end only, and so is how many requests the rest will take. So the checked rows wait in a temporary
SQLite file.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from airflow_provider_sender.client.records import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.formats import row_json

_SCHEMA = """
create table row (
    key text primary key,      -- the address in lower case, the phone or the id
    line integer not null,     -- where the row stands in the source, from 1
    source blob not null,      -- the row as it came, JSON
    change blob not null,      -- what it asks for, JSON
    current blob               -- the subscriber as the account has it, JSON, when that is known
) without rowid;
"""

_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(SubscriberChange).decode
_decode_current = msgspec.json.Decoder(Subscriber).decode


class StagedRow(msgspec.Struct, frozen=True):
    """A row that passed the checks.

    :param source: the row as it came, JSON.
    :param current: the subscriber as the account had it when it was listed, if it was.
    """

    line: int
    source: bytes
    change: SubscriberChange
    current: Subscriber | None


class Staging:
    """Checked rows, each key once. A context manager; the file goes with it."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="sender-upsert-")
        self._database = sqlite3.connect(Path(self._directory.name) / "rows.sqlite", isolation_level=None)
        # A crash loses the file anyway, so nothing is paid for its safety.
        self._database.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_SCHEMA} begin;")
        self.duplicates = 0

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._directory.cleanup()

    def __len__(self) -> int:
        count: int = self._database.execute("select count(*) from row").fetchone()[0]
        return count

    def add(self, line: int, source: object, change: SubscriberChange) -> None:
        """Add a row; one with the same key that came before it gives way."""
        cursor = self._database.execute(
            "insert into row (key, line, source, change) values (?, ?, ?, ?) on conflict do nothing",
            (change.key, line, row_json(source), _encode(change)),
        )
        if cursor.rowcount == 0:
            self.duplicates += 1
            self._database.execute(
                "update row set line = ?, source = ?, change = ? where key = ?",
                (line, row_json(source), _encode(change), change.key),
            )

    def note_current(self, subscribers: Iterable[Subscriber]) -> None:
        """Remember how the account has those subscribers that rows are about."""
        self._database.executemany(
            "update row set current = ? where key in (?, ?, ?)",
            ((_encode(each), each.email.lower() if each.email else None, each.phone, each.id) for each in subscribers),
        )

    def rows(self) -> Iterator[StagedRow]:
        """Yield the rows in the source's order."""
        found = self._database.execute("select line, source, change, current from row order by line")
        for line, source, change, current in found:
            yield StagedRow(
                line=line,
                source=source,
                change=_decode_change(change),
                current=_decode_current(current) if current is not None else None,
            )
