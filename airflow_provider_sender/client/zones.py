"""The time zone an account keeps its times in."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.settings import Settings


def zone_named(name: str | None) -> ZoneInfo | None:
    """Return the time zone of an IANA name; None where there is none, or none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def zone_given(settings: Settings) -> ZoneInfo | None:
    """Return the time zone a connection names; None where it names none.

    :raises ConfigurationError: when what it names is no time zone.
    """
    name, zone = settings.time_zone, zone_named(settings.time_zone)
    if name is not None and zone is None:
        raise ConfigurationError(
            f"The connection's extra time_zone ({name!r}) is no IANA time zone. Write it as Europe/Vilnius."
        )
    return zone
