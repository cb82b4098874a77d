"""File formats: which one a path asks for, and rows out of a file."""

from __future__ import annotations

import codecs
import csv
import enum
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.destination import reason

SourceRow = Mapping[str, Any]

# The longest value a CSV file may hold; the standard library stops at 128 KiB.
_LONGEST_VALUE = 64 * 1024 * 1024


class FileFormat(enum.StrEnum):
    """A format rows are written in and read from."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".csv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written: its format, and whether it is compressed with gzip."""

    format: FileFormat
    is_gzip: bool

    @property
    def suffix(self) -> str:
        """The file name's ending."""
        return f".{self.format.value}" + (".gz" if self.is_gzip else "")


def encoding_of(path: UPath, file_format: str | None, *, parameter: str, default: FileFormat | None = None) -> Encoding:
    """Return how a file is, or is to be, written.

    :param file_format: ``jsonl`` or ``csv``, either with ``.gz``, or ``parquet``; None lets the path's ending decide.
    :param parameter: the user's parameter the path comes from, for the error.
    :param default: the format where neither says anything.
    :raises ConfigurationError: when it cannot be told, is not known, or is Parquet and pyarrow is not installed.
    """
    found = _asked_for(path, file_format) if file_format else _told_by(path, parameter, default)
    if found.format is FileFormat.PARQUET:
        _check_parquet(found, "file_format" if file_format else parameter)
    return found


def tells_format(path: UPath) -> bool:
    """Tell whether a file's ending says how it is written."""
    return bool({suffix.lower() for suffix in path.suffixes[-2:]} & _SUFFIXES.keys())


def _asked_for(path: UPath, file_format: str) -> Encoding:
    name = file_format.lower().lstrip(".")
    is_gzip = name.endswith((".gz", ".gzip")) or path.suffix == ".gz"
    name = name.removesuffix(".gz").removesuffix(".gzip")
    try:
        return Encoding(FileFormat("jsonl" if name == "ndjson" else name), is_gzip)
    except ValueError:
        raise ConfigurationError(
            f"file_format: {file_format!r} is not known. Use jsonl, jsonl.gz, csv, csv.gz or parquet."
        ) from None


def _told_by(path: UPath, parameter: str, default: FileFormat | None) -> Encoding:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_gzip = bool(suffixes) and suffixes[-1] == ".gz"
    name = suffixes[-2 if is_gzip else -1] if len(suffixes) > is_gzip else ""
    if name in _SUFFIXES:
        return Encoding(_SUFFIXES[name], is_gzip)
    if default is not None:
        return Encoding(default, is_gzip)
    raise ConfigurationError(
        f"{parameter}: the ending of {path.name!r} does not tell the format. Use .jsonl or .csv (or .gz after it) or "
        ".parquet, or say so with file_format (jsonl, csv, parquet)."
    )


def _check_parquet(encoding: Encoding, parameter: str) -> None:
    if encoding.is_gzip:
        raise ConfigurationError(f"{parameter}: Parquet is compressed by itself and cannot be .gz too. Leave .gz out.")
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f'{parameter}: Parquet needs pyarrow ({error}). Install it: pip install "airflow-provider-sender[parquet]"'
        ) from error


def compressed(file: BinaryIO, encoding: Encoding) -> BinaryIO:
    """Return a file that compresses what is written to it, if the encoding says so; close it before ``file``."""
    if not encoding.is_gzip:
        return file
    # Without a time and a name in its header the same rows make the same bytes.
    return cast("BinaryIO", gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0))


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A line that is no row.

    :param text: the line as it is in the file.
    :param why: what is wrong with it.
    """

    text: str
    why: str


def read_rows(path: UPath, file_format: str | None, *, parameter: str) -> Iterator[SourceRow | UnreadableRow]:
    """Yield the rows of a JSONL or CSV file, plain or gzip, or of a Parquet file, one after the other.

    :param parameter: the user's parameter the path comes from, for the error.
    :raises ConfigurationError: when the file is not there, cannot be read, or is not what its name says.
    """
    encoding = encoding_of(path, file_format, parameter=parameter)
    try:
        with path.open("rb") as file:
            plain = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if encoding.is_gzip else file
            yield from _READERS[encoding.format](plain, parameter)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{parameter}: {path} is not UTF-8.") from error
    except (OSError, EOFError, ValueError, ImportError, zlib.error) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{parameter}: {path} cannot be read ({reason(error)}).") from error


def _jsonl_rows(file: BinaryIO, parameter: str) -> Iterator[SourceRow | UnreadableRow]:
    # Line by line and not by iterating: the file of an ObjectStoragePath of Airflow 3.1 cannot be iterated.
    for number, line in enumerate(iter(file.readline, b"")):
        text = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        if not text.strip():
            continue
        try:
            row = msgspec.json.decode(text)
        except UnicodeDecodeError:
            yield _unreadable(text, "the line is not UTF-8")
        except (msgspec.DecodeError, RecursionError):
            yield _unreadable(text, "the line is not JSON")
        else:
            yield row if isinstance(row, dict) else _unreadable(text, "the line is no JSON object")


def _unreadable(line: bytes, why: str) -> UnreadableRow:
    return UnreadableRow(line.decode(errors="replace").rstrip("\r\n"), why)


def _csv_rows(file: BinaryIO, parameter: str) -> Iterator[SourceRow | UnreadableRow]:
    csv.field_size_limit(_LONGEST_VALUE)
    # A spreadsheet begins its files with a byte order mark; it is no part of the first column's name.
    # Strict, or a quote that is never closed would take all the rows behind it into its own.
    reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) < len(header):
            raise ConfigurationError(f"{parameter}: two columns of the file have the same name.")
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                text = io.StringIO()
                csv.writer(text).writerow(values)
                why = f"the row has {len(values)} values and the header {len(header)} columns"
                yield UnreadableRow(text.getvalue().rstrip("\r\n"), why)
                continue
            # An empty cell says nothing: CSV has no other way to leave a value as it is.
            yield {name: value for name, value in zip(header, values, strict=True) if value != ""}
    except csv.Error as error:
        raise ConfigurationError(f"{parameter}: the CSV file breaks at line {reader.line_num} ({error}).") from error


def _parquet_rows(file: BinaryIO, parameter: str) -> Iterator[SourceRow]:
    # Only here, or every run would wait for pyarrow, or fail where it is not installed.
    from airflow_provider_sender.jobs.parquet import parquet_rows

    return parquet_rows(file, parameter)


_READERS: Mapping[FileFormat, Callable[[BinaryIO, str], Iterator[SourceRow | UnreadableRow]]] = {
    FileFormat.JSONL: _jsonl_rows,
    FileFormat.CSV: _csv_rows,
    FileFormat.PARQUET: _parquet_rows,
}


def row_json(row: object) -> bytes:
    """Return a source's row as JSON, for a person to look into.

    A database's own types may stand in it, and whatever else a Python task put there: what JSON cannot hold is written
    as Python shows it.
    """
    try:
        return msgspec.json.encode(dict(row) if isinstance(row, Mapping) else row, enc_hook=str)
    except (TypeError, ValueError, RecursionError):
        return msgspec.json.encode(repr(row))


def json_line(value: object) -> bytes:
    """Return a value as one line of JSON, line end included."""
    return msgspec.json.encode(value) + b"\n"
