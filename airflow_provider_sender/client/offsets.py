"""Reading a listing by offset and limit to its end while it moves.

Rows come in an order that no document names, and move when others are added or deleted before them. So each page is
asked for **from the last row of the one before**, and must begin with a row already read. If it does not, rows before
it were deleted and what follows has slid to the front: then earlier pages are asked for until one does. As long as
rows keep the order they are in, nobody is passed over that way: what stands before a row that was read was read, too.
Additions only bring rows that were read once more, and those are dropped by key.

Whether rows keep their order is watched: none that was read may come after one that was not. Where a service counts
its rows, the count is held against those read at the end. Where either is off, the listing is read again from front to
end, in both directions where the service has two, until the figures agree or two readings brought nobody new.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from airflow_provider_sender.client.errors import UnsupportedOperationError
from airflow_provider_sender.client.order import moment_of
from airflow_provider_sender.client.paging import (
    NOT_SETTLED,
    Listing,
    ListingDriftError,
    ListingReport,
    OnDrift,
    Row,
    Stretch,
    is_left_so,
)
from airflow_provider_sender.client.seen import SeenKeys

log = logging.getLogger(__name__)

# Where rows come in no reliable order at all, each pass finds most of what the ones before it missed.
MOST_PASSES = 8

# Passes in a row that bring nothing: then there is nothing to bring.
_ENOUGH_IN_VAIN = 2


class OffsetPage(msgspec.Struct, frozen=True):
    """The rows from an offset on.

    :param total: rows in the listing as of this answer; None where the answer does not say.
    """

    rows: Sequence[Row]
    total: int | None = None


class OffsetListing(Listing):
    """A listing by offset and limit: a bare array of rows, or one with a total.

    A subclass says how a page is asked for, and how rows are counted where pages do not say.

    ``service`` is the service's name. ``can_reverse`` is whether rows can be asked for in the opposite order.
    ``tells_created`` is whether rows say when they were created. ``page_size`` is the limit asked for; a service that
    hands out less is read all the same, if it counts its rows.
    """

    service: ClassVar[str]
    can_reverse: bool = False
    tells_created: ClassVar[bool] = False
    page_size = 100

    @abstractmethod
    def rows_from(self, offset: int, *, ascending: bool) -> OffsetPage:
        """Fetch up to ``page_size`` rows from an offset on; beyond the last there are none."""

    def total(self) -> int | None:
        """Return how many rows the service counts now, by a request of its own; None when it has none for that."""
        return None

    def count(self) -> int:
        """Return how many rows the service counts now; where it does not count, they are counted by reading them."""
        counted = self.total()
        if counted is None:
            counted = self.rows_from(0, ascending=True).total
        if counted is None:
            counted = sum(len(rows) for rows in self.walk(SeenKeys(), ListingReport(), OnDrift.WARN))
        return counted

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches; see the module's text.

        :param since: only rows created at this moment or later. All are read for that.
        :raises UnsupportedOperationError: for ``since``, where rows do not say when they were created.
        """
        if since is not None:
            if not self.tells_created:
                raise UnsupportedOperationError(self.service, "say who came since a moment", "Read all of them.")
            report.since = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        if report.passes <= 1:
            yield from self._connected(seen, report)
        if not is_left_so(report, on_drift):
            yield from self._repair(seen, report)

    def _connected(self, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read from front to end, each page connected with the one before; then who came to the front since."""
        if not report.passes:
            report.passes = 1
            report.stretches = [Stretch(lowest=0, highest=0, next_page=0)]
        walk = _Walk(report.stretches[0], seen, report)
        while not walk.is_done:
            offset, page = self._page_after(walk)
            rows = walk.take(offset, page)
            if not report.total_at_start:
                report.total_at_start = self._counted(page, offset) or 0
            walk.is_done = self._is_end(offset, page, report)
            yield rows
        if walk.added:
            yield from self._newcomers(seen, report)

    def _page_after(self, walk: _Walk) -> tuple[int, OffsetPage]:
        """Return a page that begins with a row already read, or with the very first, and its offset."""
        offset, step = max(0, walk.place - 1), max(1, self.page_size - 1)
        while True:
            page = self.rows_from(offset, ascending=True)
            if offset == 0 or walk.connects(page):
                return offset, page
            offset, step = max(0, offset - step), 2 * step

    def _is_end(self, offset: int, page: OffsetPage, report: ListingReport) -> bool:
        """Tell whether there is nothing behind a page, and if so, note how many rows there are."""
        reached = offset + len(page.rows)
        brings_nothing = len(page.rows) <= min(1, offset)
        if len(page.rows) >= self.page_size and not brings_nothing:
            return False
        counted = page.total if page.total is not None else self.total()
        report.total_at_end = counted or 0
        # A short page is the last one, unless the service hands out less than it was asked for.
        return brings_nothing or counted is None or reached >= counted

    def _counted(self, page: OffsetPage, offset: int) -> int | None:
        if page.total is not None:
            return page.total
        return offset + len(page.rows) if len(page.rows) < self.page_size else self.total()

    def _newcomers(self, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read from the front to the first page that brings nobody new."""
        offset = 0
        while True:
            page = self.rows_from(offset, ascending=True)
            rows = _fresh(page, seen, report)
            yield rows
            if not rows or not report.missing:
                return
            offset += len(page.rows)

    def _repair(self, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read again until nothing speaks for a loss any more."""
        log.warning("The listing moved in a way that may have lost rows, reading it again: %s", report.sentence())
        is_ascending = not self.can_reverse
        in_vain = 0
        report.passes = 1  # those of an earlier process count for nothing: it may have been killed in the middle of one
        while report.passes < MOST_PASSES:
            before = report.rows
            is_complete = yield from self._plainly(seen, report, ascending=is_ascending)
            in_vain = in_vain + 1 if report.rows == before else 0
            is_settled = in_vain > 0 or report.passes > 2
            if is_complete or (in_vain >= _ENOUGH_IN_VAIN and not report.missing) or (is_settled and report.is_sound):
                log.info("The figures agree now: %s", report.sentence())
                return
            is_ascending = not is_ascending or not self.can_reverse
        if not report.is_sound:
            raise ListingDriftError(report, NOT_SETTLED)

    def _plainly(self, seen: SeenKeys, report: ListingReport, *, ascending: bool) -> Generator[list[Row], None, bool]:
        """Read from front to end; return whether nothing moved meanwhile and every row the service counts came."""
        in_this_pass = SeenKeys()
        report.passes += 1
        report.gone = 0
        offset, at_start = 0, self.total()
        while True:
            page = self.rows_from(offset, ascending=ascending)
            at_start = page.total if at_start is None else at_start
            in_this_pass.add_all([row.key for row in page.rows])
            yield _fresh(page, seen, report)
            offset += len(page.rows)
            if not page.rows or (len(page.rows) < self.page_size and offset >= (page.total or at_start or 0)):
                break
        at_end = page.total if page.total is not None else self.total()
        report.total_at_end = at_end or 0
        return at_end is not None and len(in_this_pass) == at_end == at_start


class _Walk:
    """The walk from front to end.

    ``place`` is how many rows there are up to the last one read, and that one, as far as is known. ``added`` is how
    many came to stand before it.
    """

    def __init__(self, stretch: Stretch, seen: SeenKeys, report: ListingReport) -> None:
        self._stretch = stretch
        self._seen = seen
        self._report = report
        self._read = stretch.next_page
        self.added = 0

    @property
    def is_done(self) -> bool:
        return self._stretch.is_done

    @is_done.setter
    def is_done(self, value: bool) -> None:
        self._stretch.is_done = value

    @property
    def place(self) -> int:
        return self._stretch.next_page

    def connects(self, page: OffsetPage) -> bool:
        """Tell whether nobody can stand between the rows read and this page; in no order, nothing tells."""
        return not self._report.is_in_order or (bool(page.rows) and page.rows[0].key in self._seen)

    def take(self, offset: int, page: OffsetPage) -> list[Row]:
        """Take a page that connects; return those of its rows that are new."""
        is_new = self._seen.add_all([row.key for row in page.rows])
        known = is_new.index(True) if True in is_new else len(is_new)
        if not all(is_new[known:]):
            self._report.is_in_order = False
        if known < len(is_new) or not is_new:
            # This is where what was read ends now. It ended elsewhere if rows before it came or went.
            self._report.gone += max(0, self._read - offset - known)
            self.added += max(0, offset + known - self._read)
            self._read = offset + len(page.rows)
        self._report.repeats += max(0, known - min(1, offset))
        self._stretch.next_page = offset + len(page.rows)
        return _wanted([row for row, new in zip(page.rows, is_new, strict=True) if new], self._report)


def _fresh(page: OffsetPage, seen: SeenKeys, report: ListingReport) -> list[Row]:
    is_new = seen.add_all([row.key for row in page.rows])
    return _wanted([row for row, new in zip(page.rows, is_new, strict=True) if new], report)


def _wanted(rows: list[Row], report: ListingReport) -> list[Row]:
    wanted = [row for row in rows if moment_of(row) >= report.since] if report.since else rows
    report.rows += len(wanted)
    return wanted
