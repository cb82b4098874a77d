"""Files for the time of one job: what would not fit in memory, on the worker's disk, where nobody else reads it.

They hold people's data, so only their owner can read them, and a worker that is killed must not leave them behind for
good. A file that is open needs no name, and is removed from its directory at once. What must keep its name lies in a
directory with a lock file; a directory whose lock nobody holds was left by a process that was killed, and the next job
on this machine removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_PREFIX = "airflow-sender-"
_LOCK = ".in-use"


@contextlib.contextmanager
def private_directory(purpose: str) -> Iterator[Path]:
    """Make a directory that only this user can read, and remove it with everything in it at the end.

    What killed processes left is removed first.

    :param purpose: what it is for, a part of its name.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with if_abandoned(lock) as is_abandoned:
            if is_abandoned:
                shutil.rmtree(lock.parent, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{purpose}-"))
    try:
        with private_file(directory / _LOCK):
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def private_file(path: Path, permissions: int = 0o600) -> BinaryIO:
    """Make a file and open it for writing, locked until it is closed or its process ends.

    :param permissions: who may do what with it, as for ``chmod``; by default nobody but this user anything.
    """
    # It gets its name when it is locked, or somebody might take it for abandoned before.
    nameless = path.with_name(f".{uuid.uuid4().hex}")
    file = open(os.open(nameless, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115  # the caller does
    try:
        os.fchmod(file.fileno(), permissions)
        with contextlib.suppress(
            OSError
        ):  # a file system that knows no locks: nothing is ever taken for abandoned there
            fcntl.flock(file, fcntl.LOCK_EX)
        os.rename(nameless, path)
    except BaseException:
        file.close()
        nameless.unlink(missing_ok=True)
        raise
    return file


@contextlib.contextmanager
def if_abandoned(file: Path) -> Iterator[bool]:
    """Say whether a file was left by a process that is gone, and have nobody else think so while the block runs.

    :param file: a file that ``private_file`` made. One of another user, or that is not there any more, is not.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield os.fstat(descriptor).st_uid == os.getuid() and _locks(descriptor) and file.exists()
    finally:
        os.close(descriptor)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody holds it, or this file system knows no locks
        return False
    return True


class ScratchDatabase:
    """A SQLite file without a name, which is gone when it is closed or its process ends. A context manager.

    :param purpose: what it is for, a part of its directory's name.
    :param schema: statements that make its tables.
    """

    def __init__(self, purpose: str, schema: str) -> None:
        with private_directory(purpose) as directory:
            file = directory / "scratch.sqlite"
            private_file(file).close()
            self._database = sqlite3.connect(file, isolation_level=None)
            # A crash loses the file anyway, so nothing is paid for its safety. A journal would need a name.
            self._database.executescript(f"pragma journal_mode = off; pragma synchronous = off; {schema} begin;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
