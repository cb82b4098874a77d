"""The hook for SendPulse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sendpulse.client import BASE_URL, SendPulseClient, SendPulseEndpoints
from airflow_provider_sender.client.sendpulse.pace import budget_for
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.connection_form import connection_form
from airflow_provider_sender.hooks.extras import extras_of_type

if TYPE_CHECKING:
    from airflow.sdk import Connection


@connection_form
class SendPulseHook(AccountHook[SendPulseClient, SendPulseService], SendPulseEndpoints):
    """Talks to a SendPulse account: every endpoint of its API as a typed method, retries and request budget included.

    .. seealso::
        - :ref:`howto/connection:sendpulse`
        - `SendPulse API reference <https://sendpulse.com/integrations/api>`__

    :param sender_conn_id: connection of type ``sendpulse``; its login and password are client id and secret, or its
        password alone is a static API key.
    """

    default_conn_name: ClassVar[str] = "sendpulse_default"
    conn_type: ClassVar[str] = "sendpulse"
    hook_name: ClassVar[str] = "SendPulse"
    base_url: ClassVar[str] = BASE_URL
    extras: ClassVar[frozenset[str]] = extras_of_type(conn_type)

    @classmethod
    def credentials_in(cls, connection: Connection) -> tuple[str, str]:
        """Return client id and secret; an empty id and the key, where there is a key alone."""
        return (connection.login or "").strip(), (connection.password or "").strip()

    @classmethod
    def budget_of(cls, settings: Settings) -> Budget:
        """Return a request budget for an account, which goes by the published limits: no answer says any."""
        return budget_for(settings)

    @classmethod
    def opened(
        cls, connection: Connection, extras: Mapping[str, Json], settings: Settings, budget: Budget
    ) -> SendPulseService:
        """Return the account, opened with the connection's login and password."""
        client_id, secret = cls.credentials_in(connection)
        return SendPulseService(SendPulseClient(client_id, secret, settings, budget))
