"""Which hook, and so which service, a connection stands for: its type says so."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from airflow_provider_sender._compat import AirflowNotFoundException
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.hooks.connection_type import HOOKS, type_in_words

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_sender.hooks.sendara import SendaraHook
    from airflow_provider_sender.hooks.sender import SenderHook
    from airflow_provider_sender.hooks.sendpulse import SendPulseHook


def service_for(conn_id: str, *, in_a_hurry: bool = False) -> Service:
    """Return the service a connection stands for.

    :param in_a_hurry: for who looks again anyway: calls are neither repeated nor held back for long.
    :raises ConfigurationError: when there is no such connection, it is of another type, or it cannot work.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise _not_there(conn_id) from error
    return _hook_for(connection).service_of(connection, connection.extra_dejson, in_a_hurry=in_a_hurry)


async def aservice_for(conn_id: str, *, in_a_hurry: bool = False) -> Service:
    """Return the service a connection stands for, without blocking the event loop.

    :param in_a_hurry: for who looks again anyway: calls are neither repeated nor held back for long.
    :raises ConfigurationError: when there is no such connection, it is of another type, or it cannot work.
    """
    try:
        connection = await BaseHook.aget_connection(conn_id)
    except AirflowNotFoundException as error:
        raise _not_there(conn_id) from error
    aextra = getattr(connection, "aextra_dejson", None)
    extra = await aextra() if aextra is not None else connection.extra_dejson
    # The first time, this imports an HTTP client, which takes longer than the event loop may be held up.
    hook = await asyncio.to_thread(_hook_for, connection)
    return hook.service_of(connection, extra, in_a_hurry=in_a_hurry)


async def service_for_trigger(conn_id: str) -> Service:
    """Return the service a connection stands for as a trigger needs it: in a hurry, as it looks again at its next poll.

    :raises ConfigurationError: when there is no such connection, it is of another type, or it cannot work.
    """
    return await aservice_for(conn_id, in_a_hurry=True)


def _not_there(conn_id: str) -> ConfigurationError:
    return ConfigurationError(f"sender_conn_id: there is no connection {conn_id!r}.")


def _hook_for(connection: Connection) -> type[SenderHook | SendPulseHook | SendaraHook]:
    if connection.conn_type not in HOOKS:
        raise ConfigurationError(
            f"sender_conn_id: connection {connection.conn_id!r} {type_in_words(connection)}. It must be of type "
            f"{', '.join(HOOKS)}. Nothing was sent."
        )
    module, name = HOOKS[connection.conn_type]
    hook: type[SenderHook | SendPulseHook | SendaraHook] = getattr(importlib.import_module(module), name)
    return hook
