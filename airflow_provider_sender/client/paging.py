"""What reading a whole listing means: its rows, its pages, and the account of what happened to it meanwhile.

The promise is the same for every service: whoever is there from the first request to the last is read, exactly once.
How it is kept depends on how a service hands out its pages (``numbered.py``).
"""

from __future__ import annotations

import enum
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.seen import SeenKeys

log = logging.getLogger(__name__)


class Order(enum.StrEnum):
    """What a listing is sorted by."""

    CREATED = "created"
    KEY = "id"


class OnDrift(enum.StrEnum):
    """What to do when a listing may have lost rows."""

    REPAIR = "repair"
    WARN = "warn"
    FAIL = "fail"


class Row(msgspec.Struct, frozen=True):
    """One row of a listing.

    :param key: what tells rows apart.
    :param created: when the row was created, in the service's own form.
    :param raw: the row's JSON, byte for byte as the service sent it.
    """

    key: str
    created: str | None
    raw: msgspec.Raw


class Page(msgspec.Struct, frozen=True):
    """One page of a listing.

    :param number: its number, from 1.
    :param last: number of the last page as of this answer.
    :param total: rows in the listing as of this answer.
    """

    rows: Sequence[Row]
    number: int
    last: int
    total: int


@dataclass
class Stretch:
    """A run of pages that is walked backwards, beside others.

    :param lowest: its lowest page; below begin those of the next stretch.
    :param highest: the page it begins with.
    :param next_page: the page to be read next.
    :param is_done: whether it has met the stretch below it.
    :param first_keys: keys on the first of its pages that had rows: where the stretch above it may stop.
    :param first_created: when the oldest of those was created.
    """

    lowest: int
    highest: int
    next_page: int
    is_done: bool = False
    first_keys: list[str] = field(default_factory=list)
    first_created: str = ""


@dataclass
class ListingReport:
    """What happened to a listing while it was read, and how far the reading has come.

    Together with the keys of the rows read, it is all another process needs to go on.

    :param total_at_start: rows the service counted in its first answer.
    :param total_at_end: rows the service counted in its last answer.
    :param rows: distinct rows read.
    :param repeats: rows that came again because others were deleted meanwhile.
    :param gone: rows read that must have been deleted afterwards, because nothing else explains how the total fell.
    :param passes: how often the listing was read; 1 when nothing was amiss.
    :param is_in_order: whether rows came in the order asked for, and repeats only where deletions explain them.
    :param stretches: where the reading stands; empty before it began.
    :param newest: when the newest row read by the walk itself was created; who came later is a newcomer.
    :param since: when the oldest row asked for was created, if not all rows were asked for.
    """

    total_at_start: int = 0
    total_at_end: int = 0
    rows: int = 0
    repeats: int = 0
    gone: int = 0
    passes: int = 0
    is_in_order: bool = True
    stretches: list[Stretch] = field(default_factory=list)
    newest: str = ""
    since: str = ""

    @property
    def figures(self) -> dict[str, int | bool]:
        """Return the figures, for whoever wants to know what happened."""
        names = ("total_at_start", "total_at_end", "rows", "repeats", "gone", "passes", "is_in_order", "missing")
        return {name: getattr(self, name) for name in names}

    @property
    def missing(self) -> int:
        """Rows the service counts and that were not read."""
        return 0 if self.since else max(0, self.total_at_end + self.gone - self.rows)

    @property
    def is_sound(self) -> bool:
        """Whether nothing can have been lost."""
        return self.is_in_order and not self.missing

    def sentence(self) -> str:
        """Say what was found."""
        order = "in order" if self.is_in_order else "not in the order asked for"
        return (
            f"{self.rows} distinct rows read in {self.passes} passes, {self.total_at_end} counted by the service at "
            f"the end ({self.total_at_start} at the start), rows {order}"
        )


class ListingDriftError(SenderError):
    """A listing moved in a way that may have lost rows.

    :param report: the figures.
    """

    retryable = True

    def __init__(self, report: ListingReport, advice: str) -> None:
        super().__init__(f"The listing may be incomplete: {report.sentence()}. {advice}")
        self.report = report


# What to do when reading again did not help.
NOT_SETTLED = (
    "Reading again did not settle it. Run it when the account is quieter, or accept what there is with on_drift='warn'."
)


def is_left_so(report: ListingReport, on_drift: OnDrift) -> bool:
    """Tell whether a listing is left as it was read; else it is to be read again.

    :raises ListingDriftError: when rows may be missing, and that is to be an error.
    """
    if report.is_sound:
        return True
    if on_drift is OnDrift.FAIL:
        raise ListingDriftError(report, "Run it again, or let on_drift='repair' read the account once more.")
    if on_drift is OnDrift.WARN:
        log.warning("Rows may be missing: %s", report.sentence())
    return on_drift is OnDrift.WARN


class Listing(ABC):
    """A collection of a service that is read to its end.

    :param page_size: rows a request brings.
    """

    page_size: int

    @abstractmethod
    def count(self) -> int:
        """Return how many rows the service counts now; one request."""

    @abstractmethod
    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches, and keep ``report`` up to date with the batches yielded.

        :param seen: keys of rows that are not to come (again); those that come are added.
        :param report: a new one, or that of a walk that ended before its time: this one goes on where it ended, if
            the service's listings allow for that, and else begins again, with the rows it brought left out.
        :param since: only rows created at this moment or later, at the cost of reading little else.
        :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
        """
