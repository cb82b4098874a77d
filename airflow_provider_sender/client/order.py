"""What the order rows come in tells: whether the service keeps it, and what was deleted meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import dropwhile

from airflow_provider_sender.client.paging import Page, Row

_TO_THE_SECOND = 19


def moment_of(row: Row) -> str:
    """Return when a row was created, in one form for both in use; empty when the service does not say."""
    # "2026-01-02 03:04:05" and "2026-01-02T03:04:05.000000Z" must compare.
    return (row.created or "")[:_TO_THE_SECOND].replace("T", " ")


class Watch:
    """Watches the pages of a stretch, walked backwards, for what no deletion explains."""

    def __init__(self) -> None:
        self._newest = ""
        self._above = ""

    def is_in_order(self, page: Page, moments: Sequence[str], is_new: Sequence[bool], *, is_own: bool) -> bool:
        """Tell whether a page's rows come in order of creation, and its repeats only where deletions explain them.

        A deletion moves rows from the page read before to the end of this one: repeats at the end are explained, a new
        row after a repeat is not, unless it is a newcomer. Where the pages of the stretch below begin, rows that one
        has read come first. (When more is deleted between two requests than a page holds, rows from above a stretch
        may slide into it. That looks like disorder, and costs another reading.)

        :param moments: when its rows were created.
        :param is_new: which of its rows have not been seen before.
        :param is_own: whether the page is one of the stretch's own.
        """
        self._newest = self._newest or max(moments)
        known = [moment for moment in moments if moment]
        if is_new[-1] and self._above:
            known.append(self._above)
        self._above = moments[0]
        if not known or known != sorted(known):
            return False
        if all(is_new):
            return True
        after_repeats: Iterable[tuple[bool, str]] = zip(is_new, moments, strict=True)
        if not is_own:
            after_repeats = dropwhile(lambda each: not each[0], after_repeats)
        late = [moment for new, moment in dropwhile(lambda each: each[0], after_repeats) if new]
        is_at_end = page.number >= page.last - 1
        return not late or (is_at_end and min(late) >= self._newest)


class Balance:
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
