"""How a service is reached: the address, and the extras of the connection.

An address is checked before anything is sent to it, because a token travels with every request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from airflow_provider_sender.client.errors import ConfigurationError

# Scheme -> the port that need not be said.
_USUAL_PORTS = {"https": 443, "http": 80}

# Blanks, line breaks and backslashes are read differently by whoever reads an address.
_READABLE = re.compile(r"[^\s\\\x00-\x1f\x7f]+")

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach a service; the extras of the connection.

    :param base_url: ``https`` address the paths are appended to; plain ``http`` only for a loopback host.
    :param timeout: seconds to wait for an answer (and at most 10 of them for the connection).
    :param max_retries: how often a call that may succeed later is made again.
    :param requests_per_minute: a cap below the account's own, or None.
    :param reserve: requests of every window that are left to others.
    :param max_wait: the longest single wait in seconds; beyond it :class:`RateLimitError` is raised.
    :param settle_time: seconds a service may need until what was done shows in what is read.
    :param connections: how many requests may be under way at once while a listing is read.
    :param time_zone: IANA name of the account's time zone, or None when nobody said; then nothing can be scheduled.
    """

    base_url: str
    timeout: float = 30.0
    max_retries: int = 8
    requests_per_minute: int | None = None
    reserve: int = 0
    max_wait: float = 120.0
    settle_time: float = 30.0
    time_zone: str | None = None
    connections: int = 8

    def checked(self) -> Settings:
        """Return these settings with a clean ``base_url``: one form for one address, as a budget goes by it.

        :raises ConfigurationError: when a token would travel in clear, or the address is none.
        """
        url = self.base_url.strip().rstrip("/")
        parts, port = _taken_apart(url)
        if "@" in parts.netloc or "?" in url or "#" in url:
            raise ConfigurationError("The connection's host must be a bare address, without user, query or fragment.")
        if parts.scheme not in _USUAL_PORTS or not parts.hostname or not _READABLE.fullmatch(url) or port == 0:
            raise ConfigurationError(
                "The connection's host is not an address. Write it as https://host/path, or leave it empty for the "
                "service's own."
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ConfigurationError(
                f"The connection's host ({parts.hostname}) is plain http, so the token would travel in clear. "
                "Use https; http is accepted for a loopback address only."
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        with_port = "" if port in (None, _USUAL_PORTS[parts.scheme]) else f":{port}"
        return replace(self, base_url=f"{parts.scheme}://{host}{with_port}{parts.path}")


def _taken_apart(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port  # looked at only when it is asked for
    except ValueError:
        return urlsplit(""), None
