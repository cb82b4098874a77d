"""The rows of an upsert on disk, before anything is sent: each key once, however many there are.

A source is read as a stream, so that a million rows need no memory. But which of two rows for one address is the last
one is known at the end only, and so is what the ledger and the account make of it. So the checked rows wait in a
temporary SQLite file, and beside them what is still to be done about each.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from airflow_provider_sender.client.subscribers import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.consent import ConsentMode, asked_status
from airflow_provider_sender.jobs.formats import row_json
from airflow_provider_sender.jobs.ledger_format import FIELDS_DIGEST_AT, fingerprint, groups_json
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.scratch import ScratchDatabase

# After this time a held row is looked at again: the person may have come back.
HELD_FOR = timedelta(days=7)

# Rows are written so many, or so many bytes, at a time.
_MOST_ROWS = 1_000
_MOST_BYTES = 1 << 20

_SCHEMA = """
create table row (
    line integer primary key,     -- where the row stands in the source, from 1
    key text not null,            -- the address in lower case, the id or the phone
    source blob not null,         -- the row as it came, JSON
    change blob not null,         -- what it asks for, JSON
    fingerprint text not null,    -- these three as in a ledger
    status text not null,
    groups text not null
);
create table malformed (          -- rows that did not pass the checks
    line integer primary key,
    source blob not null,
    field text,
    reason text not null
);
create table work (               -- rows something is to be done about
    line integer primary key,
    task text not null,
    known_groups text,            -- that the ledger has put the person into
    has_known_fields integer,     -- whether the custom fields are as the ledger has them
    current blob                  -- the subscriber as the account has it, JSON, when that is known
);
"""

# The ledger is attached, or has no rows. What is not in this list is as it was last time.
_COMPARE = f"""
insert into work (line, task, known_groups, has_known_fields)
select line, task, known_groups, has_known_fields from (
    select row.line, known.groups as known_groups,
        substr(known.fingerprint, {FIELDS_DIGEST_AT}) = substr(row.fingerprint, {FIELDS_DIGEST_AT}) as has_known_fields,
        case
        when known.key is null or known.status <> row.status then 'look_up'
        when known.outcome = 'held' then case
            when known.fingerprint = row.fingerprint and known.accepted_at >= :since
                and (known.groups = row.groups or covers(known.groups, row.groups)) then 'leave'
            else 'look_up' end
        when known.fingerprint <> row.fingerprint then 'update'
        when known.groups = row.groups or covers(known.groups, row.groups) then 'nothing'
        else 'join' end as task
    from row left join ledger.subscriber as known on known.key = row.key
)
where task <> 'nothing'
"""

# Made when all rows are there, which is quicker than keeping it up; the ledger is compared in its order.
_INDEX = "create index if not exists by_key on row (key, line, fingerprint, status, groups)"

_DELETE_DUPLICATES = """
delete from row where line in (
    select line from (select line, max(line) over (partition by key) as last from row) where line < last
)
"""

_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(SubscriberChange).decode
_decode_current = msgspec.json.Decoder(Subscriber).decode
_decode_groups = msgspec.json.Decoder(tuple[str, ...]).decode


class Task(enum.StrEnum):
    """What is to be done about a row, as far as it is known.

    LOOK_UP: find the person, then decide. UPDATE: the ledger has the person, with other values. JOIN: with the same
    values, but not in all of the groups. LEAVE: held last time, and not to be looked at again yet. DONE: nothing more.
    """

    LOOK_UP = "look_up"
    UPDATE = "update"
    JOIN = "join"
    LEAVE = "leave"
    DONE = "done"


# What may come to requests.
WORK = (Task.LOOK_UP, Task.UPDATE, Task.JOIN)


class StagedRow(msgspec.Struct, frozen=True):
    """A row that passed the checks, and is not as it was last time.

    :param source: the row as it came, JSON.
    :param fingerprint: as in a ledger, and so is ``status``.
    :param known_groups: groups the ledger has put the person into.
    :param has_known_fields: whether the custom fields are as the ledger has them.
    :param current: the subscriber as the account had it when it was listed, if it was.
    """

    line: int
    source: bytes
    change: SubscriberChange
    fingerprint: str
    status: str
    task: Task
    known_groups: tuple[str, ...]
    has_known_fields: bool
    current: Subscriber | None

    @property
    def key(self) -> str:
        """What names the person."""
        return self.change.key


class Staging(ScratchDatabase):
    """Checked rows, each key once, and what is to be done about them. A context manager; the file goes with it.

    :param mode: whose word counts about consent.
    """

    def __init__(self, mode: ConsentMode = ConsentMode.KEEP) -> None:
        super().__init__("upsert", _SCHEMA)
        self._mode = mode
        self._database.create_function("covers", 2, _covers, deterministic=True)
        self._waiting: list[tuple[int, str, bytes, bytes, str, str, str]] = []
        self._waiting_bytes = 0
        self._added = 0
        self._is_complete = False

    def __len__(self) -> int:
        self._complete()
        return self._count("select count(*) from row")

    @property
    def taken_in(self) -> int:
        """How many rows there were, whatever became of them."""
        return self._added + self._count("select count(*) from malformed")

    @property
    def duplicates(self) -> int:
        """Rows that gave way to a later one with the same key."""
        return self._added - len(self)

    def clear(self) -> None:
        """Forget all rows."""
        self._complete()
        self._added, self._is_complete = 0, False
        self._database.execute("drop index by_key")
        for table in ("row", "malformed", "work"):
            self._database.execute(f"delete from {table}")

    def add(self, line: int, source: object, change: SubscriberChange) -> None:
        """Add a row; one with the same key that came before it is to give way."""
        as_it_came, asked = row_json(source), _encode(change)
        status, groups = asked_status(change, self._mode), groups_json(change.groups)
        self._waiting.append((line, change.key, as_it_came, asked, fingerprint(change), status, groups))
        self._waiting_bytes += len(as_it_came) + len(asked)
        self._added += 1
        self._is_complete = False
        if len(self._waiting) >= _MOST_ROWS or self._waiting_bytes >= _MOST_BYTES:
            self._flush()

    def reject(self, line: int, source: bytes, why: Rejected) -> None:
        """Add a row, given as JSON, that did not pass the checks."""
        self._database.execute("insert into malformed values (?, ?, ?, ?)", (line, source, why.field, why.reason))

    def rejects_fields(self) -> bool:
        """Tell whether a row did not pass the checks for what is in a custom field."""
        return self._count("select exists (select * from malformed where field like 'fields.%')") == 1

    def rejected(self) -> Iterator[tuple[int, bytes, Rejected]]:
        """Yield the rows that did not pass the checks, in the source's order."""
        for line, source, field, reason in self._database.execute("select * from malformed order by line"):
            yield line, source, Rejected(field, reason)

    def compare(self, ledger: Path | None) -> None:
        """Find out which rows are not as the ledger has them.

        :param ledger: the ledger's file; without one there is something to be done about every row.
        """
        self._complete()
        if ledger is None:
            self._database.execute("insert into work (line, task) select line, 'look_up' from row")
            return
        since = (datetime.now(UTC) - HELD_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._database.execute("commit")
        self._database.execute("attach ? as ledger", (str(ledger),))
        self._database.execute(_COMPARE, {"since": since})
        self._database.execute("detach ledger")
        self._database.execute("begin")

    def to_do(self, *tasks: Task) -> int:
        """Return how many rows have one of these tasks."""
        marks = ", ".join("?" * len(tasks))
        return self._count(f"select count(*) from work where task in ({marks})", *tasks)

    def unchanged(self) -> int:
        """Return how many rows are as the ledger has them."""
        return len(self) - self._count("select count(*) from work")

    def groups(self) -> set[str]:
        """Return the groups that rows about which something is to be done name."""
        named = self._database.execute("select distinct groups from work join row using (line)")
        return {group for (groups,) in named for group in _decode_groups(groups)}

    def note_current(self, subscribers: Iterable[Subscriber]) -> None:
        """Remember how the account has those subscribers about whom something is to be done."""
        self._database.executemany(
            "update work set current = ? where line in (select line from row where key in (?, ?, ?))",
            ((_encode(each), each.email.lower() if each.email else None, each.phone, each.id) for each in subscribers),
        )

    def rows(self) -> Iterator[StagedRow]:
        """Yield the rows something is to be done about, in the source's order.

        What is noted of a row it has yielded does no harm.
        """
        yield from self._rows("where task <> 'done' order by line")

    def row(self, line: int) -> StagedRow:
        """Return one of them."""
        return next(self._rows("where line = ?", line))

    def done(self, line: int) -> None:
        """Note that nothing more is to be done about a row."""
        self._database.execute("update work set task = 'done' where line = ?", (line,))

    def _rows(self, which: str, *values: object) -> Iterator[StagedRow]:
        found = self._database.execute(
            "select line, source, change, fingerprint, status, task, known_groups, has_known_fields, current "
            f"from work join row using (line) {which}",
            values,
        )
        for line, source, change, digest, status, task, known_groups, has_known_fields, current in found:
            yield StagedRow(
                line=line,
                source=source,
                change=_decode_change(change),
                fingerprint=digest,
                status=status,
                task=Task(task),
                known_groups=_decode_groups(known_groups) if known_groups else (),
                has_known_fields=bool(has_known_fields),
                current=_decode_current(current) if current is not None else None,
            )

    def _complete(self) -> None:
        """Let of the rows with one key only the last one stay."""
        self._flush()
        if not self._is_complete:
            self._database.execute(_INDEX)
            self._database.execute(_DELETE_DUPLICATES)
            self._is_complete = True

    def _flush(self) -> None:
        self._database.executemany("insert into row values (?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _count(self, query: str, *values: object) -> int:
        count: int = self._database.execute(query, values).fetchone()[0]
        return count


def _covers(known: str, wanted: str) -> bool:
    """Tell whether all groups of the second JSON list are in the first."""
    return known == wanted or wanted == "[]" or set(_decode_groups(wanted)) <= set(_decode_groups(known))
