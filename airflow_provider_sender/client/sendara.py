"""Sendara's API (https://sendara.dev/docs/api-reference): every endpoint as a typed method of a few lines.

They stand in three modules: contacts and lists, what is sent, and the account itself. :class:`SendaraEndpoints` only
needs something that can make a call, so the client and the Airflow hook share it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendara_account import SendaraAccount
from airflow_provider_sender.client.sendara_contacts import SendaraContacts
from airflow_provider_sender.client.sendara_dialect import SendaraDialect
from airflow_provider_sender.client.sendara_sending import SendaraSending
from airflow_provider_sender.client.transport import Request, Settings, Transport

AnswerT = TypeVar("AnswerT")

BASE_URL = "https://api.sendara.dev"

# Seconds the service looks back when it counts requests.
RATE_WINDOW = 1.0

_TEST_KEY = "sk_test_"


class SendaraEndpoints(SendaraContacts, SendaraSending, SendaraAccount):
    """The endpoints. ``call`` is what a subclass brings along."""


class SendaraClient(SendaraEndpoints):
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
        if not key.isascii() or not key.isprintable() or " " in key:
            # http.client would say so too, and show the key.
            raise ConfigurationError(
                "The connection's API key has blanks, line breaks or other characters no key has. Copy it again, "
                "without the word Bearer."
            )
        self.transport = Transport(SendaraDialect(key), settings, budget)
        self.is_test = key.startswith(_TEST_KEY)
        # Says whether two keys are the same one, and nothing else about them.
        self.fingerprint = blake2b(f"{settings.base_url} {key}".encode(), digest_size=8).hexdigest()

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded.

        :raises ServiceError: what the service said, or that it could not be reached.
        :raises OutcomeUnknownError: when a call that must not be repeated may have been carried out.
        """
        return self.transport.call(request, answer_type)
