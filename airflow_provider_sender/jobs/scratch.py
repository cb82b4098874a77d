"""A database for the time of one job: what would not fit in memory, on the worker's disk."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class ScratchDatabase:
    """A SQLite file in a temporary directory. A context manager; the file goes with it.

    :param purpose: what it is for, a part of the directory's name.
    :param schema: statements that make its tables.
    """

    def __init__(self, purpose: str, schema: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix=f"sender-{purpose}-")
        self._database = sqlite3.connect(Path(self._directory.name) / "scratch.sqlite", isolation_level=None)
        # A crash loses the file anyway, so nothing is paid for its safety.
        self._database.executescript(f"pragma journal_mode = off; pragma synchronous = off; {schema} begin;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._directory.cleanup()
