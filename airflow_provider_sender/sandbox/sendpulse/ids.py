"""SendPulse's ids: whole numbers, far enough apart that an id of one kind is never one of another."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.ids import public_id

_LISTS, _CAMPAIGNS, _SEGMENTS = 500_000, 12_000_000, 7_000


def list_id(number: int) -> int:
    """A mailing list's id."""
    return _LISTS + number


def list_number(id: str) -> int | None:
    """The group behind a mailing list's id."""
    return _number(id, _LISTS)


def campaign_id(number: int) -> int:
    """A campaign's id."""
    return _CAMPAIGNS + number


def campaign_number(id: str) -> int | None:
    """The campaign behind an id."""
    return _number(id, _CAMPAIGNS)


def segment_id(number: int) -> int:
    """A segment's id."""
    return _SEGMENTS + number


def segment_key(id: int) -> str:
    """How the account itself calls the segment behind an id."""
    return public_id("segment", id - _SEGMENTS)


def document_key(kind: str, id: str) -> str:
    """How the account itself calls a resource that it keeps as a document; its id is its number."""
    return public_id(kind, _number(id, 0) or 0)


def _number(id: str, first: int) -> int | None:
    return int(id) - first if id.isascii() and id.isdigit() else None
