"""Reading a listing in numbered pages that hardly anything is ever taken from, whatever its order is.

It is read **forwards**. What is added meanwhile, be it at the front, at the end or in between, can only move a row onto
a page that is still to be read: a repeat, never a loss, and in whatever order the rows come as long as it is one. So
nothing is asked for about the order, and the pages are all it costs.

Only what is taken out, or an order that changes, can lose a row, and that shows: the service's total falls from one
page to the next, or a pass brought fewer different rows than the service counted when it began. Then the listing is
read again.

Rows need no id. Two that are alike to the last byte are two if they stand on one page. On different pages they may as
well be one that came twice; they are two if the same ones come twice in two passes during which nothing else moved.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_sender.client.numbered import MOST_PASSES
from airflow_provider_sender.client.paging import (
    NOT_SETTLED,
    Listing,
    ListingDriftError,
    ListingReport,
    OnDrift,
    Page,
    Row,
)
from airflow_provider_sender.client.seen import SeenKeys

log = logging.getLogger(__name__)


@dataclass
class _Pass:
    """What one reading from front to end saw.

    :param at_first: rows the service counted when it began.
    :param rows: rows that came.
    :param different: how many of them are different from each other.
    :param fresh: how many of them no pass had brought before.
    :param again: those that came on an earlier page, too.
    """

    at_first: int
    rows: int = 0
    different: int = 0
    fresh: int = 0
    again: list[Row] = field(default_factory=list)
    has_fallen: bool = False
    has_moved: bool = False

    @property
    def may_have_twins(self) -> bool:
        """Whether rows that came twice are all that is odd about it."""
        return not self.has_moved and self.rows == self.at_first

    def shows_twins(self, before: _Pass | None) -> bool:
        """Tell whether the rows that came twice are twins: they were so in the pass before, and nothing moved."""
        if before is None or self.fresh or not (before.may_have_twins and self.may_have_twins):
            return False
        return before.at_first == self.at_first and _keys(before.again) == _keys(self.again)


class GrowingListing(Listing):
    """A listing in numbered pages that only grows, as a rule."""

    @abstractmethod
    def page(self, number: int) -> Page:
        """Fetch one page; one past the last is empty. A row's key is all that the row says."""

    def count(self) -> int:
        """Return how many rows the service counts now; one request."""
        return self.page(1).total

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches; see the module's text.

        :raises ValueError: when ``since`` is given: in a listing of any order there is no telling where that begins.
        """
        if since is not None:
            raise ValueError("since: this listing has no order in which a moment could be found.")
        before: _Pass | None = None
        has_ever_fallen = False
        for _ in range(MOST_PASSES):
            this = yield from self._pass(seen, report)
            has_ever_fallen |= this.has_fallen
            if this.shows_twins(before):
                report.rows += len(this.again)
                yield this.again
                report.is_in_order = True
                return
            if _is_complete(this, report, has_ever_fallen=has_ever_fallen):
                report.is_in_order = True
                return
            if before is not None or not this.may_have_twins:
                self._doubt(report, on_drift)
                if on_drift is OnDrift.WARN:
                    return
            before = this
        raise ListingDriftError(report, NOT_SETTLED)

    def _doubt(self, report: ListingReport, on_drift: OnDrift) -> None:
        """Say that rows may be missing, in the way that is asked for."""
        report.is_in_order = False
        if on_drift is OnDrift.FAIL:
            raise ListingDriftError(report, "Run it again, or let on_drift='repair' read the listing once more.")
        if on_drift is OnDrift.WARN:
            log.warning("Rows may be missing: %s", report.sentence())
        else:
            log.warning("The listing moved in a way that may have lost rows, reading it again: %s", report.sentence())

    def _pass(self, seen: SeenKeys, report: ListingReport) -> Generator[list[Row], None, _Pass]:
        """Read from front to end."""
        page = self.page(1)
        if not report.passes:
            report.total_at_start = page.total
        report.passes += 1
        this = _Pass(page.total)
        before = report.total_at_end = page.total
        in_this_pass = SeenKeys()
        while True:
            this.has_fallen |= page.total < before
            this.has_moved |= page.total != before
            before = page.total
            # What comes while this is read is nobody's loss, so the lowest figure is the one to answer for.
            report.total_at_end = min(report.total_at_end, page.total)
            rows = _told_apart(page)
            keys = [row.key for row in rows]
            is_first = in_this_pass.add_all(keys)
            this.rows += len(rows)
            this.different += sum(is_first)
            this.again += [row for row, first in zip(rows, is_first, strict=True) if not first]
            fresh = [row for row, is_new in zip(rows, seen.add_all(keys), strict=True) if is_new]
            this.fresh += len(fresh)
            report.rows += len(fresh)
            report.repeats += len(rows) - sum(is_first)
            yield fresh
            if not page.rows or page.number >= page.last:
                return this
            page = self.page(page.number + 1)


def _is_complete(this: _Pass, report: ListingReport, *, has_ever_fallen: bool) -> bool:
    """Tell whether nothing can have been lost: in this pass, or in all of them together where nothing ever went."""
    if not this.has_fallen and this.different >= this.at_first:
        return True
    return not has_ever_fallen and not this.has_moved and report.rows >= this.at_first


def _keys(rows: list[Row]) -> list[str]:
    return sorted(row.key for row in rows)


def _told_apart(page: Page) -> list[Row]:
    """Return a page's rows, each of those that are alike with a key of its own."""
    taken: set[str] = set()
    rows = []
    for row in page.rows:
        number, key = 1, row.key
        while key in taken:
            number += 1
            key = f"{row.key} ({number})"
        taken.add(key)
        rows.append(row if number == 1 else Row(key, row.created, row.raw))
    return rows
