"""Claims on campaigns that are about to be sent, made of mailing lists: a name can be taken by one list only."""

from __future__ import annotations

import contextlib

from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    ServiceFailureError,
)
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.errors import LIST_NAME_TAKEN
from airflow_provider_sender.client.sendpulse.lists import CLAIM_PREFIX, DELETED_LIST, is_claim, mailing_lists
from airflow_provider_sender.client.sendpulse.records import whole


class Claims:
    """The claims in an account.

    :param client: the account.
    """

    def __init__(self, client: SendPulseClient) -> None:
        self._client = client

    def take(self, mark: str) -> str | None:
        """Take a mark, by making a mailing list of that name; return the claim's id, or None when it is taken."""
        try:
            return self._client.create_mailing_list(CLAIM_PREFIX + mark)
        except InvalidRequestError as error:
            if error.code != LIST_NAME_TAKEN:
                raise
            return None
        except OutcomeUnknownError as error:
            # Nothing that matters: if the mark was made, whoever comes next takes its holder for dead.
            raise ServiceFailureError(str(error)) from error

    def to(self, mark: str) -> list[str]:
        """Return the ids of the claims to a mark, the first one first."""
        ids = [each.id for each in mailing_lists(self._client) if each.name == CLAIM_PREFIX + mark]
        return [str(each) for each in sorted(ids)]

    def give_up(self, claim_id: str) -> None:
        """Give a claim up; safe to repeat. No mailing list but a claim is deleted."""
        with contextlib.suppress(NotFoundError):
            claim = self._client.get_mailing_list(claim_id)
            if not is_claim(claim):
                raise ConfigurationError(f"Mailing list {claim_id} is no claim, and stays.")
            if whole(claim.status) != DELETED_LIST:
                self._client.delete_mailing_list(claim_id)
