"""Subscribers into a directory of part files, which a later try goes on with where an earlier one ended.

What readers go by is ``_manifest.json``: it names the parts, and is replaced when all of them are there. Until then
they go by the one before it, whose files are removed afterwards.

What the next try of the same run goes by is ``_unfinished.json`` (``unfinished.py``). It is replaced after every part,
so at most one part is read again. Beside each part stands a file with the keys of its rows, so that nobody comes
twice. Whoever begins, or goes on with, an export puts its own name into ``_unfinished.json``; a try whose name is no
longer there stops.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.columns import Column, columns_from, warn_of_left_out
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.export import Export, Exported
from airflow_provider_sender.jobs.formats import Encoding, FileFormat
from airflow_provider_sender.jobs.unfinished import (
    KEYS,
    PART,
    UNFINISHED,
    Part,
    State,
    TakenOverError,
    Unfinished,
    read_own,
)
from airflow_provider_sender.jobs.writers import writer_for

log = logging.getLogger(__name__)

MANIFEST = "_manifest.json"

# Batches (pages) a part file holds: at 100 rows a page 10,000 rows, small enough to lose and large enough to list.
BATCHES_A_PART = 100

# What a try that was killed may leave behind: a part or its keys, and any file still under another name.
_STRAY = re.compile(
    rf"\.?({PART}|{KEYS})[0-9a-f]{{8}}-\d{{5}}(\..*)?|\.({MANIFEST}|{UNFINISHED})\.[0-9a-f]{{12}}\.partial"
)


class _Manifest(msgspec.Struct):
    """What is read of a manifest."""

    parts: list[Part]


def export_to_directory(service: Service, export: Export, directory: UPath, *, run: str | None = None) -> Exported:
    """Write subscribers to part files and, when all are there, the manifest that names them.

    :param run: what tells one run of a task from every other; a later call with the same one goes on where this one
        was ended. None never goes on with anything.
    :raises ConfigurationError: before any row is read, when a parameter cannot work.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    :raises TakenOverError: when another export into the same directory has begun since.
    """
    encoding = export.encoding(directory, default=FileFormat.JSONL)
    writing = _Writing(service, export, encoding, directory, run or uuid.uuid4().hex)
    try:
        writing.begin()
        writing.write_parts()
        return writing.publish()
    except BaseException as error:
        # A reading that cannot be trusted is no beginning, and where nobody can come back there is no going on.
        if run is None or not writing.has_parts or isinstance(error, ListingDriftError):
            writing.discard()
        raise


class _Writing:
    """One try of an export into a directory."""

    def __init__(self, service: Service, export: Export, encoding: Encoding, directory: UPath, run: str) -> None:
        self._service = service
        self._export = export
        self._encoding = encoding
        self._directory = directory
        self._requests_before = service.transport.requests_made
        wants = msgspec.json.encode([export.group_id, encoding.suffix, export.columns, export.created_since]).decode()
        self._unfinished = Unfinished(directory, run=run, account=service.fingerprint, wants=wants)
        self._columns: Sequence[Column] = ()
        self._seen = SeenKeys()
        self._left_out: Counter[str] = Counter()

    def begin(self) -> None:
        """Go on with what an earlier try of this run has finished, or else remove what is left of any other."""
        found = self._unfinished.found()
        if found is not None and self._unfinished.is_ours(found):
            self._unfinished.go_on_with(found)
            self._requests_before -= found.requests
            self._columns = columns_from(found.columns)
            self._save()
            for part in found.parts:
                for key in (self._directory / part.keys_name).read_bytes().decode().split("\n"):
                    self._seen.add(key)
            log.info("Going on after %d finished parts with %d rows", len(found.parts), found.listing.rows)
        else:
            self._save()  # first of all, so that a directory nothing can be written to is found out at once
            if found is not None:
                log.info("What an export by %s left unfinished here is removed", found.run)
                self._remove(found.parts)
            self._columns = self._export.columns_of(self._service, self._encoding)
            self._state.columns = [column.stored() for column in self._columns]
        self._remove_strays()

    def write_parts(self) -> None:
        """Write what is still missing, part by part."""
        # A copy: it changes with every batch, and what is saved must be as of the last finished part.
        report = _copy(self._state.listing)
        batches = self._export.batches(self._service, report, self._seen)
        for number in itertools.count(len(self._state.parts) + 1):
            first = next(batches, None)
            if first is None:
                break
            self._write_part(number, itertools.chain([first], itertools.islice(batches, BATCHES_A_PART - 1)), report)
        self._state.listing = report

    def _write_part(self, number: int, batches: Iterable[Sequence[Row]], report: ListingReport) -> None:
        name = f"{PART}{self._state.writer}-{number:05d}{self._encoding.suffix}"
        keys: list[str] = []
        with published(self._directory / name, parameter="output_path") as file:
            writer = writer_for(self._service, self._encoding, self._columns, file)
            for rows in batches:
                writer.write(rows)
                keys += [row.key for row in rows]
            writer.close()
            self._left_out.update(writer.left_out)
        part = Part(name, len(keys), tuple(_pages_between(self._state.listing, report)))
        with published(self._directory / part.keys_name, parameter="output_path") as file:
            file.write("\n".join(keys).encode())
        try:
            self._unfinished.check_still_ours()
        except TakenOverError:
            self._remove([part])
            raise
        self._state.parts.append(part)
        self._state.listing = _copy(report)
        self._save()

    def publish(self) -> Exported:
        """Have the manifest name the parts, and remove those of the one before it."""
        state = self._state
        self._unfinished.check_still_ours()
        old = read_own(self._directory / MANIFEST, _Manifest)
        with published(self._directory / MANIFEST, parameter="output_path") as file:
            file.write(self._manifest())
        named = {part.name for part in state.parts}
        self._remove(part for part in (old.parts if old else ()) if part.name not in named)
        self._unfinished.remove()
        for part in state.parts:
            (self._directory / part.keys_name).unlink(missing_ok=True)
        warn_of_left_out(self._left_out)
        done = Exported(str(self._directory), state.listing.rows, len(state.parts), self._requests, state.listing)
        done.log()
        return done

    def _manifest(self) -> bytes:
        state = self._state
        manifest = {
            "version": 1,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "group_id": self._export.group_id,
            "created_since": self._export.created_since,
            "format": self._encoding.suffix.lstrip("."),
            "columns": state.columns,
            "rows": state.listing.rows,
            "requests": self._requests,
            "listing": state.listing.figures,
            "parts": state.parts,
        }
        return msgspec.json.format(msgspec.json.encode(manifest), indent=2)

    @property
    def has_parts(self) -> bool:
        """Whether there is anything a later try could go on with."""
        return bool(self._state.parts)

    def discard(self) -> None:
        """Remove what this try and those before it made."""
        with contextlib.suppress(SenderError, OSError):  # the error that led here is the one to be seen
            self._unfinished.check_still_ours()
            self._unfinished.remove()
            self._remove(self._state.parts)

    @property
    def _state(self) -> State:
        return self._unfinished.state

    @property
    def _requests(self) -> int:
        return self._service.transport.requests_made - self._requests_before

    def _save(self) -> None:
        self._unfinished.save(self._requests)

    def _remove(self, parts: Iterable[Part]) -> None:
        for part in parts:
            # Nothing but what this package wrote, in this very directory, is ever removed.
            if part.name.startswith(PART) and "/" not in part.name:
                (self._directory / part.name).unlink(missing_ok=True)
                (self._directory / part.keys_name).unlink(missing_ok=True)

    def _remove_strays(self) -> None:
        """Remove what a try that was killed had begun and not finished."""
        manifest = read_own(self._directory / MANIFEST, _Manifest)
        parts = [*self._state.parts, *(manifest.parts if manifest else ())]
        kept = {part.name for part in parts} | {part.keys_name for part in parts}
        for path in self._directory.iterdir():
            if _STRAY.fullmatch(path.name) and path.name not in kept:
                path.unlink(missing_ok=True)


def _pages_between(before: ListingReport, after: ListingReport) -> Iterator[tuple[int, int]]:
    """Yield the runs of pages that were read between two states of a reading."""
    starts = {stretch.highest: stretch.next_page for stretch in before.stretches}
    for stretch in after.stretches:
        start = starts.get(stretch.highest, stretch.highest)
        if stretch.next_page < start:
            yield stretch.next_page + 1, start


def _copy(report: ListingReport) -> ListingReport:
    return msgspec.json.decode(msgspec.json.encode(report), type=ListingReport)
