"""What was last accepted of every row, kept from run to run, so that only what changed since is sent.

A ledger is a single file on any storage (``ledger_format.py``). A run works on a copy of it in a temporary directory
and puts that in its place, whole, every minute or so, at the end, and when it fails: so a run that is killed repeats at
most what it did in its last minute. Nobody else's work is ever overwritten: there is one writer at a time
(``ledger_lock.py``), and before each save the stored file must still be the one that was last read or written.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import Field
from airflow_provider_sender.jobs import ledger_format
from airflow_provider_sender.jobs.destination import published, reason
from airflow_provider_sender.jobs.ledger_format import ACCEPTED, HELD
from airflow_provider_sender.jobs.ledger_lock import LedgerLock, LedgerUnavailableError
from airflow_provider_sender.jobs.scratch import private_directory, private_file

log = logging.getLogger(__name__)

# What a storage tells about a stored object that is another one once it was replaced; the first of these that there is
# with an object's size and, on a disk, its inode.
_VERSION_MARKS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "updated", "created")


class Entry(Protocol):
    """What a ledger remembers of a row; its columns."""

    @property
    def key(self) -> str:
        """What names the person."""

    @property
    def fingerprint(self) -> str:
        """Digest of what the row asks for."""

    @property
    def status(self) -> str:
        """Status the row asks for."""


class Ledger:
    """A ledger that is worked with; a context manager. What is noted in it is saved as the work goes on.

    :param path: where it is, or is to be.
    :param service: the account it is to be of.
    :param owner: who works with it: the same text for every try of a task.
    :param save_every: seconds between two saves.
    :param is_read_only: look into it and leave it alone; it need not be free.

    ``file`` is the copy that is worked on, and ``about`` what it says about itself.
    """

    file: Path
    about: ledger_format.About
    _database: sqlite3.Connection

    def __init__(
        self, path: UPath, service: Service, *, owner: str, save_every: float = 60.0, is_read_only: bool = False
    ) -> None:
        self._path = path
        self._service = service
        self._owner = owner
        self._save_every = save_every
        self._is_read_only = is_read_only
        self._lock = LedgerLock(path, owner)
        self._is_changed = False
        self._is_lost = False

    def __enter__(self) -> Ledger:
        with ExitStack() as undo:
            if not self._is_read_only:
                self._lock.acquire()
                undo.callback(self._lock.release)
            self.file = undo.enter_context(private_directory("ledger")) / "ledger.sqlite"
            private_file(self.file).close()
            self._open()
            undo.callback(self._database.close)
            self._undo = undo.pop_all()
        self._saved_at = time.monotonic()
        self._database.execute("begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:
            if self._is_changed and not self._is_lost:
                self._save_at_the_end(error)

    @property
    def fields(self) -> list[Field] | None:
        """The account's custom fields as of the last save, if that is known."""
        return self.about.fields

    def note_account(self, fields: list[Field]) -> None:
        """Remember the account's custom fields, and whose account it is.

        Some accounts can be told by their credentials only, for a while; so this is asked anew now and then.
        """
        if not self._is_read_only:
            self._note(fields=fields, account=self._service.identity())

    def accept(self, row: Entry, groups: Iterable[str]) -> None:
        """Remember that the account has what a row asks for, and which of its groups."""
        self._write(row, groups, ACCEPTED)

    def hold(self, row: Entry, groups: Iterable[str]) -> None:
        """Remember that a row was held, and the groups it asked for."""
        self._write(row, groups, HELD)

    def join(self, keys: Sequence[str], group_id: str) -> None:
        """Remember that people were put into a group."""
        for key in keys:
            found = self._database.execute("select groups from subscriber where key = ?", (key,)).fetchone()
            if found is not None and not self._is_read_only:
                groups = tuple({*msgspec.json.decode(found[0], type=list[str]), group_id})
                self._database.execute(
                    "update subscriber set groups = ? where key = ?", (ledger_format.groups_json(groups), key)
                )
                self._is_changed = True

    def forget(self, key: str) -> None:
        """Forget somebody who is not there any more."""
        if not self._is_read_only:
            self._database.execute("delete from subscriber where key = ?", (key,))
            self._is_changed = True

    def keep_up(self) -> None:
        """Save, or at least give a sign of life, if it is time.

        :raises LedgerUnavailableError: when somebody else has taken the ledger over.
        """
        if self._is_read_only or time.monotonic() - self._saved_at < self._save_every:
            return
        if self._is_changed:
            self.save()
        else:
            self._confirmed(self._lock.beat)
        self._saved_at = time.monotonic()

    def save(self) -> None:
        """Put the ledger into its place as it is now.

        :raises LedgerUnavailableError: when somebody else has taken it over, or nothing can be written.
        """
        last_saved = self.about.saved_at
        self._note(
            credentials=self._service.fingerprint,
            generation=self.about.generation + 1,
            saved_at=_now(),
            saved_by=self._owner,
        )
        try:
            ledger_format.write_about(self._database, self.about)
            self._database.execute("commit")
            self._confirmed(self._lock.beat)
            self._confirmed(self._check_nobody_wrote)
            with published(self._path, parameter="ledger_path") as place, self.file.open("rb") as copy:
                shutil.copyfileobj(copy, place, 1024 * 1024)
            self._version = self._stored_version()
        except ConfigurationError as error:
            # It could be written to when the work began; later it may be so again.
            raise LedgerUnavailableError(str(error)) from error
        except (OSError, sqlite3.OperationalError) as error:  # a disk that is full, say
            recorded = f"holds what was accepted until {last_saved}" if last_saved else "holds nothing yet"
            raise LedgerUnavailableError(
                f"ledger_path: {self._path} could not be saved ({reason(error)}). The ledger {recorded}. The next run "
                "sends again what was sent after that, which does no harm."
            ) from error
        finally:
            if not self._database.in_transaction:
                self._database.execute("begin")
        self._is_changed = False

    def _open(self) -> None:
        try:
            self._version = self._stored_version()
            if self._version is None:
                self._database = ledger_format.created(self.file)
                self.about = ledger_format.About()
                return
            with self._path.fs.open(self._path.path, "rb") as stored, self.file.open("wb") as copy:
                shutil.copyfileobj(stored, copy, 1024 * 1024)
        except (OSError, ValueError, ImportError) as error:
            raise ConfigurationError(f"ledger_path: {self._path} cannot be read ({reason(error)}).") from error
        self._database = ledger_format.opened(self.file, self._path)
        self.about = ledger_format.read_about(self._database)
        if self.about.credentials != self._service.fingerprint and self.about.account != self._service.identity():
            self._database.close()
            raise ConfigurationError(
                f"ledger_path: {self._path} is of another account. Use the connection of that account, or name another "
                "file for this one. (An account without groups is told by its token only; give it a group before the "
                "token is changed.)"
            )

    def _write(self, row: Entry, groups: Iterable[str], outcome: str) -> None:
        if self._is_read_only:
            return
        self._database.execute(
            "insert or replace into subscriber values (?, ?, ?, ?, ?, ?)",
            (row.key, row.fingerprint, row.status, ledger_format.groups_json(tuple(groups)), outcome, _now()),
        )
        self._is_changed = True

    def _note(self, **facts: object) -> None:
        about = msgspec.structs.replace(self.about, **facts)
        self._is_changed = self._is_changed or about != self.about
        self.about = about

    def _save_at_the_end(self, error: BaseException | None) -> None:
        try:
            self.save()
        except Exception as unsaved:
            if error is None:
                raise
            # Whatever it was, why the job ended is what has to be heard.
            log.warning("The ledger could not be saved (%s); what was sent since its last save is sent again", unsaved)

    def _confirmed(self, check: Callable[[], None]) -> None:
        try:
            check()
        except LedgerUnavailableError:
            self._is_lost = True
            raise

    def _check_nobody_wrote(self) -> None:
        if self._stored_version() != self._version:
            raise LedgerUnavailableError(
                f"ledger_path: {self._path} was replaced while this task worked with it, so this task stopped and left "
                "it as it is. Run it again: it begins with the ledger that is there now."
            )

    def _stored_version(self) -> tuple[str, ...] | None:
        """Return what tells the stored file from all others that stood or will stand there; None when there is none."""
        fs = self._path.fs
        fs.invalidate_cache()
        try:
            info = fs.info(self._path.path)
        except FileNotFoundError:
            return None
        marks = [str(info[mark]) for mark in _VERSION_MARKS if info.get(mark)]
        return (*marks[:1], str(info.get("size")), str(info.get("ino")))


class NoLedger:
    """Stands where there is no ledger, and remembers nothing."""

    fields: list[Field] | None = None
    file: Path | None = None

    def __enter__(self) -> NoLedger:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note_account(self, fields: list[Field]) -> None:
        """Do nothing; and so do all that follow."""

    def accept(self, row: Entry, groups: Iterable[str]) -> None:
        """See ``note_account``."""

    def hold(self, row: Entry, groups: Iterable[str]) -> None:
        """See ``note_account``."""

    def join(self, keys: Sequence[str], group_id: str) -> None:
        """See ``note_account``."""

    def forget(self, key: str) -> None:
        """See ``note_account``."""

    def keep_up(self) -> None:
        """See ``note_account``."""


AnyLedger = Ledger | NoLedger


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
