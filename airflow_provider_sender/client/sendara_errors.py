"""Sendara's error codes, and what each of them asks of whoever made the call: one table for all of them.

The code decides, not the status: a 429 may be a refusal for the rest of the day, a 503 may be one for good, and a 409
may be no error at all. Where an answer has no code that is known, the status has to do.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)
from airflow_provider_sender.client.transport import is_redirect


class Remedy(enum.Enum):
    """What to do about a code. No code of Sendara's asks for a new token or for hours of patience."""

    RETRY_SOON = "make the call again, when the answer says or after a moment"
    FINAL = "the same call is refused again"
    BENIGN = "what was asked for is so already"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.

    :param error: what is raised; None for a benign one.
    :param sentence: what is said before the service's own sentence.
    """

    remedy: Remedy
    error: type[ServiceError] | None
    sentence: str


def _final(error: type[ServiceError], sentence: str) -> Meaning:
    return Meaning(Remedy.FINAL, error, sentence)


# https://docs.sendara.dev, "Errors"; the code that is not there is one of its address validation.
MEANINGS: Mapping[str, Meaning] = {
    "rate_limit_exceeded": Meaning(
        Remedy.RETRY_SOON, RateLimitError, "The account made more requests than a second allows."
    ),
    "internal_error": Meaning(Remedy.RETRY_SOON, ServiceFailureError, "The service failed."),
    "duplicate_member": Meaning(Remedy.BENIGN, None, "The contact is in the list already."),
    "duplicate_contact": _final(InvalidRequestError, "There is a contact with this address already."),
    "recipient_suppressed": _final(InvalidRequestError, "The recipient is on the suppression list."),
    "idempotency_key_reused": _final(
        InvalidRequestError, "Another mail was sent with this idempotency key, so this one was not."
    ),
    "test_send_daily_limit": _final(
        InvalidRequestError, "This test recipient had its mails for today; there are more on the next UTC day."
    ),
    "validation_not_configured": _final(PermissionDeniedError, "The account has no address validation."),
    "spend_cap_exceeded": _final(
        PermissionDeniedError, "The account's spend cap for this period is reached. Raise it, or wait for the next."
    ),
    "billing_not_configured": _final(PermissionDeniedError, "The account has no billing yet. Complete the checkout."),
    "unauthorized": _final(AuthenticationError, "The API key is missing, wrong or revoked."),
    "forbidden": _final(PermissionDeniedError, "The API key is good, but not for this."),
    "not_found": _final(NotFoundError, "There is no such thing in the account."),
    "invalid_request": _final(InvalidRequestError, "The service refuses this request."),
    "missing_variable": _final(InvalidRequestError, "A variable of the template has no value."),
    "invalid_template": _final(InvalidRequestError, "The template cannot be read, or is not active."),
    "invalid_token": _final(InvalidRequestError, "A link's token is wrong or expired."),
    "invalid_signature": _final(InvalidRequestError, "The signature of a webhook's delivery is wrong."),
    "from_not_verified": _final(
        InvalidRequestError, "The sender's address is on no domain that is verified with the account."
    ),
    "recipient_not_verified": _final(InvalidRequestError, "The test recipient is not verified."),
    "too_many_test_recipients": _final(
        InvalidRequestError, "The account has all the test recipients it may have. Delete one first."
    ),
    "payload_too_large": _final(InvalidRequestError, "The request or the file is larger than the service takes."),
}

_REDIRECTED = "The address redirects elsewhere, which is never followed. Check the connection's host."
_NOTHING_FOUND = "There is no such thing in the account, or the connection's host is not the API's address."


def meaning_of(code: str | None, status: int) -> Meaning:
    """Return what an answer that is an error means.

    :param code: the envelope's code; None where there was no envelope, at the edge of the network, say.
    """
    known = MEANINGS.get(code or "")
    if known is not None:
        return known
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return MEANINGS["unauthorized"]
        case HTTPStatus.FORBIDDEN:
            return MEANINGS["forbidden"]
        case HTTPStatus.NOT_FOUND:
            return _final(NotFoundError, _NOTHING_FOUND)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return MEANINGS["rate_limit_exceeded"]
        case _ if is_redirect(status):
            return _final(InvalidRequestError, _REDIRECTED)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return MEANINGS["internal_error"]
        case _:
            return MEANINGS["invalid_request"]
