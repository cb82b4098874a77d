"""From an Airflow connection to the settings of a client: the same for every service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.hooks.address import address_of

if TYPE_CHECKING:
    from airflow.sdk import Connection

_SETTINGS = {field.name for field in fields(Settings)} - {"base_url"}


def settings_of(connection: Connection, extras: Mapping[str, Json], default_url: str) -> Settings:
    """Return the settings a connection describes.

    :param extras: the connection's extras, checked.
    :param default_url: the service's own address, for a connection without a host.
    :raises ConfigurationError: naming the part of the connection that cannot work, and the remedy.
    """
    given = {name: value for name, value in extras.items() if name in _SETTINGS}
    return Settings(address_of(connection, default_url), **given).checked()
