"""One writer of a ledger at a time: a small object beside it says who that is, since when, and that it is alive.

On a local disk, creating that object is atomic. Object storage has nothing of the kind that all of them offer; there it
is written and, a moment later, read back: of two that wrote it at the same time, only one finds its own. A lock that
was left by a process that died is taken over in the same way, by another try of the same task at once, by anybody else
when it has given no sign of life for long enough. Whoever was not dead after all finds out at its next save.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError, SenderError
from airflow_provider_sender.jobs.destination import can_be_written, is_local

log = logging.getLogger(__name__)

# A sign of life is given with every save, every minute or so; a single request with all its retries takes less, too.
STALE_AFTER = timedelta(minutes=15)

# A sign of life further in the future than that was given by a clock that is wrong.
_CLOCKS_DIFFER = timedelta(hours=1)

# Longer than it takes from finding no lock to having written one.
READ_BACK_AFTER = 1.0


class LedgerUnavailableError(SenderError):
    """Somebody else works with the ledger, or has taken it over. Trying again later may succeed."""

    retryable = True


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Lock(msgspec.Struct, frozen=True):
    """What stands in the object.

    :param owner: who works with the ledger.
    :param heartbeat: when that one last gave a sign of life.
    :param token: tells two tries of one owner apart.
    """

    owner: str
    since: _Moment
    heartbeat: _Moment
    token: str

    def is_stale(self, last_written: datetime | None) -> bool:
        """Tell whether whoever holds it has given no sign of life for too long.

        :param last_written: when the storage says the object was written. Its owner's clock may have been wrong, and a
            sign of life from the future would be believed for ever.
        """
        now = datetime.now(UTC)
        heartbeat = self.heartbeat if last_written is None else min(self.heartbeat, last_written)
        return not now - STALE_AFTER <= heartbeat <= now + _CLOCKS_DIFFER


class LedgerLock:
    """The right to write a ledger.

    :param ledger: the ledger; the lock is beside it, with ``.lock`` after its name.
    :param owner: who wants it. Whoever gives the same text is the same task, tried again.
    """

    def __init__(self, ledger: UPath, owner: str) -> None:
        self._ledger = ledger
        self._path = f"{ledger.path}.lock"
        self._mine = _Lock(owner, datetime.now(UTC), datetime.now(UTC), uuid.uuid4().hex)

    def acquire(self) -> None:
        """Take the lock.

        :raises LedgerUnavailableError: when somebody else has it.
        :raises ConfigurationError: when it cannot be written.
        """
        with can_be_written(self._ledger, parameter="ledger_path"):
            if is_local(self._ledger) and self._create():
                return
            found = self._read()
            if found is not None:
                self._check_may_take_over(found)
            elif is_local(self._ledger) and self._create():
                return  # it was given back in this very moment
            self._write()
            time.sleep(READ_BACK_AFTER)
            self.confirm()

    def confirm(self) -> None:
        """See to it that the lock is still held.

        :raises LedgerUnavailableError: when it is not.
        """
        found = self._read()
        if found is not None and found.token == self._mine.token:
            return
        what = f"was taken over by {found.owner} at {_text(found.since)}" if found else "has lost its lock"
        raise LedgerUnavailableError(
            f"ledger_path: {self._ledger} {what}, so this task stopped and left it as it is. Whoever works with the "
            "ledger now sends what is missing in it; else run this task again."
        )

    def beat(self) -> None:
        """Give a sign of life.

        :raises LedgerUnavailableError: when the lock is not held any more.
        """
        self.confirm()
        self._mine = msgspec.structs.replace(self._mine, heartbeat=datetime.now(UTC))
        self._write()

    def release(self) -> None:
        """Give the lock back, if it is still held."""
        try:
            self.confirm()
            self._ledger.fs.rm_file(self._path)
        except LedgerUnavailableError:
            return
        except OSError as error:
            log.warning("%s.lock could not be deleted (%s); it goes stale by itself", self._ledger, error)

    def _check_may_take_over(self, found: _Lock) -> None:
        if found.owner == self._mine.owner:
            log.info("The ledger was left behind by an earlier try of this task; taking it over")
        elif found.is_stale(self._last_written()):
            log.warning("The ledger was left behind by %s at %s; taking it over", found.owner, _text(found.heartbeat))
        else:
            raise LedgerUnavailableError(
                f"ledger_path: {self._ledger} is in use by {found.owner} since {_text(found.since)} (last sign of life "
                f"{_text(found.heartbeat)}), and only one task at a time may work with it. Run this one when that one "
                f"is done. If that one is dead, the ledger is free {STALE_AFTER.seconds // 60} minutes after its last "
                f"sign of life, or at once when {self._ledger}.lock is deleted."
            )

    def _last_written(self) -> datetime | None:
        """Return when the lock was written, by the storage's own clock, if it tells."""
        try:
            self._ledger.fs.invalidate_cache()
            written: datetime = self._ledger.fs.modified(self._path)
        except (OSError, NotImplementedError, KeyError):
            return None
        return written if written.tzinfo is not None else written.replace(tzinfo=UTC)

    def _create(self) -> bool:
        """Make the lock on a local disk; return whether there was none."""
        try:
            with open(self._path, "xb") as file:
                file.write(msgspec.json.encode(self._mine))
        except FileExistsError:
            return False
        return True

    def _write(self) -> None:
        content = msgspec.json.encode(self._mine)
        if not is_local(self._ledger):
            self._ledger.fs.pipe_file(self._path, content)
            return
        directory, name = os.path.split(self._path)
        partial = os.path.join(directory, f".{name}.{self._mine.token[:12]}.partial")
        with open(partial, "wb") as file:
            file.write(content)
        os.replace(partial, self._path)

    def _read(self) -> _Lock | None:
        for is_last in (False, True):
            try:
                return msgspec.json.decode(self._ledger.fs.cat_file(self._path), type=_Lock)
            except FileNotFoundError:
                return None
            except (msgspec.DecodeError, UnicodeDecodeError):
                if not is_last:
                    time.sleep(READ_BACK_AFTER)  # it may be half written
        raise ConfigurationError(
            f"ledger_path: {self._ledger}.lock is no lock of a ledger. Delete it if it is not needed, or name another "
            "ledger."
        )


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
