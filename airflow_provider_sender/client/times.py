"""Times as services write them, made into times in UTC.

Every service has its own notation, some without a zone. Behind the client there is UTC only, and a time that cannot be
read is None: it must not end an export of a million people.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)


def moment(text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC from any ISO-8601 form; None when it is not one.

    :param zone: where a time without a zone is meant.
    """
    if not text:
        return None
    try:
        return in_utc(datetime.fromisoformat(text), zone)
    except ValueError:
        return None


def in_utc(time: datetime, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC; None when it is out of the calendar there.

    :param zone: where a time without a zone is meant.
    """
    if time.tzinfo is UTC:
        return time
    if time.tzinfo is None and zone is UTC:
        return _EPOCH + (time - _EPOCH_WITHOUT_ZONE)  # several times as fast as replace()
    try:
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None
