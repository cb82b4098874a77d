"""Rows that are not accepted: into a file of their own, each with its reason, and counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, without_addresses
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.formats import json_line
from airflow_provider_sender.jobs.mapping import Rejected


class Rejects:
    """Counts rejected rows and writes them, one JSON object a line.

    :param file: where to; None only counts.
    """

    def __init__(self, file: BinaryIO | None) -> None:
        self.reasons: Counter[str] = Counter()
        self._file = file

    @property
    def count(self) -> int:
        """How many rows were rejected."""
        return self.reasons.total()

    def add(self, line: int, row: bytes, why: Rejected) -> None:
        """Count a row, given as JSON, and write it with the reason."""
        self.reasons[without_addresses(f"{why.field}: {why.reason}" if why.field else why.reason)] += 1
        self.write(line, row, why)

    def write(self, line: int, row: bytes, why: Rejected) -> None:
        """Write a row that is not rejected, but is to be looked at."""
        if self._file is not None:
            self._file.write(
                json_line({"line": line, "field": why.field, "reason": why.reason, "row": msgspec.Raw(row)})
            )

    def sentence(self) -> str:
        """Return the most frequent reasons, with how often each was given."""
        return most_frequent(self.reasons)


def most_frequent(reasons: Counter[str]) -> str:
    """Return the most frequent reasons in a sentence, with how often each was given."""
    return "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(5))


@contextmanager
def rejects_file(path: UPath | None) -> Iterator[BinaryIO | None]:
    """Open the file rejected rows go to, if there is to be one; it appears at the end, also of a job that fails."""
    if path is None:
        yield None
    else:
        with published(path, parameter="rejects_path", also_on_error=True) as file:
            yield file


def refused(error: InvalidRequestError | NotFoundError) -> Rejected:
    """Return why the service refused a row, in its own words."""
    field = next(iter(error.errors), None)
    return Rejected(field, "; ".join(error.errors[field]) if field is not None else error.message)
