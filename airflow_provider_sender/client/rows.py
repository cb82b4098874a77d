"""Rows written in calls for many: what goes in, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.subscribers import Subscriber, SubscriberChange


@dataclass(frozen=True, slots=True)
class Write:
    """One row to be written.

    :param current: the subscriber as the account has it; None when there is none, or nobody looked.
    :param is_new: whether somebody is to be created. A service that looks people up in calls for many, or can only be
        read whole, is never asked to change somebody without ``current``.
    :param may_reactivate: whether it does no harm if somebody who opted out is made active by it.
    """

    change: SubscriberChange
    current: Subscriber | None = None
    is_new: bool = False
    may_reactivate: bool = False


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one row.

    :param refusal: why it was not taken; None when it was. One that nobody was found for names no field in ``errors``.
    :param is_certain: whether the service told of this very row, or reading it back showed it; else the service only
        took the call it was in.
    """

    refusal: InvalidRequestError | NotFoundError | None = None
    is_certain: bool = True


def no_such_group() -> NotFoundError:
    """Return why a row is not taken that names a group (list) the account does not have."""
    sentence = "the account has no such group"
    return NotFoundError(f"groups: {sentence}.", errors={"groups": [sentence]})
