"""What a refusal says, as far as every service says it in the same way: by its HTTP status, and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import msgspec

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)
from airflow_provider_sender.client.values import Json

SaidT = TypeVar("SaidT", bound=msgspec.Struct)

# What tells a caller who they are, what they may, and how often; why, each service says in words of its own.
_PERSONAL: Mapping[int, type[ServiceError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
}


def meaning_of_status(status: int, sentences: Mapping[int, str]) -> tuple[type[ServiceError], str]:
    """Return the error that an HTTP status stands for where nothing else decides, and what there is to know.

    :param sentences: the service's own for 401, 403 and 429.
    """
    if status in _PERSONAL:
        return _PERSONAL[status], sentences[status]
    if status == HTTPStatus.NOT_FOUND:
        return (
            NotFoundError,
            "There is no such thing in the account, or the connection's host is not the API's address.",
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # A token stays where it belongs.
        return (
            InvalidRequestError,
            "The address redirects elsewhere, which is never followed. Check the connection's host.",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return ServiceFailureError, "The service failed."
    return InvalidRequestError, "The service refuses this request."


def said_in(body: bytes, said_type: type[SaidT]) -> SaidT:
    """Return what a body says about how a call went; nothing where it is not JSON, or no object."""
    try:
        return msgspec.json.decode(body, type=said_type, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return said_type()


def field_errors(errors: Json) -> dict[str, list[str]]:
    """Return field -> messages; a field's value may be one text or a list of them."""
    if not isinstance(errors, Mapping):
        return {}
    return {
        str(field): [str(text) for text in texts] if isinstance(texts, list) else [str(texts)]
        for field, texts in errors.items()
    }
