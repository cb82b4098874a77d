"""How Sender speaks in a single request: its token, and its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from airflow_provider_sender.client.errors import ServiceError
from airflow_provider_sender.client.refusals import field_errors, meaning_of_status, said_in
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.transport import Answer
from airflow_provider_sender.client.values import Json

# Where people join and leave a group.
GROUP_MEMBERS = "/subscribers/groups/{}"

_SUCCESS = b'"success"'

_SENTENCES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "The API access token is missing, wrong, expired or revoked.",
    HTTPStatus.FORBIDDEN: "The account or its plan does not allow this.",
    HTTPStatus.TOO_MANY_REQUESTS: "The account made more requests than a minute allows.",
}


class _Said(msgspec.Struct):
    """What every answer may say about how it went."""

    success: Json = None
    message: Json = None
    errors: Json = None


class SenderDialect:
    """Sender's ways (https://api.sender.net/#errors).

    :param token: API access token.
    """

    name = "Sender"

    def __init__(self, token: str) -> None:
        self._token = token

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""
        return f"Bearer {self._token}"

    def error_in(self, answer: Answer, request: Request) -> ServiceError | None:
        """Return the error an answer carries; an answer of 200 that says ``success: false`` is one."""
        is_good = answer.status < HTTPStatus.MULTIPLE_CHOICES
        if is_good and answer.body.rfind(_SUCCESS) < 0:
            return None  # a page of a listing says nothing about it, and is long to read for that
        said = said_in(answer.body, _Said)
        is_outcome = answer.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST) and _has_lists(said.message)
        if request.path == GROUP_MEMBERS and is_outcome:
            return None  # that nobody named is known is refused with 400, and is an outcome like any other
        if is_good and said.success not in (False, "false", "0"):
            return None
        kind, meaning = meaning_of_status(answer.status, _SENTENCES)
        sentence = _sentence(said.message)
        return kind(
            f"{meaning} Sender says: {sentence}" if sentence else meaning,
            method=request.method,
            path=request.path,
            status=answer.status,
            errors=field_errors(said.errors),
            request_id=answer.headers.get("X-Request-Id"),
        )


def _sentence(message: Json) -> str:
    """Return the service's sentence; it may be a text, a list of them, or an object with ``error`` and lists."""
    if isinstance(message, str):
        return message
    if isinstance(message, Mapping):
        lists = [f"{len(value)} {key}" for key, value in message.items() if isinstance(value, list) and value]
        return ", ".join([str(message.get("error", "")), *lists]).strip(", ")
    if isinstance(message, Sequence):
        return "; ".join(str(part) for part in message)
    return ""


def _has_lists(message: Json) -> bool:
    """Tell whether a message lists anybody."""
    return isinstance(message, Mapping) and any(isinstance(each, list | Mapping) and each for each in message.values())
