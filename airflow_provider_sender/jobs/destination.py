"""Files that appear whole or not at all, on a local disk and on object storage alike."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.scratch import if_abandoned, private_file

# Who may do what with a new file on this machine, as for ``chmod``.
_permissions = 0o600


def set_permissions(permissions: int) -> None:
    """Say who may do what with the files that are made on this machine from now on.

    :param permissions: as for ``chmod``. By default nobody but their owner may read them: they hold people's data.
    """
    global _permissions
    _permissions = permissions


@contextlib.contextmanager
def published(path: UPath, *, parameter: str, also_on_error: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place when the block ends.

    It is written under another name beside its place and moved there at the end, which is atomic on a local disk and a
    server-side copy of a finished object elsewhere. A reader sees the old file or the new one, never half of one.
    On this machine only its owner can read it (see ``set_permissions``), unless it takes the place of one that others
    can read, too.

    :param path: where the file is to be.
    :param parameter: the user's parameter the path comes from, for the error.
    :param also_on_error: publish what there is, if there is anything, when the block fails, too.
    :raises ConfigurationError: when nothing can be written there; raised before the block is entered.
    """
    partial = path.parent / f".{path.name}.{uuid.uuid4().hex[:12]}.partial"
    with can_be_written(path, parameter=parameter):
        file = _opened_here(partial, path) if is_local(path) else partial.open("wb")
    is_worth_it = False
    try:
        with file:
            try:
                yield file
            except BaseException:
                is_worth_it = also_on_error and file.tell() > 0
                raise
    except BaseException:
        if is_worth_it:
            _take_place(partial, path)
        else:
            _remove(partial)
        raise
    _take_place(partial, path)


@contextlib.contextmanager
def can_be_written(path: UPath, *, parameter: str) -> Iterator[None]:
    """See to it that a file may take this place, then let the block begin to write there.

    :raises ConfigurationError: when it may not, or the block fails with what a storage says then.
    """
    if not is_local(path) and any(mark in path.path for mark in "*?["):
        raise ConfigurationError(f"{parameter}: {path} holds one of * ? [, which the storage takes for a pattern.")
    try:
        if path.is_dir():
            # A file moved there would end up inside it, under the wrong name.
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if is_local(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{parameter}: nothing can be written to {path} ({reason(error)}).") from error


def is_local(path: UPath) -> bool:
    """Tell whether a path is on this machine's own file system."""
    return path.protocol in ("", "file", "local")


def reason(error: BaseException) -> str:
    """Return why a path cannot be used, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"


def _opened_here(partial: UPath, path: UPath) -> BinaryIO:
    """Open a file on this machine that takes the place of another, and remove what killed processes left of it."""
    place = Path(path.path)
    for left in place.parent.glob(f".{glob.escape(place.name)}.{'[0-9a-f]' * 12}.partial"):
        with if_abandoned(left) as is_abandoned:
            if is_abandoned:
                left.unlink(missing_ok=True)
    try:
        permissions = stat.S_IMODE(place.stat().st_mode)
    except FileNotFoundError:
        permissions = _permissions
    return private_file(Path(partial.path), permissions)


def _take_place(partial: UPath, path: UPath) -> None:
    try:
        path.fs.mv(partial.path, path.path)
    except BaseException:
        _remove(partial)
        raise


def _remove(partial: UPath) -> None:
    # The error that led here is the one to be seen, not that there was nothing to remove.
    with contextlib.suppress(OSError):
        partial.unlink()
