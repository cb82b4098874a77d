"""What Sender wraps its answers in: a single object, a page of a listing, the answer to a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from airflow_provider_sender.client.values import Json

T = TypeVar("T")


class Data(msgspec.Struct, Generic[T]):
    """``{"data": ...}``, the envelope of a single object."""

    data: T


class Done(msgspec.Struct):
    """The answer to a change. ``message`` may be a text, an empty list or an object of lists."""

    success: bool | None = None
    message: Json = None
    data: Json = None


class Meta(msgspec.Struct):
    """Where in a listing a page stands."""

    current_page: int
    last_page: int
    total: int
    per_page: int | None = None


class ListPage(msgspec.Struct, Generic[T]):
    """One page of a listing. Its ``links`` point at other hosts and are not read at all."""

    data: list[T]
    meta: Meta


def every(list_page: Callable[[int], ListPage[T]]) -> list[T]:
    """Return all rows of a small collection that hardly ever moves."""
    first = list_page(1)
    rows = list(first.data)
    for number in range(2, first.meta.last_page + 1):
        rows += list_page(number).data
    return rows
