"""What makes the calls of a service's endpoints: the same for every service."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.transport import Dialect, Transport

AnswerT = TypeVar("AnswerT")


class Calls:
    """Something that can make a call: the base of endpoints, which the client and the Airflow hook share."""

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded."""
        raise NotImplementedError


class Client:
    """An account over HTTP; together with a service's endpoints, its client.

    :param dialect: the service's ways.
    :param settings: checked settings.
    :param budget: the account's request budget.
    :param credentials: what opens the account.
    """

    def __init__(self, dialect: Dialect, settings: Settings, budget: Budget, *credentials: str) -> None:
        self.transport = Transport(dialect, settings, budget)
        # Says whether two connections open the same account the same way, and nothing else about them.
        opened = " ".join((settings.base_url, *credentials))
        self.fingerprint = blake2b(opened.encode(), digest_size=8).hexdigest()

    def announce_tokens(self, to: Callable[[str], object]) -> None:
        """Have every token that is fetched from now on told to somebody who keeps it out of logs.

        Most services have no tokens beside the credentials they are opened with.
        """

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded.

        :raises ServiceError: what the service said, or that it could not be reached.
        :raises OutcomeUnknownError: when a call that must not be repeated may have been carried out.
        """
        return self.transport.call(request, answer_type)


def fits_a_header(credential: str) -> bool:
    """Tell whether a token, id or secret can be sent; of another, http.client would say so too, and show it."""
    return credential.isascii() and credential.isprintable() and " " not in credential
