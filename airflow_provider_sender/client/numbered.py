"""Reading a listing in numbered pages to its end while it moves.

Rows move between pages. In ascending order of creation a deletion moves the rows behind it towards the front, and new
rows come at the end. So the pages are walked **backwards**: what a deletion moves, it moves to a page that is still to
be read, which gives a repeat and never a loss; and what is new lies behind the walk, where a short look at the end
finds it. Repeats are dropped by key.

Several **stretches** of pages can be walked so at the same time. What slides off the lower end of one slides onto pages
the one below has read already: so each goes on downwards, past its lower end, until it meets a page that begins with a
row the one below has had.

That holds as long as the service keeps the order it was asked for. Whether it did is watched on every page, and the
number of distinct rows is held against the service's own total at the end; where either is off, the account is read
again in other orders until nothing moved during a whole pass and it brought every row the service counts.
"""

from __future__ import annotations

import contextlib
import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.order import Balance, Watch, moment_of
from airflow_provider_sender.client.paging import (
    NOT_SETTLED,
    Listing,
    ListingDriftError,
    ListingReport,
    OnDrift,
    Order,
    Page,
    Row,
    Stretch,
    is_left_so,
)
from airflow_provider_sender.client.seen import SeenKeys

log = logging.getLogger(__name__)

# Where rows come in no reliable order at all, each pass finds most of what the ones before it missed.
MOST_PASSES = 6

# Passes by id in a row, in opposite directions, that bring nothing: then there is nothing to bring.
_ENOUGH_IN_VAIN = 2

# How often the end of a listing is looked at for newcomers while they come and go faster than they are read.
_MOST_LOOKS = 3

# Fewer pages a stretch would not be worth the request that finds where two of them meet.
_SHORTEST_STRETCH = 4

# Asks for a page, at once or when its answer is wanted; what it returns waits for the answer.
Ask = Callable[[int], Callable[[], Page]]


class NumberedListing(Listing):
    """A listing in numbered pages that can be sorted."""

    @abstractmethod
    def page(self, number: int, order: Order, *, ascending: bool) -> Page:
        """Fetch one page; one past the last is empty. Called from several threads."""

    def side_by_side(self, pages: int, seconds: float) -> int:
        """Return how many stretches of the listing are to be read at the same time.

        :param pages: pages there are to read.
        :param seconds: how long one took.
        """
        return 1

    def count(self) -> int:
        """Return how many rows the service counts now; one request."""
        return self.page(1, Order.CREATED, ascending=True).total

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Yield every row once, in batches; see the module's text."""
        if since is not None:
            yield from self._created_since(since, seen, report, on_drift)
            return
        if report.passes <= 1:
            began = time.monotonic()
            first = self.page(1, Order.CREATED, ascending=True)
            yield from self._backwards(first, time.monotonic() - began, seen, report)
        if not is_left_so(report, on_drift):
            yield from self._repair(seen, report)

    def _backwards(self, first: Page, seconds: float, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read from the end to the front, then what has come since."""
        is_new = report.passes == 0
        if is_new:
            report.passes, report.total_at_start = 1, first.total
        if is_new and first.last <= 1:
            report.total_at_end = first.total
            yield _fresh(first, seen, report)
            return
        if is_new:
            report.stretches = _cut(first.last, self.side_by_side(first.last, seconds))
        for stretch in report.stretches:
            stretch.next_page = min(stretch.next_page, first.last)  # beyond, by now there is nobody
        # Rows slide from one stretch to another, so deletions among those read can only be told where there is one.
        balance = Balance(len(first.rows)) if is_new and len(report.stretches) == 1 else None
        last = first.last
        for page, rows in self._stretches(seen, report):
            last = page.last
            if balance is not None:
                report.gone += balance.departures(page, len(page.rows) - len(rows))
            yield rows
        for _ in range(_MOST_LOOKS):
            yield from self._newcomers(last, seen, report)
            if not report.missing:
                break

    def _created_since(
        self, since: datetime, seen: SeenKeys, report: ListingReport, on_drift: OnDrift
    ) -> Iterator[list[Row]]:
        """Read from the end down to the first row that is older, then what has come since."""
        report.since = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        first = self.page(1, Order.CREATED, ascending=True)
        if not report.passes:
            report.passes, report.total_at_start = 1, first.total
            report.stretches = [Stretch(lowest=1, highest=first.last, next_page=first.last)]
        walk = _Walk(report.stretches[0], None, seen, report)
        while not walk.stretch.is_done:
            page = self.page(min(walk.stretch.next_page, first.last), Order.CREATED, ascending=True)
            rows = walk.take(page)
            wanted = [row for row in rows if moment_of(row) >= report.since]
            report.rows -= len(rows) - len(wanted)
            walk.stretch.is_done |= bool(page.rows) and moment_of(page.rows[0]) < report.since
            yield wanted
        yield from self._newcomers(first.last, seen, report)
        if report.is_in_order:
            return
        if on_drift is not OnDrift.WARN:
            raise ListingDriftError(report, "Who is new can only be told in that order: read all of it instead.")
        log.warning("Rows may be missing: %s", report.sentence())

    def _stretches(self, seen: SeenKeys, report: ListingReport) -> Iterator[tuple[Page, list[Row]]]:
        """Read all stretches, in turn, and yield each page with those of its rows that are new."""
        walks = [
            _Walk(stretch, below, seen, report)
            for below, stretch in zip([None, *report.stretches], report.stretches, strict=False)
            if not stretch.is_done
        ]
        walks.reverse()
        with self._asking(len(walks)) as ask:
            under_way = [(walk, ask(walk.stretch.next_page)) for walk in walks]
            while under_way:
                walk, answer = under_way.pop(0)
                page = answer()
                rows = walk.take(page)
                if not walk.stretch.is_done:
                    under_way.append((walk, ask(walk.stretch.next_page)))
                yield page, rows

    @contextlib.contextmanager
    def _asking(self, at_once: int) -> Iterator[Ask]:
        """Return how pages are asked for: by a thread a stretch, or, where there is one only, when they are wanted."""
        if at_once <= 1:
            yield lambda number: partial(self.page, number, Order.CREATED, ascending=True)
            return
        threads = ThreadPoolExecutor(at_once, thread_name_prefix="pages")
        try:
            yield lambda number: threads.submit(self.page, number, Order.CREATED, ascending=True).result
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _newcomers(self, last: int, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read from the end down to the first page that begins with a row already seen."""
        page = self.page(last, Order.CREATED, ascending=True)
        while page.rows and page.last > page.number:
            page = self.page(page.last, Order.CREATED, ascending=True)
        report.total_at_end = page.total
        while True:
            # Who comes while this is read is nobody's loss, so the lowest figure is the one to answer for.
            report.total_at_end = min(report.total_at_end, page.total)
            is_reached = bool(page.rows) and (page.rows[0].key in seen or moment_of(page.rows[0]) < report.since)
            yield _fresh(page, seen, report)
            if is_reached or page.number <= 1:
                return
            page = self.page(page.number - 1, Order.CREATED, ascending=True)

    def _repair(self, seen: SeenKeys, report: ListingReport) -> Iterator[list[Row]]:
        """Read again until nothing speaks for a loss any more.

        That is so when a whole pass found nothing moving and every row; and, on an account that never stands still,
        when two passes by id, one each way, brought nobody who was there at the beginning.
        """
        log.warning("The listing moved in a way that may have lost rows, reading it again: %s", report.sentence())
        order = Order.KEY  # no two rows share it, so nothing can be lost among rows created at the same moment
        is_ascending = True
        passes_in_vain = 0
        report.passes = 1  # those of an earlier process count for nothing: it may have been killed in the middle of one
        while report.passes < MOST_PASSES and not (passes_in_vain == _ENOUGH_IN_VAIN and report.missing):
            before = report.rows
            try:
                found, is_complete = yield from self._forwards(order, is_ascending, seen, report)
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
            raise ListingDriftError(report, NOT_SETTLED)

    def _forwards(
        self, order: Order, is_ascending: bool, seen: SeenKeys, report: ListingReport
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
            fresh = _fresh(page, seen, report)
            found += sum(moment_of(row) <= report.newest for row in fresh)
            yield fresh
            if not page.rows or page.number >= page.last:
                return found, len(in_this_pass) == report.total_at_end == highest
            page = self.page(page.number + 1, order, ascending=is_ascending)


def _cut(pages: int, stretches: int) -> list[Stretch]:
    """Cut the pages into stretches of the same length, or nearly, lowest first."""
    count = max(1, min(stretches, pages // _SHORTEST_STRETCH))
    ends = [pages * number // count for number in range(count + 1)]
    return [Stretch(lowest=low + 1, highest=high, next_page=high) for low, high in pairwise(ends)]


def _fresh(page: Page, seen: SeenKeys, report: ListingReport) -> list[Row]:
    fresh = [row for row in page.rows if moment_of(row) >= report.since and seen.add(row.key)]
    report.rows += len(fresh)
    return fresh


class _Walk:
    """The walk down one stretch.

    :param below: the stretch below it, if there is one.
    """

    def __init__(self, stretch: Stretch, below: Stretch | None, seen: SeenKeys, report: ListingReport) -> None:
        self.stretch = stretch
        self._below = below
        self._seen = seen
        self._report = report
        self._watch = Watch()

    def take(self, page: Page) -> list[Row]:
        """Take the page that was to be read next; return those of its rows that are new."""
        stretch, report = self.stretch, self._report
        is_new = [self._seen.add(row.key) for row in page.rows]
        rows = [row for row, new in zip(page.rows, is_new, strict=True) if new]
        report.rows += len(rows)
        if page.rows:
            moments = [moment_of(row) for row in page.rows]
            is_own = page.number >= stretch.lowest
            if is_own:
                report.repeats += len(page.rows) - len(rows)
            report.newest = max(report.newest, *moments)
            if not self._watch.is_in_order(page, moments, is_new, is_own=is_own):
                report.is_in_order = False
            if not stretch.first_keys:
                stretch.first_keys = [row.key for row in page.rows]
                stretch.first_created = min(moments)
        stretch.next_page = page.number - 1
        stretch.is_done = stretch.next_page < 1 or self._has_met(page)
        return rows

    def _has_met(self, page: Page) -> bool:
        """Tell whether everything further down is for the stretch below."""
        below = self._below
        if below is None or not page.rows or page.number > self.stretch.lowest:
            return False
        first = page.rows[0]
        return first.key in below.first_keys or "" < moment_of(first) < below.first_created
