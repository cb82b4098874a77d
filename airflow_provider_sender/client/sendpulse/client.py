"""A SendPulse account (https://sendpulse.com/integrations/api): every endpoint as a typed method of a few lines.

:class:`SendPulseEndpoints` only needs something that can make a call, so the client and the Airflow hook share it.
What the API wants as Base64 is given as it is and encoded on the way. Lists are read by ``limit`` (at most 100) and
``offset``.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.client import Client, fits_a_header
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendpulse.dialect import Credentials, SendPulseDialect, StaticKey
from airflow_provider_sender.client.sendpulse.mailing import SendPulseMailing
from airflow_provider_sender.client.sendpulse.people import SendPulsePeople
from airflow_provider_sender.client.sendpulse.token import shared_credentials
from airflow_provider_sender.client.settings import Settings

BASE_URL = "https://api.sendpulse.com"


class SendPulseEndpoints(SendPulsePeople, SendPulseMailing):
    """All endpoints. ``call`` is what a subclass brings along."""


class SendPulseClient(Client, SendPulseEndpoints):
    """A SendPulse account over HTTP.

    :param client_id: id of the API client; None where ``secret`` is a static API key.
    :param secret: the client's secret, or the key.
    :param settings: checked settings.
    :param budget: the account's request budget.
    """

    def __init__(self, client_id: str | None, secret: str, settings: Settings, budget: Budget) -> None:
        client_id, secret = (client_id or "").strip(), secret.strip()
        if not secret:
            raise ConfigurationError(
                "The connection has no password. Put the client secret there and the client id into the login, or an "
                "API key into the password alone: SendPulse -> Settings -> API."
            )
        for what, value in (("login", client_id), ("password", secret)):
            if not fits_a_header(value):
                raise ConfigurationError(
                    f"The connection's {what} has blanks, line breaks or other characters no id, secret or key has. "
                    "Copy it again, without the word Bearer."
                )
        self._tokens = shared_credentials(client_id, secret, settings, budget) if client_id else None
        credentials: Credentials = StaticKey(secret) if self._tokens is None else self._tokens
        super().__init__(SendPulseDialect(credentials), settings, budget, client_id, secret)

    def announce_tokens(self, to: Callable[[str], object]) -> None:
        """Have every token that is fetched from now on told to somebody who keeps it out of logs."""
        if self._tokens is not None:
            self._tokens.announce = to
