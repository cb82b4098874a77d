"""Rows of a listing into an open file, in each of the formats."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol, TypeAlias

import msgspec

from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.cells import CellValue
from airflow_provider_sender.jobs.columns import Column, flat_columns
from airflow_provider_sender.jobs.formats import Encoding, FileFormat, compressed

# Up to here a whole number is written as one: 5 and not 5.0.
_TWO_TO_53 = 1 << 53


class Heading(Protocol):
    """What a flat file says of a column: its name, and its type as :class:`~.columns.Column` has it."""

    @property
    def name(self) -> str:
        """Its name in the file."""

    @property
    def type(self) -> str:
        """``text``, ``number``, ``datetime`` or ``list``."""


# Takes what stands in the columns out of rows, one list a column, and counts by column what finds no place.
Flatten: TypeAlias = Callable[[Sequence[Row], "Counter[str]"], Sequence[Sequence[CellValue]]]


class RowWriter(ABC):
    """Writes rows of a listing into an open file.

    ``left_out`` counts, by column, the values that found no place; see :func:`~.columns.warn_of_left_out`.
    """

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    @abstractmethod
    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still to be written; the file below stays open."""


class JsonlWriter(RowWriter):
    """Writes each row's own bytes, one row a line.

    :param file: an open file.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        super().__init__()
        self._file = file
        self._out = compressed(file, encoding)

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        lines = b"\n".join([row.raw for row in rows])
        if lines.count(b"\n") >= len(rows):  # some row is laid out over several lines
            lines = b"\n".join([_line(bytes(row.raw)) for row in rows])
        self._out.write(lines + b"\n" if rows else b"")

    def close(self) -> None:
        """Write the end of the compression."""
        if self._out is not self._file:
            self._out.close()


class FlatWriter(RowWriter):
    """Writes what stands in columns.

    :param columns: which columns there are.
    :param flatten: takes what stands in them out of rows.
    """

    def __init__(self, columns: Sequence[Heading], flatten: Flatten) -> None:
        super().__init__()
        self._columns = columns
        self._flatten = flatten

    def _cells(self, rows: Sequence[Row]) -> Sequence[Sequence[CellValue]]:
        """Return what stands in the columns, one list a column."""
        return self._flatten(rows, self.left_out)


class CsvWriter(FlatWriter):
    """Writes rows as RFC 4180 CSV in UTF-8, with a header.

    :param file: an open file.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding, columns: Sequence[Heading], flatten: Flatten) -> None:
        super().__init__(columns, flatten)
        self._file = file
        self._out = compressed(file, encoding)
        self._write_lines([[column.name for column in columns]])

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        cells = zip(self._columns, self._cells(rows), strict=True)
        # What is a text already stays one, and the csv module makes nothing of None.
        texts = [values if column.type == "text" else list(map(csv_cell, values)) for column, values in cells]
        self._write_lines(zip(*texts, strict=True))

    def _write_lines(self, lines: Iterable[Iterable[CellValue]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        self._out.write(text.getvalue().encode())

    def close(self) -> None:
        """Write the end of the compression."""
        if self._out is not self._file:
            self._out.close()


def csv_cell(value: CellValue) -> str:
    """Return a value as a CSV file holds it: times as ISO-8601 in UTC, lists as JSON, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _TWO_TO_53 else repr(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _line(raw: bytes) -> bytes:
    """Return a row's bytes as a line; only line ends between its tokens, if there are any, are taken out."""
    return msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw


def writer_for(service: Service, encoding: Encoding, columns: Sequence[Column], file: BinaryIO) -> RowWriter:
    """Return a writer of subscribers into an open file.

    :param service: reads a row's subscriber.
    :param columns: of a flat format; none for JSONL.
    """
    read = service.read_subscriber
    return writer_of(
        encoding, columns, lambda rows, left_out: flat_columns(columns, [read(row.raw) for row in rows], left_out), file
    )


def writer_of(encoding: Encoding, columns: Sequence[Heading], flatten: Flatten, file: BinaryIO) -> RowWriter:
    """Return a writer of any rows into an open file; JSONL needs neither columns nor ``flatten``."""
    match encoding.format:
        case FileFormat.JSONL:
            return JsonlWriter(file, encoding)
        case FileFormat.CSV:
            return CsvWriter(file, encoding, columns, flatten)
        case FileFormat.PARQUET:
            # Only here, or every export would wait for pyarrow, or fail where it is not installed.
            from airflow_provider_sender.jobs.parquet import ParquetWriter

            return ParquetWriter(file, columns, flatten)
