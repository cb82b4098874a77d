"""Rows on their way into a database, on the worker's disk until all of them are there.

Reading an account may take hours. No connection is kept for so long, and nothing is begun that a crash would leave
behind: the rows wait in a temporary file, in the form in which the database takes many at once.
"""

from __future__ import annotations

import pickle
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import BinaryIO, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from airflow_provider_sender.sql.types import SqlValue

# Bytes handed to a database at once.
_CHUNK = 1 << 20


class Spool(ABC):
    """Rows that wait. A context manager; the file goes with it.

    :ivar rows: how many there are.
    :ivar without_nul: how many texts lost a NUL character, because the database cannot hold any.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.without_nul = 0
        self._file = cast("BinaryIO", tempfile.TemporaryFile(prefix="sender-to-sql-"))  # noqa: SIM115  # __exit__ does

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, columns: Sequence[Sequence[SqlValue]]) -> None:
        """Add rows, given as one list a column."""
        self.rows += len(columns[0])
        self._write(columns)

    @abstractmethod
    def _write(self, columns: Sequence[Sequence[SqlValue]]) -> None: ...

    @abstractmethod
    def load(self, connection: Connection, table: sa.Table) -> None:
        """Insert all rows into a table that has the same columns in the same order."""


class CopySpool(Spool):
    """Waits as PostgreSQL's COPY takes it, which is many times as fast as statements."""

    def _write(self, columns: Sequence[Sequence[SqlValue]]) -> None:
        texts = [list(map(self._text, values)) for values in columns]
        lines = "\n".join(map("\t".join, zip(*texts, strict=True)))
        if lines:
            self._file.write(lines.encode() + b"\n")

    def _text(self, value: SqlValue) -> str:
        if value is None:
            return r"\N"
        if isinstance(value, str):
            return self._escaped(value) if _SPECIAL.search(value) else value
        return value.isoformat() if isinstance(value, datetime) else repr(value)

    def _escaped(self, text: str) -> str:
        self.without_nul += "\0" in text
        return text.translate(_ESCAPES)

    def load(self, connection: Connection, table: sa.Table) -> None:
        """Insert all rows into a table that has the same columns in the same order."""
        preparer = connection.dialect.identifier_preparer
        # Whatever encoding the session speaks, the file is in this one.
        statement = f"COPY {preparer.format_table(table)} FROM STDIN WITH (ENCODING 'UTF8')"
        self._file.seek(0)
        cursor = connection.connection.cursor()
        try:
            if hasattr(cursor, "copy_expert"):  # psycopg2
                cursor.copy_expert(statement, self._file, _CHUNK)
            else:
                with cursor.copy(statement) as copy:
                    while chunk := self._file.read(_CHUNK):
                        copy.write(chunk)
        finally:
            cursor.close()


_SPECIAL = re.compile(r"[\\\t\n\r\0]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": ""})


class InsertSpool(Spool):
    """Waits as Python's values, which go in by statements for many rows each, in every database."""

    def _write(self, columns: Sequence[Sequence[SqlValue]]) -> None:
        pickle.dump(list(zip(*columns, strict=True)), self._file, protocol=pickle.HIGHEST_PROTOCOL)

    def load(self, connection: Connection, table: sa.Table) -> None:
        """Insert all rows into a table that has the same columns in the same order."""
        names = [column.name for column in table.columns]
        # A table whose columns have no types: the values are as the driver takes them, and are to be left alone.
        plain = sa.table(table.name, *map(sa.column, names), schema=table.schema)
        insert = sa.insert(plain)
        for rows in self._batches():
            connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])

    def _batches(self) -> Iterator[list[tuple[SqlValue, ...]]]:
        self._file.seek(0)
        while True:
            try:
                rows = pickle.load(self._file)
            except EOFError:
                return
            if rows:
                yield rows


def spool_for(dialect: str) -> Spool:
    """Return an empty spool for a database.

    :param dialect: name of its dialect.
    """
    return CopySpool() if dialect == "postgresql" else InsertSpool()
