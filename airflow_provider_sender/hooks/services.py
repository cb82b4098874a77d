"""Which hook, and so which service, a connection stands for: its type says so."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk import BaseHook

from airflow_provider_sender._compat import AirflowNotFoundException
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.service import Service

if TYPE_CHECKING:
    from airflow.sdk import Connection

# Connection type -> the module with its hook, and the hook's name.
_HOOKS = {
    "sender": ("airflow_provider_sender.hooks.sender", "SenderHook"),
    "sendpulse": ("airflow_provider_sender.hooks.sendpulse", "SendPulseHook"),
    "sendara": ("airflow_provider_sender.hooks.sendara", "SendaraHook"),
}


def service_for(conn_id: str, *, in_a_hurry: bool = False) -> Service:
    """Return the service a connection stands for.

    :param in_a_hurry: for who looks again anyway: calls are neither repeated nor held back for long.
    :raises ConfigurationError: when there is no such connection, it is of another type, or it cannot work.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigurationError(f"sender_conn_id: there is no connection {conn_id!r}.") from error
    return _service_of(connection, connection.extra_dejson, in_a_hurry=in_a_hurry)


async def service_for_trigger(conn_id: str, *, in_a_hurry: bool = True) -> Service:
    """Return the service a connection stands for, without blocking the event loop.

    :param in_a_hurry: calls are neither repeated nor held back for long: a trigger looks again at its next poll.
    """
    try:
        connection = await BaseHook.aget_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigurationError(f"sender_conn_id: there is no connection {conn_id!r}.") from error
    aextra = getattr(connection, "aextra_dejson", None)
    extra = await aextra() if aextra is not None else connection.extra_dejson
    # The first time, this imports an HTTP client, which takes longer than the event loop may be held up.
    await asyncio.to_thread(_hook_for, connection)
    return _service_of(connection, extra, in_a_hurry=in_a_hurry)


def _service_of(connection: Connection, extra: dict[str, Any], *, in_a_hurry: bool) -> Service:
    return _hook_for(connection).service_of(connection, extra, in_a_hurry=in_a_hurry)


def _hook_for(connection: Connection) -> type[_Hook]:
    if connection.conn_type not in _HOOKS:
        raise ConfigurationError(
            f"sender_conn_id: connection {connection.conn_id!r} is of type {connection.conn_type!r}. It must be one of "
            f"{', '.join(_HOOKS)}."
        )
    module, name = _HOOKS[connection.conn_type]
    hook: type[_Hook] = getattr(importlib.import_module(module), name)
    return hook


class _Hook(Protocol):
    @classmethod
    def service_of(cls, connection: Connection, extra: dict[str, Any], *, in_a_hurry: bool = False) -> Service:
        """Return the account a connection opens."""
