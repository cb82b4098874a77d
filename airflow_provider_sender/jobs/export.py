"""Subscribers into files: every one of them, exactly once, published whole."""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.columns import Column, export_columns
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.formats import Encoding, FileFormat, encoding_of
from airflow_provider_sender.jobs.reading import subscriber_batches
from airflow_provider_sender.jobs.writers import writer_for

log = logging.getLogger(__name__)

MANIFEST = "_manifest.json"

# Batches (pages) a part file holds: at 100 rows a page 10,000 rows, small enough to lose and large enough to list.
BATCHES_A_PART = 100

_PART = "part-"


class Part(msgspec.Struct, frozen=True):
    """A part file as the manifest names it."""

    name: str
    rows: int


class _Manifest(msgspec.Struct):
    """What is read of a manifest."""

    parts: list[Part]


_read_parts = msgspec.json.Decoder(_Manifest).decode


@dataclass(frozen=True)
class Export:
    """What is to be exported.

    :param group_id: a group's subscribers only.
    :param file_format: ``jsonl`` or ``csv``, either with ``.gz``; None lets the path decide.
    :param columns: for CSV: names to pick, in order, or name -> name in the file.
    :param on_drift: what to do when rows may be missing.
    """

    group_id: str | None = None
    file_format: str | None = None
    columns: Sequence[str] | Mapping[str, str] | None = None
    on_drift: OnDrift = OnDrift.REPAIR


@dataclass
class Exported:
    """What was exported.

    :param files: how many data files.
    :param listing: what happened to the listing meanwhile.
    """

    path: str
    rows: int = 0
    files: int = 0
    requests: int = 0
    listing: ListingReport = field(default_factory=ListingReport)


def export_to_file(service: Service, export: Export, path: UPath) -> Exported:
    """Write subscribers to one file, which appears when it is complete.

    :raises ConfigurationError: before any row is read, when a parameter cannot work.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    encoding = encoding_of(path, export.file_format, parameter="output_path")
    _check(export, encoding)
    done = Exported(path=str(path), files=1)
    requests_before = service.transport.requests_made
    with published(path, parameter="output_path") as file:
        writer = writer_for(service, encoding, _columns(service, export, encoding), file)
        for rows in subscriber_batches(service, export.group_id, done.listing, export.on_drift):
            writer.write(rows)
        writer.close()
    done.rows = done.listing.rows
    done.requests = service.transport.requests_made - requests_before
    _log_end(done)
    return done


def export_to_directory(service: Service, export: Export, directory: UPath) -> Exported:
    """Write subscribers to part files and, when all are there, the manifest that names them.

    The manifest is what counts: until it is replaced, readers go by the old one and its files, which are removed
    afterwards. It is opened first, so that a directory nothing can be written to is found out before anything is read.

    :raises ConfigurationError: before any row is read, when a parameter cannot work.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    encoding = encoding_of(directory, export.file_format, parameter="output_path", default=FileFormat.JSONL)
    _check(export, encoding)
    done = Exported(path=str(directory))
    requests_before = service.transport.requests_made
    parts: list[Part] = []
    try:
        with published(directory / MANIFEST, parameter="output_path") as manifest:
            columns = _columns(service, export, encoding)
            for part in _write_parts(service, export, encoding, columns, directory, done.listing):
                parts.append(part)
            done.rows, done.files = done.listing.rows, len(parts)
            done.requests = service.transport.requests_made - requests_before
            old_parts = _parts_of_manifest(directory)
            manifest.write(_manifest(export, encoding, columns, parts, done))
    except BaseException:
        _remove(directory, set(parts).difference(_parts_of_manifest(directory)))
        raise
    _remove(directory, old_parts)
    _log_end(done)
    return done


def _write_parts(
    service: Service,
    export: Export,
    encoding: Encoding,
    columns: Sequence[Column],
    directory: UPath,
    report: ListingReport,
) -> Iterator[Part]:
    """Write part files, and yield each when it is finished."""
    export_id = uuid.uuid4().hex[:8]
    batches = subscriber_batches(service, export.group_id, report, export.on_drift)
    for number in itertools.count(1):
        first = next(batches, None)
        if first is None:
            return
        path = directory / f"{_PART}{export_id}-{number:05d}{encoding.suffix}"
        count = 0
        with published(path, parameter="output_path") as file:
            writer = writer_for(service, encoding, columns, file)
            for rows in itertools.chain([first], itertools.islice(batches, BATCHES_A_PART - 1)):
                writer.write(rows)
                count += len(rows)
            writer.close()
        yield Part(path.name, count)


def _remove(directory: UPath, parts: Iterable[Part]) -> None:
    for part in parts:
        (directory / part.name).unlink(missing_ok=True)


def _check(export: Export, encoding: Encoding) -> None:
    if export.columns is not None and encoding.format is FileFormat.JSONL:
        raise ConfigurationError(
            "columns: JSONL carries each subscriber exactly as the service returned it. Use CSV to pick columns."
        )


def _columns(service: Service, export: Export, encoding: Encoding) -> tuple[Column, ...]:
    if encoding.format is FileFormat.JSONL:
        return ()
    return export_columns(service.fields(), export.columns)


def _parts_of_manifest(directory: UPath) -> list[Part]:
    manifest = directory / MANIFEST
    if not manifest.is_file():
        return []
    try:
        parts = _read_parts(manifest.read_bytes()).parts
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.warning("%s is not a manifest of this package; the files it may name are left alone", manifest)
        return []
    # Nothing but what this package wrote, in this very directory, is ever removed.
    return [part for part in parts if part.name.startswith(_PART) and "/" not in part.name]


def _manifest(
    export: Export,
    encoding: Encoding,
    columns: Sequence[Column],
    parts: Sequence[Part],
    done: Exported,
) -> bytes:
    manifest = {
        "version": 1,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "group_id": export.group_id,
        "format": encoding.suffix.lstrip("."),
        "columns": [{"name": column.name, "type": column.type} for column in columns],
        "rows": done.rows,
        "requests": done.requests,
        "listing": asdict(done.listing) | {"missing": done.listing.missing},
        "parts": parts,
    }
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def _log_end(done: Exported) -> None:
    log.info("%s (%d requests) -> %s", done.listing.sentence(), done.requests, done.path)
