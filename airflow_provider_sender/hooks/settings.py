"""From an Airflow connection to the settings of a client: the same for every service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Connection


class _Extras(msgspec.Struct):
    """The connection's extra fields that are known; others are left to whoever put them there."""

    timeout: float | None = None
    max_retries: int | None = None
    requests_per_minute: int | None = None
    reserve: int | None = None
    max_wait: float | None = None
    settle_time: float | None = None
    time_zone: str | None = None
    connections: int | None = None


# Extra -> the lowest value that makes sense.
_LOWEST = {
    "timeout": 0.1,
    "max_retries": 0,
    "requests_per_minute": 1,
    "reserve": 0,
    "max_wait": 0,
    "settle_time": 0,
    "connections": 1,
}


def settings_of(connection: Connection, extra: dict[str, Any], default_url: str) -> Settings:
    """Return the settings a connection describes.

    :param extra: the connection's extra, decoded.
    :param default_url: the service's own address, for a connection without a host.
    :raises ConfigurationError: naming the part of the connection that cannot work, and the remedy.
    """
    known = {name: value for name, value in extra.items() if name in _Extras.__struct_fields__ and value != ""}
    try:
        extras = msgspec.convert(known, _Extras, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"Connection {connection.conn_id!r}, extra: {error}.") from error
    given = {name: value for name, value in msgspec.structs.asdict(extras).items() if value is not None}
    for name, lowest in _LOWEST.items():
        if name in given and given[name] < lowest:
            raise ConfigurationError(f"Connection {connection.conn_id!r}, extra {name}: must be at least {lowest}.")
    return Settings(_base_url(connection, default_url), **given).checked()


def _base_url(connection: Connection, default_url: str) -> str:
    """Return the address: the host as it is, or, in the URI form, put together from host, port and schema."""
    host = (connection.host or "").strip()
    if not host:
        return default_url
    port = f":{connection.port}" if connection.port else ""
    path = "/" + quote(connection.schema.strip("/")) if connection.schema else ""
    return f"{host if '://' in host else f'https://{host}'}{port}{path}"
