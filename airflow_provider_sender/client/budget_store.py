"""Where the state of an account's request budget is kept: in this process, or in a file for all processes of a machine.

The file is one for each account, in a directory that only its owner can read. Nothing in it or in its name tells whose
account it is. It is read, changed and written under a lock, which takes microseconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from hashlib import blake2b
from pathlib import Path

import msgspec

from airflow_provider_sender.client.budget_state import BudgetState

log = logging.getLogger(__name__)

# Names another directory; empty, each process has a budget of its own.
DIRECTORY_VARIABLE = "SENDER_BUDGET_DIRECTORY"

# Whoever holds the lock needs microseconds. A process that is frozen meanwhile must not hold up all the others.
_LONGEST_WAIT_FOR_LOCK = 2.0
_LOOK_AGAIN = 0.001

# Larger than any state; what is larger is something else.
_LARGEST = 1 << 20

# A state that nobody has changed for so long says nothing any more: the longest published limit is that of a day.
_FORGOTTEN_AFTER = 86_400.0

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BudgetState).decode


class BudgetStore(ABC):
    """Keeps the state of one account's budget."""

    @abstractmethod
    def open(self, now: float) -> AbstractContextManager[BudgetState]:
        """Hold the state for the length of the block, which may change it.

        :param now: the time, by the clock that all who share the state read.
        """

    @abstractmethod
    def process(self) -> str:
        """Return what tells this process from the others that share the state."""

    @abstractmethod
    def is_alive(self, process: str) -> bool:
        """Tell whether a process that shares the state is still there."""


class MemoryStore(BudgetStore):
    """Keeps the state in this process, for all of its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = BudgetState()

    @contextlib.contextmanager
    def open(self, now: float) -> Iterator[BudgetState]:
        """Hold the state for the length of the block."""
        with self._lock:
            yield self._state

    def process(self) -> str:
        """Return what tells this process from the others: there are none."""
        return ""

    def is_alive(self, process: str) -> bool:
        """Return True: it asks itself."""
        return True


class FileStore(BudgetStore):
    """Keeps the state in a file, for all processes of this user on this machine.

    :param path: the file; its directory is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = 0
        self._descriptor = -1
        self._lock = threading.Lock()
        self._own = BudgetState(boot=_boot())

    @contextlib.contextmanager
    def open(self, now: float) -> Iterator[BudgetState]:
        """Hold the state for the length of the block. Where the file cannot be had, go on with what was known last."""
        if self._pid != os.getpid():
            self._begin_process()
        with self._lock:
            is_locked = self._acquire()
            try:
                state = self._own = self._read(now) if is_locked else self._own
                yield state
                state.updated = now
                if is_locked:
                    self._write(state)
            finally:
                if is_locked:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def process(self) -> str:
        """Return this process's number, and when it began, as numbers are used again."""
        return _this_process(os.getpid())

    def is_alive(self, process: str) -> bool:
        """Tell whether a process is still there."""
        number, _, began = process.partition("-")
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # another user's by now
        return began == _began(int(number))

    def _begin_process(self) -> None:
        """Open the file anew: a lock that a parent holds would be this process's as well."""
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._descriptor = -1
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)

    def _acquire(self) -> bool:
        if self._descriptor < 0:
            return False
        until = time.monotonic() + _LONGEST_WAIT_FOR_LOCK
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(_LOOK_AGAIN)
            except OSError:  # a file system that knows no locks
                return False
            else:
                return True

    def _read(self, now: float) -> BudgetState:
        try:
            state = _decode(os.pread(self._descriptor, _LARGEST, 0))
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return BudgetState(boot=self._own.boot)  # new, half written, or something else
        is_of_now = state.boot == self._own.boot and state.updated <= now + 1.0
        if not is_of_now or state.updated < now - _FORGOTTEN_AFTER:
            return BudgetState(boot=self._own.boot)
        return state

    def _write(self, state: BudgetState) -> None:
        content = _encode(state)
        with contextlib.suppress(OSError):  # a disk that is full
            os.pwrite(self._descriptor, content, 0)
            os.ftruncate(self._descriptor, len(content))


def store_for(*account: str) -> BudgetStore:
    """Return where the budget of an account is kept.

    :param account: what tells the account from others; only a digest of it is used.
    """
    directory = _directory(os.environ.get(DIRECTORY_VARIABLE))
    if directory is None:
        return MemoryStore()
    name = blake2b("\n".join(account).encode(), digest_size=16).hexdigest()
    return FileStore(directory / name)


@cache
def _directory(named: str | None) -> Path | None:
    """Return the directory of all budgets, made if it is not there; None where there can be none."""
    if named == "":
        return None
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    place = Path(runtime) if runtime else Path(tempfile.gettempdir())
    default = place / ("airflow-provider-sender" if runtime else f"airflow-provider-sender-{os.getuid()}")
    directory = Path(named) if named else default
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = directory.lstat()
        is_private = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError:
        is_private = False
    if not is_private:
        log.info(
            "%s cannot be used to share request budgets among processes (it must be a directory of this user's alone), "
            "so this process keeps to a budget of its own",
            directory,
        )
        return None
    return directory


@cache
def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


@cache
def _this_process(number: int) -> str:
    return f"{number}-{_began(number)}"


def _began(number: int) -> str:
    """Return when a process began, as the system says it; empty where it does not."""
    with contextlib.suppress(OSError, IndexError):
        # The second field is the program's name in brackets, which may hold anything.
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    return ""
