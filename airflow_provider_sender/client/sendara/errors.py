"""Sendara's error codes, and what each of them asks of whoever made the call: one table for all of them.

The code decides, not the status: a 429 may be a refusal for the rest of the day, a 503 may be one for good, and a 409
may be no error at all. Where an answer has no code that is known, the status has to do.
"""

from __future__ import annotations

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
from airflow_provider_sender.client.refusals import meaning_of_status


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.

    :param error: what is raised; None for a benign one.
    :param sentence: what is said before the service's own sentence.
    """

    error: type[ServiceError] | None
    sentence: str


# https://docs.sendara.dev, "Errors"; the code that is not there is one of its address validation.
MEANINGS: Mapping[str, Meaning] = {
    "rate_limit_exceeded": Meaning(RateLimitError, "The account made more requests than a second allows."),
    "internal_error": Meaning(ServiceFailureError, "The service failed."),
    "duplicate_member": Meaning(None, "The contact is in the list already."),
    "duplicate_contact": Meaning(InvalidRequestError, "There is a contact with this address already."),
    "recipient_suppressed": Meaning(InvalidRequestError, "The recipient is on the suppression list."),
    "idempotency_key_reused": Meaning(
        InvalidRequestError, "Another mail was sent with this idempotency key, so this one was not."
    ),
    "test_send_daily_limit": Meaning(
        InvalidRequestError, "This test recipient had its mails for today; there are more on the next UTC day."
    ),
    "validation_not_configured": Meaning(PermissionDeniedError, "The account has no address validation."),
    "spend_cap_exceeded": Meaning(
        PermissionDeniedError, "The account's spend cap for this period is reached. Raise it, or wait for the next."
    ),
    "billing_not_configured": Meaning(PermissionDeniedError, "The account has no billing yet. Complete the checkout."),
    "unauthorized": Meaning(AuthenticationError, "The API key is missing, wrong or revoked."),
    "forbidden": Meaning(PermissionDeniedError, "The API key is good, but not for this."),
    "not_found": Meaning(NotFoundError, "There is no such thing in the account."),
    "invalid_request": Meaning(InvalidRequestError, "The service refuses this request."),
    "missing_variable": Meaning(InvalidRequestError, "A variable of the template has no value."),
    "invalid_template": Meaning(InvalidRequestError, "The template cannot be read, or is not active."),
    "invalid_token": Meaning(InvalidRequestError, "A link's token is wrong or expired."),
    "invalid_signature": Meaning(InvalidRequestError, "The signature of a webhook's delivery is wrong."),
    "from_not_verified": Meaning(
        InvalidRequestError, "The sender's address is on no domain that is verified with the account."
    ),
    "recipient_not_verified": Meaning(InvalidRequestError, "The test recipient is not verified."),
    "too_many_test_recipients": Meaning(
        InvalidRequestError, "The account has all the test recipients it may have. Delete one first."
    ),
    "payload_too_large": Meaning(InvalidRequestError, "The request or the file is larger than the service takes."),
}

# Without a code the status has to do, and these stand for one.
_CODES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_exceeded",
}


def meaning_of(code: str | None, status: int) -> Meaning:
    """Return what an answer that is an error means.

    :param code: the envelope's code; None where there was no envelope, at the edge of the network, say.
    """
    known = MEANINGS.get(code or "") or MEANINGS.get(_CODES.get(status, ""))
    return known if known is not None else Meaning(*meaning_of_status(status, {}))
