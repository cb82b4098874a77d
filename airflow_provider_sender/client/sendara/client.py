"""Sendara's API (https://sendara.dev/docs/api-reference): every endpoint as a typed method of a few lines.

They stand in three modules: contacts and lists, what is sent, and the account itself. :class:`SendaraEndpoints` only
needs something that can make a call, so the client and the Airflow hook share it.
"""

from __future__ import annotations

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.client import Client, fits_a_header
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendara.account import SendaraAccount
from airflow_provider_sender.client.sendara.contacts import SendaraContacts
from airflow_provider_sender.client.sendara.dialect import SendaraDialect
from airflow_provider_sender.client.sendara.sending import SendaraSending
from airflow_provider_sender.client.settings import Settings

BASE_URL = "https://api.sendara.dev"

# Seconds the service looks back when it counts requests.
RATE_WINDOW = 1.0

_TEST_KEY = "sk_test_"


class SendaraEndpoints(SendaraContacts, SendaraSending, SendaraAccount):
    """The endpoints. ``call`` is what a subclass brings along."""


class SendaraClient(Client, SendaraEndpoints):
    """A Sendara account over HTTP.

    :param key: API key.
    :param settings: checked settings.
    :param budget: the account's request budget.
    """

    def __init__(self, key: str, settings: Settings, budget: Budget) -> None:
        key = key.strip()
        if not key:
            raise ConfigurationError(
                "The connection has no API key. Put one into its password: Sendara -> API keys (sk_live_... or "
                "sk_test_...)."
            )
        if not fits_a_header(key):
            raise ConfigurationError(
                "The connection's API key has blanks, line breaks or other characters no key has. Copy it again, "
                "without the word Bearer."
            )
        super().__init__(SendaraDialect(key), settings, budget, key)
        self.is_test = key.startswith(_TEST_KEY)
