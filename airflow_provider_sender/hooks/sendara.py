"""The hook for Sendara."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendara.client import BASE_URL, RATE_WINDOW, SendaraClient, SendaraEndpoints
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendara.writing import ImportForm
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.hooks.account import AccountHook, cap_of
from airflow_provider_sender.hooks.connection_form import connection_form
from airflow_provider_sender.hooks.extras import extras_of_type

if TYPE_CHECKING:
    from airflow.sdk import Connection


@connection_form
class SendaraHook(AccountHook[SendaraClient, SendaraService], SendaraEndpoints):
    """Talks to a Sendara account: every endpoint of its API as a typed method, retries and request budget included.

    .. seealso::
        - :ref:`howto/connection:sendara`
        - `Sendara API reference <https://sendara.dev/docs/api-reference/>`__

    :param sender_conn_id: connection of type ``sendara``; its password is the API key.
    """

    default_conn_name: ClassVar[str] = "sendara_default"
    conn_type: ClassVar[str] = "sendara"
    hook_name: ClassVar[str] = "Sendara"
    base_url: ClassVar[str] = BASE_URL
    extras: ClassVar[frozenset[str]] = extras_of_type(conn_type)

    @classmethod
    def budget_of(cls, settings: Settings) -> SlidingBudget:
        """Return a request budget for an account: its requests are counted over the last second."""
        return SlidingBudget(
            window=RATE_WINDOW, paces=cap_of(settings), reserve=settings.reserve, max_wait=settings.max_wait
        )

    @classmethod
    def opened(
        cls, connection: Connection, extras: Mapping[str, Json], settings: Settings, budget: Budget
    ) -> SendaraService:
        """Return the account, opened with the connection's API key.

        :raises ConfigurationError: also when there is no such ``import_form``.
        """
        form = extras.get("import_form", ImportForm.CONTACTS)
        if form not in list(ImportForm):
            raise ConfigurationError(
                f"Connection {connection.conn_id!r}, extra import_form: must be one of {', '.join(ImportForm)}."
            )
        (key,) = cls.credentials_in(connection)
        return SendaraService(SendaraClient(key, settings, budget), ImportForm(form))
