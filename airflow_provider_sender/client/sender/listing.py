"""Sender's listings, page by page: the rows' own bytes untouched, and what tells them apart."""

from __future__ import annotations

import msgspec

from airflow_provider_sender.client.numbered import NumberedListing
from airflow_provider_sender.client.paging import Order, Page, Row
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.sender.client import PAGE_SIZE, SenderClient
from airflow_provider_sender.client.sender.envelopes import ListPage, Meta

# Seconds of this machine's time a page takes, amply. Two at once let the service work meanwhile; where it takes less
# time than that, more threads would only get in each other's way.
_WORK_A_PAGE = 0.006


class _Key(msgspec.Struct):
    """The two things a listing needs to know of a row."""

    id: str
    created: str | None = None


class RawPage(msgspec.Struct):
    """A page whose rows stay as they came."""

    data: list[msgspec.Raw]
    meta: Meta


_read_keys = msgspec.json.Decoder(ListPage[_Key], strict=False)
_read_raw = msgspec.json.Decoder(RawPage, strict=False)


class SenderListing(NumberedListing):
    """A paginated collection.

    :param path: its path, ``{}`` for identifiers.
    :param limit: rows a page.
    """

    def __init__(self, client: SenderClient, path: str, *identifiers: str, limit: int = PAGE_SIZE) -> None:
        self._client = client
        self._path = path
        self._identifiers = identifiers
        self.page_size = limit

    def side_by_side(self, pages: int, seconds: float) -> int:
        """Return how many stretches of the listing are to be read at the same time."""
        if self._identifiers:
            return 1  # people join a group in the middle of its listing, and only a single walk can tell
        transport = self._client.transport
        worthwhile = min(transport.settings.connections, 2 + int(seconds / _WORK_A_PAGE))
        return transport.budget.at_once(pages, seconds, worthwhile)

    def page(self, number: int, order: Order, *, ascending: bool) -> Page:
        """Fetch one page; one past the last is empty. Called from several threads."""
        direction = "asc" if ascending else "desc"
        request = read(
            self._path, *self._identifiers, page=number, limit=self.page_size, order=order.value, direction=direction
        )
        return self._client.transport.fetch(request, lambda body: _page(number, body))


def _page(number: int, body: bytes) -> Page:
    """Read a page twice: once for what tells rows apart, once to hand on the rows' own bytes untouched."""
    raw, keys = raw_page(number, body), _read_keys.decode(body)
    rows = [Row(key.id, key.created, data) for key, data in zip(keys.data, raw.data, strict=True)]
    return Page(rows=rows, number=number, last=keys.meta.last_page, total=keys.meta.total)


def raw_page(number: int, body: bytes) -> RawPage:
    """Return a page whose rows stay as they came.

    :raises msgspec.ValidationError: when it is another page than was asked for.
    """
    raw = _read_raw.decode(body)
    if raw.meta.current_page != number:
        # Going on would read the same page for ever, or hand out its rows for another's.
        raise msgspec.ValidationError(f"page {raw.meta.current_page} came instead of page {number}")
    return raw
