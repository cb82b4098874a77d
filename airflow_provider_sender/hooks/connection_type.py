"""Whether a connection is of the type it is used as: else its password would go to a service it is not for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_sender.client.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

# Connection type -> the module with its hook, and the hook's name.
HOOKS = {
    "sender": ("airflow_provider_sender.hooks.sender", "SenderHook"),
    "sendpulse": ("airflow_provider_sender.hooks.sendpulse", "SendPulseHook"),
    "sendara": ("airflow_provider_sender.hooks.sendara", "SendaraHook"),
}


def check_type(connection: Connection, hook_name: str, conn_type: str) -> None:
    """Check that a connection is of the type a hook is for.

    :raises ConfigurationError: naming both types, and the hook to use instead where there is one.
    """
    if connection.conn_type == conn_type:
        return
    right = HOOKS.get(connection.conn_type or "")
    remedy = f"Use {right[1]}, or name" if right else "Name"
    raise ConfigurationError(
        f"sender_conn_id: connection {connection.conn_id!r} {type_in_words(connection)}, and {hook_name} opens "
        f"connections of type {conn_type!r} only. {remedy} another connection. Nothing was sent."
    )


def type_in_words(connection: Connection) -> str:
    """Return what type a connection is of, as a sentence goes on; one may have none at all."""
    if connection.conn_type:
        return f"is of type {connection.conn_type!r}"
    return "has no type (in a URI it stands first: sender://...; in JSON it is conn_type)"
