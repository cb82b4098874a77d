"""The SQLite database an account lives in: in memory, or a file that outlives the process."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias
from zlib import crc32

Value: TypeAlias = int | float | str | None
# A row's shape is the statement's; whoever wrote the statement unpacks it.
Row: TypeAlias = tuple[Any, ...]

# Times are seconds since the epoch. 0 in listed_at and groupable_at is "always was"; NULL in a *_at that is
# still to come is "never". Subscribers' created has whole seconds, as the services have: many rows share one.
# Kept in the file, so that one from before a change of the tables is refused and not half understood.
_VERSION = 2
_SCHEMA = """
CREATE TABLE subscribers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    firstname TEXT, lastname TEXT, phone TEXT,
    status TEXT NOT NULL, transactional_status TEXT NOT NULL, sms_status TEXT NOT NULL,
    created INTEGER NOT NULL, unsubscribed_at INTEGER, bounced_at INTEGER,
    ip_address TEXT, location TEXT,
    field_values TEXT NOT NULL DEFAULT '{}',
    listed_at REAL NOT NULL DEFAULT 0, groupable_at REAL NOT NULL DEFAULT 0, delete_at REAL,
    tags TEXT NOT NULL DEFAULT '[]', consent TEXT, modified REAL
);
CREATE INDEX subscribers_created ON subscribers (created);
CREATE INDEX subscribers_phone ON subscribers (phone) WHERE phone IS NOT NULL;
CREATE INDEX subscribers_listed ON subscribers (listed_at) WHERE listed_at > 0;
CREATE INDEX subscribers_deleted ON subscribers (delete_at) WHERE delete_at IS NOT NULL;
CREATE TABLE groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL
);
CREATE TABLE memberships (
    group_number INTEGER NOT NULL, subscriber_number INTEGER NOT NULL,
    PRIMARY KEY (group_number, subscriber_number)
) WITHOUT ROWID;
CREATE INDEX memberships_subscriber ON memberships (subscriber_number);
CREATE TABLE list_entries (
    group_number INTEGER NOT NULL, subscriber_number INTEGER NOT NULL,
    status INTEGER, field_values TEXT NOT NULL DEFAULT '{}', source TEXT, added REAL,
    PRIMARY KEY (group_number, subscriber_number)
) WITHOUT ROWID;
CREATE TABLE list_variables (
    group_number INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (group_number, name)
) WITHOUT ROWID;
CREATE TABLE fields (
    number INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, type TEXT NOT NULL, shown INTEGER NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL
);
CREATE TABLE segments (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, rule TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE campaigns (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL, subject TEXT NOT NULL, sender_name TEXT NOT NULL, reply_to TEXT NOT NULL,
    preheader TEXT, content_type TEXT NOT NULL, content TEXT,
    group_ids TEXT NOT NULL, segment_ids TEXT NOT NULL,
    google_analytics INTEGER NOT NULL,
    followup_active INTEGER NOT NULL, followup_subject TEXT, followup_delay INTEGER,
    status TEXT NOT NULL, schedule_time TEXT, due_at REAL, starts_at REAL, ends_at REAL, sent_at REAL,
    recipients INTEGER NOT NULL, opens INTEGER NOT NULL, clicks INTEGER NOT NULL, bounces INTEGER NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL, listed_at REAL NOT NULL,
    service TEXT NOT NULL DEFAULT 'sender', detail TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE mails (
    campaign_number INTEGER NOT NULL, email TEXT NOT NULL, subscriber_number INTEGER NOT NULL,
    fate INTEGER NOT NULL, count INTEGER NOT NULL, mailed_at REAL NOT NULL,
    PRIMARY KEY (campaign_number, email)
) WITHOUT ROWID;
CREATE INDEX mails_subscriber ON mails (subscriber_number);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL, created REAL NOT NULL
);
CREATE INDEX documents_kind ON documents (kind, number);
CREATE TABLE clock (ahead REAL NOT NULL);
"""


def _fate(campaign_number: int, email: str) -> int:
    """What becomes of one mail, as a number below 1,000: the same for the same recipient in every run."""
    return crc32(f"{campaign_number}:{email.lower()}".encode()) % 1000


class Database:
    """One connection, and counters of what changed, by which the caches above it know they are stale.

    :param path: the SQLite file; ``None`` keeps everything in memory.
    :raises sqlite3.Error: when the file is no database, or not one of this version's.
    """

    def __init__(self, path: str | None = None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._connection.create_function("fate", 2, _fate, deterministic=True)
        if path is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
        self.versions: Counter[str] = Counter()
        if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'subscribers'"):
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        if self.number("PRAGMA user_version") != _VERSION:
            raise sqlite3.DatabaseError("it was written by another version of this package; begin with a new file")

    def rows(self, statement: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(statement, parameters).fetchall()

    def row(self, statement: str, parameters: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, if there is one."""
        found: Row | None = self._connection.execute(statement, parameters).fetchone()
        return found

    def number(self, statement: str, parameters: Sequence[Value] = ()) -> int:
        """The one number a query asks for."""
        return int(self._connection.execute(statement, parameters).fetchone()[0] or 0)

    def run(self, statement: str, parameters: Sequence[Value] = ()) -> int:
        """Carry out a change.

        :return: the number of rows it changed.
        """
        return self._connection.execute(statement, parameters).rowcount

    def insert(self, table: str, values: dict[str, Value]) -> int:
        """Add one row.

        :return: its number.
        """
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        cursor = self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def update(self, table: str, number: int, values: dict[str, Value]) -> None:
        """Change columns of one row."""
        changes = ", ".join(f"{name} = ?" for name in values)
        self._connection.execute(f"UPDATE {table} SET {changes} WHERE number = ?", (*values.values(), number))

    def run_many(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Carry out a change for every one of ``rows``."""
        self._connection.executemany(statement, rows)

    def next_number(self, table: str) -> int:
        """The number the next row of a table will get: numbers are never used twice."""
        row = self.row("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        return 1 if row is None else int(row[0]) + 1

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing does; inside another transaction it is part of that one."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        changes = self._connection.total_changes
        try:
            yield
        except BaseException:
            if self._connection.total_changes != changes:
                self.versions.update(self.versions.keys())
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Remove everything, numbering included."""
        for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            self._connection.execute(f"DROP TABLE {name}")
        self._connection.executescript(_SCHEMA)
        self.versions.update(self.versions.keys())

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
