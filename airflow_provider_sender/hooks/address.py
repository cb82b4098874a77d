"""The address a connection's host, port and schema make together.

Airflow fills them in differently from where the connection is kept: the form has a whole address in the host, a URI has
the path in the schema, and people who know Airflow's HTTP connection write ``https`` there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow_provider_sender.client.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

_SCHEMES = ("https", "http")
_PORT = re.compile(r":(\d+)$", re.ASCII)
_HIGHEST_PORT = 65_535


def address_of(connection: Connection, default_url: str) -> str:
    """Return the address that a connection's host, port and schema make.

    :param default_url: the service's own address, for a connection without a host.
    :raises ConfigurationError: when one part contradicts another; what is wrong in the host itself is not looked at.
    """
    host = (connection.host or "").strip()
    scheme, path = _scheme_and_path(connection)
    if not host:
        _refuse_parts_without_host(connection, scheme, path)
        return default_url
    authority, host_path, host_scheme = _taken_apart(host)
    if "@" in authority or "?" in host or "#" in host:
        return host if host_scheme else f"https://{host}"  # to be refused for that, whatever else there is
    if scheme and host_scheme and scheme != host_scheme.lower():
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, schema: says {scheme}, and the host {host_scheme.lower()}. "
            "Leave the schema empty."
        )
    if path and host_path:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, schema: the host has a path already. Write the whole path there, and "
            "leave the schema empty."
        )
    path = host_path or quote(path) or _own_path(authority, default_url)
    return f"{host_scheme or scheme or 'https'}://{_with_port(connection, authority)}{f'/{path}' if path else ''}"


def _scheme_and_path(connection: Connection) -> tuple[str, str]:
    """Return what the schema says: a scheme, as an HTTP connection's does, or a path, as a URI has it."""
    schema = (connection.schema or "").strip().strip("/")
    return (schema.lower(), "") if schema.lower() in _SCHEMES else ("", schema)


def _refuse_parts_without_host(connection: Connection, scheme: str, path: str) -> None:
    for part, is_there in (("port", bool(connection.port)), ("schema", bool(path) or scheme == "http")):
        if is_there:
            raise ConfigurationError(
                f"Connection {connection.conn_id!r}, {part}: there is no host it could belong to. Leave it empty, or "
                "give the host."
            )


def _taken_apart(host: str) -> tuple[str, str, str]:
    """Return a host's authority, path and scheme; of those that are not there, nothing."""
    scheme, separator, rest = host.rpartition("://")
    if not separator:
        rest = host
    authority, _, path = rest.partition("/")
    with suppress(ValueError):
        authority = f"[{IPv6Address(authority)}]"  # a URI's host has lost its brackets
    return authority, path.strip("/"), scheme


def _own_path(authority: str, default_url: str) -> str:
    """Return the path of the service's own address where that is meant, and none where it is another."""
    own = urlsplit(default_url)
    return own.path.strip("/") if _PORT.sub("", authority).lower() == own.hostname else ""


def _with_port(connection: Connection, authority: str) -> str:
    port = connection.port
    if not port:  # Airflow's form sends 0 for none
        return authority
    if not 0 < port <= _HIGHEST_PORT:
        raise ConfigurationError(f"Connection {connection.conn_id!r}, port: must be from 1 to 65535, or empty.")
    there = _PORT.search(authority)
    if there is None:
        return f"{authority}:{port}"
    if int(there[1]) != port:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, port: the host has another port already. Leave one of them out."
        )
    return authority
