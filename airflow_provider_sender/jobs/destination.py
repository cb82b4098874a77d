"""Files that appear whole or not at all, on a local disk and on object storage alike."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from typing import BinaryIO

from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError


@contextlib.contextmanager
def published(path: UPath, *, parameter: str, also_on_error: bool = False) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place when the block ends.

    It is written under another name beside its place and moved there at the end, which is atomic on a local disk and a
    server-side copy of a finished object elsewhere. A reader sees the old file or the new one, never half of one.

    :param path: where the file is to be.
    :param parameter: the user's parameter the path comes from, for the error.
    :param also_on_error: publish what there is, if there is anything, when the block fails, too.
    :raises ConfigurationError: when nothing can be written there; raised before the block is entered.
    """
    partial = path.parent / f".{path.name}.{uuid.uuid4().hex[:12]}.partial"
    with can_be_written(path, parameter=parameter):
        file = partial.open("wb")
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
