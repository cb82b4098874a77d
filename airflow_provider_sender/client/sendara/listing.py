"""Sendara's collections, read to their end.

Contacts, lists and broadcasts come by ``limit`` and ``offset``, the newest first, without a word on how many there are
or how many a page may hold at the most. Of a list's members no document says that they come in pages at all. So how
many rows a page brings is found out, and whether ``offset`` means anything is, too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from airflow_provider_sender.client.offsets import OffsetListing, OffsetPage
from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.client.sendara.dialect import Scope, ScopedRequest
from airflow_provider_sender.client.transport import Transport

log = logging.getLogger(__name__)

PAGE_SIZE = 100

# A listing that ends after so many rows, or a multiple of that, was probably cut off there.
ROUND_NUMBER = 50

# Pages overlap by a row, so with fewer rows than two a page would bring nothing.
_SMALLEST_PAGE = 2


class _Key(msgspec.Struct):
    """The two things a listing needs to know of a row."""

    id: str
    created_at: str | None = None


_read_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_read_rows = msgspec.json.Decoder(list[msgspec.Raw] | None)
_read_keys = msgspec.json.Decoder(list[_Key] | None, strict=False)


class SendaraListing(OffsetListing):
    """A collection.

    :param transport: the account.
    :param path: its path, ``{}`` for identifiers.
    :param name: what the rows are under in the answer.

    ``may_be_cut_off`` is whether it comes at once, and in such a number that there may be rows nobody gets to see.
    """

    service = "Sendara"
    tells_created = True

    def __init__(self, transport: Transport, path: str, *identifiers: str, name: str) -> None:
        self._transport = transport
        self._path = path
        self._identifiers = identifiers
        self._name = name
        self._first_key: str | None = None
        self._size_is_known = False
        self._is_whole = False
        self.may_be_cut_off = False

    def rows_from(self, offset: int, *, ascending: bool) -> OffsetPage:
        """Fetch the rows from an offset on; there is one order only, the newest first."""
        if self._size_is_known:
            return OffsetPage(self._rows(offset))
        first = self._rows(0)
        if 0 < len(first) < self.page_size and self._rows(len(first)):
            # These were not all there are, so the service hands out no more at a time. (Or somebody came meanwhile.)
            self.page_size = max(_SMALLEST_PAGE, len(first))
        self._size_is_known = True
        return OffsetPage(self._rows(offset) if offset else first)

    def count(self) -> int:
        """Return how many rows there are, which the service does not tell: found by looking where they end.

        It takes two requests for every doubling of the number of pages. (Galloping search, Bentley and Yao 1976.)
        """
        reached = len(self.rows_from(0, ascending=True).rows)
        if self._is_whole or reached < self.page_size:
            return reached
        beyond = 2 * reached
        while rows := len(self._rows(beyond)):
            reached = beyond + rows
            if rows < self.page_size:
                return reached
            beyond = 2 * reached
        while beyond > reached:
            middle = reached + (beyond - reached) // 2 // self.page_size * self.page_size
            rows = len(self._rows(middle))
            if 0 < rows < self.page_size:
                return middle + rows
            if rows:
                reached = middle + rows
            else:
                beyond = middle
        return reached

    def _rows(self, offset: int) -> Sequence[Row]:
        rows = self._fetched(offset)
        if not offset:
            self._first_key = rows[0].key if rows else None
        elif rows and rows[0].key == self._first_key and not self._is_whole:
            # As many rows may have come in front as lie before the offset. Or the offset is not looked at.
            self._is_whole = [row.key for row in self._fetched(0)] == [row.key for row in rows]
            self.may_be_cut_off = self._is_whole and len(rows) % ROUND_NUMBER == 0
            if self.may_be_cut_off:
                log.warning(
                    "Sendara returns %d rows of %s whatever they are asked from. There may be more, which it does not "
                    "hand out.",
                    len(rows),
                    self._path,
                )
        return rows[offset:] if self._is_whole else rows

    def _fetched(self, offset: int) -> Sequence[Row]:
        query = {"limit": PAGE_SIZE, "offset": offset}
        request = ScopedRequest("GET", self._path, self._identifiers, query=query, scope=Scope.READ)
        return self._transport.fetch(request, self._decoded)

    def _decoded(self, body: bytes) -> Sequence[Row]:
        """Read a page twice: once for what tells rows apart, once to hand on the rows' own bytes untouched."""
        envelope = _read_envelope.decode(body)
        if self._name not in envelope:
            raise msgspec.ValidationError(f"it holds no {self._name}")
        raw, keys = _read_rows.decode(envelope[self._name]), _read_keys.decode(envelope[self._name])
        return [Row(key.id, key.created_at, data) for key, data in zip(keys or (), raw or (), strict=True)]
