"""What the next try of an export into a directory goes by: which parts are finished, and how far the reading had come.

It stands in ``_unfinished.json`` and names the try that writes. One whose name is no longer there has been given up by
Airflow, or another task writes to the same directory.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.paging import ListingReport
from airflow_provider_sender.jobs.columns import columns_from
from airflow_provider_sender.jobs.destination import published

log = logging.getLogger(__name__)

UNFINISHED = "_unfinished.json"

# What the names of part files begin with, and those of the files with the keys of their rows.
PART, KEYS = "part-", "_keys-"

# After this time what an earlier try read is too old to be the beginning of an export.
_LONGEST_PAUSE = timedelta(hours=24)

FileT = TypeVar("FileT")


class Part(msgspec.Struct, frozen=True):
    """A part file as the manifest names it.

    :param pages: first and last of each run of pages it was filled from; none for what was read in another order.
    """

    name: str
    rows: int
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def keys_name(self) -> str:
        """Name of the file with the keys of its rows."""
        return KEYS + self.name.removeprefix(PART).partition(".")[0]


class State(msgspec.Struct):
    """An export that is under way.

    :param run: the run it belongs to; only another try of that one goes on with it.
    :param account: the account it reads.
    :param wants: what is exported and how; another wish begins anew.
    :param writer: the try that is writing.
    :param saved: when this was written.
    :param requests: requests it took so far.
    """

    run: str
    account: str
    wants: str
    writer: str
    saved: datetime
    requests: int = 0
    columns: list[dict[str, str]] = []
    parts: list[Part] = []
    listing: ListingReport = msgspec.field(default_factory=ListingReport)


class TakenOverError(SenderError):
    """Another try or run writes to the same directory by now."""


class Unfinished:
    """The export one try has under way in a directory.

    :param directory: where.
    :param run: the run this try belongs to.
    :param account: the account it reads.
    :param wants: what it exports and how.
    """

    def __init__(self, directory: UPath, *, run: str, account: str, wants: str) -> None:
        self._directory = directory
        self._path = directory / UNFINISHED
        self.state = State(run, account, wants, uuid.uuid4().hex[:8], datetime.now(UTC))

    def found(self) -> State | None:
        """Return what an earlier try, of whichever run, left here; None when there is none."""
        return read_own(self._path, State)

    def is_ours(self, found: State) -> bool:
        """Tell whether this try can go on with what was found."""
        mine = self.state
        if (found.run, found.account, found.wants) != (mine.run, mine.account, mine.wants):
            return False
        if mine.saved - found.saved > _LONGEST_PAUSE:
            return False
        names = [name for part in found.parts for name in (part.name, part.keys_name)]
        if not all((self._directory / name).is_file() for name in names):
            return False
        try:
            columns_from(found.columns)
        except ValueError:
            return False
        return True

    def go_on_with(self, found: State) -> None:
        """Take what was found for the state of this try."""
        found.writer = self.state.writer
        self.state = found

    def save(self, requests: int) -> None:
        """Write down how far this try has come.

        :param requests: requests the export took so far.
        """
        self.state.saved, self.state.requests = datetime.now(UTC), requests
        with published(self._path, parameter="output_path") as file:
            file.write(msgspec.json.encode(self.state))

    def check_still_ours(self) -> None:
        """Refuse to go on beside another try.

        :raises TakenOverError: when the directory is not this one's any more.
        """
        found = self.found()
        if found is None or found.writer != self.state.writer:
            raise TakenOverError(
                f"output_path: another try or run of an export writes to {self._directory} by now, and this one stops. "
                "Give every task a directory of its own."
            )

    def remove(self) -> None:
        """Leave nothing to go on with."""
        self._path.unlink(missing_ok=True)


def read_own(path: UPath, kind: type[FileT]) -> FileT | None:
    """Return what stands in a file of this package's; None when there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.warning("%s is not from this package; the files it may name are left alone", path)
        return None
