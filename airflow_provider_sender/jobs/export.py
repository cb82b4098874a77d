"""Subscribers into one file: every one of them, exactly once, published whole.

An export into a directory of part files is another matter (``parts.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.columns import Column, export_columns, warn_of_left_out
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.formats import Encoding, FileFormat, encoding_of
from airflow_provider_sender.jobs.reading import subscriber_batches
from airflow_provider_sender.jobs.writers import writer_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What is to be exported.

    :param group_id: a group's subscribers only.
    :param file_format: a format's name, with ``.gz`` for a compressed text format; None lets the path decide.
    :param columns: for flat formats: names to pick, in order, or name -> name in the file.
    :param on_drift: what to do when rows may be missing.
    :param created_since: only those created at this moment or later.
    """

    group_id: str | None = None
    file_format: str | None = None
    columns: Sequence[str] | Mapping[str, str] | None = None
    on_drift: OnDrift = OnDrift.REPAIR
    created_since: datetime | None = None

    def batches(self, service: Service, report: ListingReport, seen: SeenKeys | None = None) -> Iterator[list[Row]]:
        """Yield those to be exported; as :func:`subscriber_batches`."""
        return subscriber_batches(service, self.group_id, report, self.on_drift, seen, self.created_since)

    def encoding(self, path: UPath, default: FileFormat | None = None) -> Encoding:
        """Return how the file or files at ``path`` are to be written.

        :raises ConfigurationError: when a parameter cannot work.
        """
        encoding = encoding_of(path, self.file_format, parameter="output_path", default=default)
        if self.columns is not None and encoding.format is FileFormat.JSONL:
            raise ConfigurationError(
                "columns: JSONL carries each subscriber exactly as the service returned it. Use CSV or Parquet to pick "
                "columns."
            )
        return encoding

    def columns_of(self, service: Service, encoding: Encoding) -> tuple[Column, ...]:
        """Return the columns of the account in this export; none for JSONL."""
        return () if encoding.format is FileFormat.JSONL else export_columns(service.fields(), self.columns)


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

    def log(self) -> None:
        """Say what was exported, and where to."""
        log.info("%s (%d requests) -> %s", self.listing.sentence(), self.requests, self.path)


def export_to_file(service: Service, export: Export, path: UPath) -> Exported:
    """Write subscribers to one file, which appears when it is complete.

    :raises ConfigurationError: before any row is read, when a parameter cannot work.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    encoding = export.encoding(path)
    done = Exported(path=str(path), files=1)
    requests_before = service.transport.requests_made
    with published(path, parameter="output_path") as file:
        writer = writer_for(service, encoding, export.columns_of(service, encoding), file)
        for rows in export.batches(service, done.listing):
            writer.write(rows)
        writer.close()
    warn_of_left_out(writer.left_out)
    done.rows = done.listing.rows
    done.requests = service.transport.requests_made - requests_before
    done.log()
    return done
