"""The hook for Sender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sender.client import BASE_URL, SenderClient, SenderEndpoints
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.connection_form import connection_form
from airflow_provider_sender.hooks.extras import extras_of_type

if TYPE_CHECKING:
    from airflow.sdk import Connection


@connection_form
class SenderHook(AccountHook[SenderClient, SenderService], SenderEndpoints):
    """Talks to a Sender account: every endpoint of its API as a typed method, retries and request budget included.

    .. seealso::
        - :ref:`howto/connection:sender`
        - `Sender API reference <https://api.sender.net/>`__

    :param sender_conn_id: connection of type ``sender``; its password is the API access token.
    """

    default_conn_name: ClassVar[str] = "sender_default"
    conn_type: ClassVar[str] = "sender"
    hook_name: ClassVar[str] = "Sender"
    base_url: ClassVar[str] = BASE_URL
    extras: ClassVar[frozenset[str]] = extras_of_type(conn_type)

    @classmethod
    def opened(
        cls, connection: Connection, extras: Mapping[str, Json], settings: Settings, budget: Budget
    ) -> SenderService:
        """Return the account, opened with the connection's API access token."""
        (token,) = cls.credentials_in(connection)
        return SenderService(SenderClient(token, settings, budget))
