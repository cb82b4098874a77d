"""The two ways Sender writes dates."""

from __future__ import annotations

from datetime import UTC, datetime


def plain(moment: float | None) -> str | None:
    """``2025-06-05 12:55:13``, which is UTC though nothing says so."""
    return None if moment is None else datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: float) -> str:
    """``2025-06-05T12:55:13.000000Z``."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
