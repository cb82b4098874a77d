"""Reading a whole listing while it moves: whoever is there from the first request to the last is read, exactly once.

Pages are numbered, and rows move between them. In ascending order of creation a deletion moves the rows behind it
towards the front, and new rows come at the end. So the pages are walked **backwards**: what a deletion moves, it moves
to a page that is still to be read, which gives a repeat and never a loss; and what is new lies behind the walk, where a
short look at the end finds it. Repeats are dropped by id.

That holds as long as the service keeps the order it was asked for. Whether it did is watched on every page, and the
number of distinct rows is held against the service's own total at the end; where either is off, the account is read
again in other orders until nothing moved during a whole pass and it brought every row the service counts.
"""

from __future__ import annotations

import enum
import logging
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, SenderError
from airflow_provider_sender.client.seen import SeenKeys

log = logging.getLogger(__name__)

# Where rows come in no reliable order at all, each pass finds most of what the ones before it missed.
MOST_PASSES = 6

# Passes by id in a row, in opposite directions, that bring nothing: then there is nothing to bring.
_ENOUGH_IN_VAIN = 2

# How often the end of a listing is looked at for newcomers while they come and go faster than they are read.
_MOST_LOOKS = 3


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
class ListingReport:
    """What happened to a listing while it was read.

    :param total_at_start: rows the service counted in its first answer.
    :param total_at_end: rows the service counted in its last answer.
    :param rows: distinct rows read.
    :param repeats: rows that came again because others were deleted meanwhile.
    :param gone: rows read that must have been deleted afterwards, because nothing else explains how the total fell.
    :param passes: how often the listing was read; 1 when nothing was amiss.
    :param is_in_order: whether rows came in the order asked for, and repeats only where deletions explain them.
    """

    total_at_start: int = 0
    total_at_end: int = 0
    rows: int = 0
    repeats: int = 0
    gone: int = 0
    passes: int = 0
    is_in_order: bool = True

    @property
    def missing(self) -> int:
        """Rows the service counts and that were not read."""
        return max(0, self.total_at_end + self.gone - self.rows)

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

    def __init__(self, report: ListingReport, advice: str) -> None:
        super().__init__(f"The listing may be incomplete: {report.sentence()}. {advice}")
        self.report = report


class Listing(ABC):
    """A collection of a service that is read to its end.

    :param page_size: rows a request brings.
    """

    page_size: int

    @abstractmethod
    def count(self) -> int:
        """Return how many rows the service counts now; one request."""

    @abstractmethod
    def walk(self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift) -> Iterator[list[Row]]:
        """Yield every row once, in batches, and keep ``report`` up to date.

        :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
        """


class NumberedListing(Listing):
    """A listing in numbered pages that can be sorted."""

    @abstractmethod
    def page(self, number: int, order: Order, *, ascending: bool) -> Page:
        """Fetch one page; one past the last is empty."""

    def count(self) -> int:
        """Return how many rows the service counts now; one request."""
        return self.page(1, Order.CREATED, ascending=True).total

    def walk(self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift) -> Iterator[list[Row]]:
        """Yield every row once, in batches; see the module's text."""
        first = self.page(1, Order.CREATED, ascending=True)
        report.total_at_start = first.total
        newest = yield from self._backwards(first, seen, report)
        if report.is_sound:
            return
        if on_drift is OnDrift.WARN:
            log.warning("Rows may be missing: %s", report.sentence())
            return
        if on_drift is OnDrift.FAIL:
            raise ListingDriftError(report, "Run it again, or let on_drift='repair' read the account once more.")
        yield from self._repair(seen, report, newest)

    def _backwards(self, first: Page, seen: SeenKeys, report: ListingReport) -> Generator[list[Row], None, str]:
        """Read from the end to the front, then what has come since; return when the newest row read was created."""
        report.passes += 1
        newest_read = ""
        if first.last <= 1:
            report.total_at_end = first.total
            yield _fresh(first, seen, report)
            return newest_read
        above: Page | None = None
        newest = ""
        balance = _Balance(len(first.rows))
        last = first.last
        for number in range(first.last, 0, -1):
            page = self.page(number, Order.CREATED, ascending=True)
            newest = newest or max((_to_the_second(row.created) for row in page.rows if row.created), default="")
            _watch_order(page, above, newest, seen, report)
            newest_read = max(newest_read, *(_to_the_second(row.created or "") for row in page.rows), "")
            fresh = _fresh(page, seen, report)
            report.gone += balance.departures(page, len(page.rows) - len(fresh))
            yield fresh
            above = page if page.rows else above
            last = page.last
        for _ in range(_MOST_LOOKS):
            yield from self._newcomers(last, seen, report)
            if not report.missing:
                break
        return newest_read

    def _newcomers(self, last: int, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read from the end down to the first page that begins with a row already seen."""
        page = self.page(last, Order.CREATED, ascending=True)
        while page.rows and page.last > page.number:
            page = self.page(page.last, Order.CREATED, ascending=True)
        report.total_at_end = page.total
        while True:
            # Who comes while this is read is nobody's loss, so the lowest figure is the one to answer for.
            report.total_at_end = min(report.total_at_end, page.total)
            is_reached = bool(page.rows) and page.rows[0].key in seen
            yield _fresh(page, seen, report, is_first_sight=False)
            if is_reached or page.number <= 1:
                return
            page = self.page(page.number - 1, Order.CREATED, ascending=True)

    def _repair(self, seen: SeenKeys, report: ListingReport, newest: str) -> Iterator[list[Row]]:
        """Read again until nothing speaks for a loss any more.

        That is so when a whole pass found nothing moving and every row; and, on an account that never stands still,
        when two passes by id, one each way, brought nobody who was there at the beginning.

        :param newest: when the newest row of the first pass was created; who came later is a newcomer.
        """
        log.warning("The listing moved in a way that may have lost rows, reading it again: %s", report.sentence())
        order = Order.KEY  # no two rows share it, so nothing can be lost among rows created at the same moment
        is_ascending = True
        passes_in_vain = 0
        while report.passes < MOST_PASSES and not (passes_in_vain == _ENOUGH_IN_VAIN and report.missing):
            before = report.rows
            try:
                found, is_complete = yield from self._forwards(order, is_ascending, seen, report, newest)
            except (InvalidRequestError, NotFoundError):
                if order is Order.CREATED:
                    raise
                order = Order.CREATED
                continue
            is_settled = report.rows == before or report.passes > 2
            passes_in_vain = 0 if found or order is Order.CREATED else passes_in_vain + 1
            is_proven = passes_in_vain >= _ENOUGH_IN_VAIN and not report.missing
            if is_complete or is_proven or (is_settled and report.is_sound):
                log.info("The figures agree now: %s", report.sentence())
                return
            is_ascending = not is_ascending
        if not report.is_sound:
            raise ListingDriftError(
                report,
                "Reading again did not settle it. Run it when the account is quieter, or accept what there is with "
                "on_drift='warn'.",
            )

    def _forwards(
        self, order: Order, is_ascending: bool, seen: SeenKeys, report: ListingReport, newest: str
    ) -> Generator[list[Row], None, tuple[int, bool]]:
        """Read from front to end.

        Return how many rows were found that were there at the beginning, and whether nothing moved meanwhile and every
        row the service counts came.
        """
        found = 0
        in_this_pass = SeenKeys()
        page = self.page(1, order, ascending=is_ascending)
        report.passes += 1
        report.gone = 0  # or newcomers who left before they were read, which the totals cannot tell apart
        report.total_at_end = highest = page.total
        while True:
            report.total_at_end, highest = min(report.total_at_end, page.total), max(highest, page.total)
            for row in page.rows:
                in_this_pass.add(row.key)
            fresh = _fresh(page, seen, report, is_first_sight=False)
            found += sum(_to_the_second(row.created or "") <= newest for row in fresh)
            yield fresh
            if not page.rows or page.number >= page.last:
                return found, len(in_this_pass) == report.total_at_end == highest
            page = self.page(page.number + 1, order, ascending=is_ascending)


class _Balance:
    """Tells deletions among the rows read from deletions among those still to be read.

    Both lower the total, but only the latter make rows slide onto the next page. Otherwise rows that were read and are
    gone would make up for rows that were never read. It goes by the figures of two pages, so a row that slides onto a
    page and one that leaves it between the same two requests cancel out.

    :param size: rows a full page has.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._total: int | None = None
        self._owed = 0

    def departures(self, page: Page, repeats: int) -> int:
        """Return how many rows already read the totals show to be gone since the page before this one."""
        before, self._total = self._total, page.total
        if before is None:
            if not page.rows:
                self._total = None  # all of it slid off before anything was read
            return 0
        slid = repeats + self._size - len(page.rows)
        self._owed += page.total - before + slid
        if slid >= self._size:
            return 0  # more may have slid than one page shows
        gone, self._owed = max(0, -self._owed), 0
        return gone


def _fresh(page: Page, seen: SeenKeys, report: ListingReport, *, is_first_sight: bool = True) -> list[Row]:
    fresh = [row for row in page.rows if seen.add(row.key)]
    report.rows += len(fresh)
    if is_first_sight:
        report.repeats += len(page.rows) - len(fresh)
    return fresh


def _watch_order(page: Page, above: Page | None, newest: str, seen: SeenKeys, report: ListingReport) -> None:
    """Notice rows that come in another order than creation, and repeats that no deletion explains.

    A deletion moves rows from the page read before to the end of this one: repeats at the end are explained, a new row
    after a repeat is not, unless it is a newcomer.

    :param newest: creation of the newest row there was at the beginning.
    """
    rows = list(page.rows)
    if above is not None and rows and rows[-1].key not in seen:
        rows += above.rows[:1]
    moments = [_to_the_second(row.created) for row in rows if row.created]
    if moments != sorted(moments) or (rows and not moments):
        report.is_in_order = False
    is_at_end = page.number >= page.last - 1
    has_repeat = False
    for row in page.rows:
        if row.key in seen:
            has_repeat = True
        elif has_repeat and not (is_at_end and _to_the_second(row.created or "") >= newest):
            report.is_in_order = False
            return


def _to_the_second(created: str) -> str:
    """Return a time so that both forms in use ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000000Z") compare."""
    return created[:19].replace("T", " ")
