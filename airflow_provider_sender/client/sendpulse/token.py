"""An account's access token: fetched with client id and secret, kept for its hour, and fetched by one thread for all.

Whoever needs a token while another thread is getting one waits for that one. A token is renewed some minutes before its
hour is over, and once when it is refused before that. Credentials the service does not know are not tried over and
over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b

import msgspec

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import AuthenticationError, ServiceError, ServiceFailureError
from airflow_provider_sender.client.request import repeatable
from airflow_provider_sender.client.sendpulse.dialect import TOKEN_PATH, SendPulseDialect
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.transport import Transport

_LIFETIME = 3600.0

# The vendor's advice for a token of an hour; of a shorter life, the same share.
_MARGIN = 300.0 / _LIFETIME

# For so long after the service refused the credentials it is not asked about them again.
_REFUSED_FOR = 4.0


class Token(msgspec.Struct):
    """The answer to the call that gets a token. ``repr`` leaves the token out."""

    access_token: str
    expires_in: float | None = None

    def __repr__(self) -> str:
        return f"Token(expires_in={self.expires_in})"


class ClientCredentials:
    """The token of one account, shared by all threads of a process.

    :param fetch: gets a new one from the service.
    """

    def __init__(self, fetch: Callable[[], Token], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0
        self._refusal: tuple[float, AuthenticationError] | None = None
        # Told every new token, so that it can be kept out of logs.
        self.announce: Callable[[str], object] = lambda token: None

    def token(self) -> str:
        """Return a token that is good, as far as is known; the first caller gets it from the service.

        :raises AuthenticationError: when the service does not know the credentials.
        """
        with self._lock:
            if not self._token or self._clock() >= self._good_until:
                self._renew()
            return self._token

    def renewed(self, token: str) -> bool:
        """Get another token in place of a refused one, unless another thread has done so already."""
        with self._lock:
            if token == self._token:
                self._renew()
            return True

    def _renew(self) -> None:
        asked_at = self._clock()
        if self._refusal is not None and asked_at < self._refusal[0] + _REFUSED_FOR:
            raise self._refusal[1].with_traceback(None)
        self._token = ""
        try:
            fetched = self._fetch()
            self.announce(fetched.access_token)
        except AuthenticationError as error:
            self._refusal = (asked_at, error)
            raise
        except ServiceFailureError as error:
            error.nothing_done = True  # the call the token is for was not made
            raise
        self._refusal = None
        self._token = fetched.access_token
        self._good_until = asked_at + (fetched.expires_in or _LIFETIME) * (1 - _MARGIN)


_known: dict[str, ClientCredentials] = {}
_known_lock = threading.Lock()


def shared_credentials(client_id: str, client_secret: str, settings: Settings, budget: Budget) -> ClientCredentials:
    """Return this process's token of an account: the same one, whoever asks for it."""
    account = blake2b(f"{settings.base_url}\n{client_id}\n{client_secret}".encode(), digest_size=16).hexdigest()
    with _known_lock:
        if account not in _known:
            _known[account] = ClientCredentials(token_call(client_id, client_secret, settings, budget))
        return _known[account]


def token_call(client_id: str, client_secret: str, settings: Settings, budget: Budget) -> Callable[[], Token]:
    """Return what gets a token. Making the call twice gets two tokens, and does no harm.

    It is tried once: whoever makes the call that the token is for tries that again, and this with it.
    """
    transport = Transport(SendPulseDialect(None), replace(settings, max_retries=0), budget)
    body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}

    def fetch() -> Token:
        try:
            return transport.call(repeatable("POST", TOKEN_PATH, body=body), Token)
        except ServiceError as error:
            error.withhold(client_secret)
            raise

    return fetch
