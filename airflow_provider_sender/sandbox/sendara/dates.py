"""RFC 3339, the only way Sendara writes times."""

from __future__ import annotations

from datetime import UTC, datetime


def written(moment: float) -> str:
    """``2026-06-14T10:00:00Z``."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_if(moment: float | None) -> str | None:
    """The same, where there may be no time."""
    return None if moment is None else written(moment)


def read(text: str) -> float | None:
    """Seconds since the epoch; ``None`` for what is no RFC 3339 time, which always names its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None or len(text) < len("2026-06-14T10:00:00Z") else moment.timestamp()
