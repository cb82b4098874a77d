"""Rows of a listing into an open file, in each of the formats."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.columns import Column, csv_cell, flat_rows
from airflow_provider_sender.jobs.formats import Encoding, FileFormat, compressed


class RowWriter(ABC):
    """Writes rows of a listing into an open file."""

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
        self._file = file
        self._out = compressed(file, encoding)

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._out.write(b"".join(_line(bytes(row.raw)) for row in rows))

    def close(self) -> None:
        """Write the end of the compression."""
        if self._out is not self._file:
            self._out.close()


class CsvWriter(RowWriter):
    """Writes rows as RFC 4180 CSV in UTF-8, with a header.

    :param file: an open file.
    :param service: reads a row's subscriber.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding, service: Service, columns: Sequence[Column]) -> None:
        self._file = file
        self._compressed = compressed(file, encoding)
        self._service = service
        self._columns = columns
        self._text = io.TextIOWrapper(self._compressed, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._csv.writerow([column.name for column in columns])

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        subscribers = (self._service.read_subscriber(row.raw) for row in rows)
        self._csv.writerows(map(csv_cell, values) for values in flat_rows(self._columns, subscribers))

    def close(self) -> None:
        """Write the end of the compression."""
        self._text.detach()
        if self._compressed is not self._file:
            self._compressed.close()


def _line(raw: bytes) -> bytes:
    """Return a row's bytes as a line; only line ends between its tokens, if there are any, are taken out."""
    return (msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw) + b"\n"


def writer_for(service: Service, encoding: Encoding, columns: Sequence[Column], file: BinaryIO) -> RowWriter:
    """Return a writer into an open file.

    :param columns: of a flat format; none for JSONL.
    """
    if encoding.format is FileFormat.JSONL:
        return JsonlWriter(file, encoding)
    return CsvWriter(file, encoding, service, columns)
