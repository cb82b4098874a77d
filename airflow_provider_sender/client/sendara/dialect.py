"""How Sendara speaks in a single request: its scoped keys, and its errors."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from airflow_provider_sender.client.errors import PermissionDeniedError, ServiceError
from airflow_provider_sender.client.refusals import said_in
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sendara.errors import MEANINGS, Meaning, meaning_of
from airflow_provider_sender.client.transport import Answer
from airflow_provider_sender.client.values import Json


class Scope(enum.StrEnum):
    """What a key is for. A key has one; whether ``admin`` includes the other two is not documented."""

    SEND = "send"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ScopedRequest(Request):
    """A call, and the scope it is documented to need; None where no document says."""

    scope: Scope | None = None


class _Envelope(msgspec.Struct):
    """``{"error": {...}}``, or its inside alone, which the official clients are prepared for."""

    error: Json = None
    code: Json = None
    message: Json = None
    id: Json = None


# A status of success is looked behind in answers up to this size: pages are longer, envelopes are not.
_LONGEST_ERROR = 4096


class SendaraDialect:
    """Sendara's ways.

    :param key: API key.
    """

    name = "Sendara"

    def __init__(self, key: str) -> None:
        self._key = key

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""
        return f"Bearer {self._key}"

    def error_in(self, answer: Answer, request: Request) -> ServiceError | None:
        """Return the error an answer carries; that something is so already is none."""
        is_good = answer.status < HTTPStatus.MULTIPLE_CHOICES
        if is_good and len(answer.body) > _LONGEST_ERROR:
            return None
        envelope = said_in(answer.body, _Envelope)
        if is_good and not _is_error(envelope):
            return None
        code, said = _said(envelope)
        meaning = meaning_of(code, HTTPStatus.BAD_REQUEST if is_good else answer.status)
        if meaning.error is None:
            return None
        sentence = f"{meaning.sentence}{_missing_scope(meaning, request)}"
        return meaning.error(
            f"{sentence} Sendara says: {said}" if said else sentence,
            method=request.method,
            path=request.path,
            status=answer.status,
            code=code,
            request_id=answer.headers.get("X-Request-Id"),
        )


def _missing_scope(meaning: Meaning, request: Request) -> str:
    if meaning.error is not PermissionDeniedError or meaning is not meaning_of("forbidden", 0):
        return ""
    scope = request.scope if isinstance(request, ScopedRequest) else None
    if scope is None:
        return " Its scope does not allow this call; use a key of another scope (send, read or admin)."
    return f" This call needs a key with the {scope} scope: put one into the connection's password."


def _is_error(envelope: _Envelope) -> bool:
    """Return whether an answer with a status of success is an envelope; a message that failed may say why as well."""
    code, _ = _said(envelope)
    is_nested = isinstance(envelope.error, dict | list)
    return envelope.id is None and (code in MEANINGS or (is_nested and code is not None))


def _said(envelope: _Envelope) -> tuple[str | None, str | None]:
    """Return the code and the sentence of an envelope, as far as it has them."""
    inside = envelope.error
    if isinstance(inside, list):
        inside = inside[0] if inside else None
    if isinstance(inside, dict):
        return _text(inside.get("code")), _text(inside.get("message"))
    code = _text(envelope.code) or (inside if isinstance(inside, str) and inside in MEANINGS else None)
    return code, _text(envelope.message) or _text(inside)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
