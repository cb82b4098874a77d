"""How SendPulse speaks in a single request: its token, and its errors, which may come with HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

import msgspec
from msgspec.structs import replace

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)
from airflow_provider_sender.client.refusals import field_errors, meaning_of_status, said_in
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sendpulse.errors import MEANINGS, TOO_FAST, Meaning, Reaction, meaning_of
from airflow_provider_sender.client.sendpulse.records import whole
from airflow_provider_sender.client.transport import Answer
from airflow_provider_sender.client.values import Json

TOKEN_PATH = "/oauth/access_token"

# ``result: false`` is what this call has found out, and no error.
UNSUBSCRIBED_SEARCH = "/smtp/unsubscribe/search"

# A code in the answer decides, but for those that are HTTP statuses as well and come with that very status: a gateway's
# "502" is no missing address.
_LOOK_LIKE_STATUSES = frozenset({502, 503})

_STATUSES = range(400, 600)

# Whatever the call that gets a token is refused with, but for what has nothing to do with who makes it.
_NO_ACCOUNT = Meaning(
    Reaction.FINAL,
    AuthenticationError,
    "The connection's login and password are no client id and secret of an account (SendPulse: Settings -> API).",
)
_NOT_ABOUT_CREDENTIALS = {HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

_SENTENCES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: MEANINGS[401].text,
    HTTPStatus.FORBIDDEN: "The account, its plan or the key's list of IP addresses does not allow this.",
    HTTPStatus.TOO_MANY_REQUESTS: "The account made more requests than its plan allows in a minute or a day.",
}


class Credentials(Protocol):
    """What opens an account."""

    def token(self) -> str:
        """Return a token that is good, as far as is known."""

    def renewed(self, token: str) -> bool:
        """Get another token in place of a refused one; return whether there is another one now."""


class StaticKey:
    """An API key that is good until it is revoked."""

    def __init__(self, key: str) -> None:
        self._key = key

    def token(self) -> str:
        """Return the key."""
        return self._key

    def renewed(self, token: str) -> bool:
        """Return False: there is no other one."""
        return False


class _Said(msgspec.Struct):
    """What every answer may say about how it went; ``error`` is for the call that gets a token."""

    is_error: Json = None
    result: Json = None
    success: Json = None
    message: Json = None
    error_code: Json = None
    http_code: Json = None
    errors: Json = None
    error: Json = None
    error_description: Json = None


class _OnlyRefusal(_Said, forbid_unknown_fields=True):
    """An answer that says why it went as it did, and nothing else."""

    code: Json = None
    status: Json = None


class SendPulseDialect:
    """SendPulse's ways.

    :param credentials: what opens the account; None for the call that gets a token.
    """

    name = "SendPulse"

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""
        return f"Bearer {self._credentials.token()}" if self._credentials is not None else ""

    def renewed(self, authorization: str) -> bool:
        """Get another token in place of a refused one; return whether there is another one now."""
        return self._credentials is not None and self._credentials.renewed(authorization.removeprefix("Bearer "))

    def error_in(self, answer: Answer, request: Request) -> ServiceError | None:
        """Return the error an answer carries; what is in it counts for more than its HTTP status."""
        is_good = answer.status < HTTPStatus.MULTIPLE_CHOICES
        if is_good and answer.body.lstrip()[:1] != b"{":
            return None  # a list of rows says nothing about how it went
        said = _unfolded(said_in(answer.body, _Said))
        is_sure = not is_good or _is_refusal(said, request)
        if not is_sure and not _says_only_why(answer.body):
            return None
        code = whole(said.error_code)
        status = _status_within(said, code) if is_good else answer.status
        sentence = _sentence(said)
        meaning = meaning_of(code, sentence, request.path)
        if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR and _is_of_a_gateway(code, status):
            meaning = None
        status = status or answer.status
        if request.path == TOKEN_PATH and _is_about_credentials(code, status):
            meaning = _NO_ACCOUNT
        error = _error(meaning, status, sentence, said)
        if not (is_sure or request.repeatable or error.errors or said.error):
            # A mere sentence may be good news as well.
            error = ServiceFailureError(f"SendPulse says nothing but: {sentence}")
        error.method, error.path = request.method, request.path
        error.status, error.code = answer.status, code
        return error


def _unfolded(said: _Said) -> _Said:
    """Return what an answer says with what stands inside its ``error``, where that is an object."""
    inside = said.error
    if not isinstance(inside, Mapping) or not inside:
        return said
    message, code = inside.get("message"), inside.get("error_code", inside.get("code"))
    return replace(said, message=said.message or message, error_code=said.error_code or code, is_error=True)


def _is_refusal(said: _Said, request: Request) -> bool:
    """Return whether an answer with a status of success is an error: only those have a code."""
    if said.is_error not in (None, False, 0, "false", "0") or whole(said.error_code):
        return True
    if request.path == UNSUBSCRIBED_SEARCH:
        return False
    if said.success in (0, "0") or (isinstance(said.error, str) and said.error):
        return True
    return any(outcome is False or outcome == "false" for outcome in (said.result, said.success))


def _says_only_why(body: bytes) -> bool:
    """Return whether an answer is an explanation and nothing that was asked for, not even that it went well."""
    said = said_in(body, _OnlyRefusal)
    sentences = said.message if isinstance(said.message, str | list) else None
    return bool(sentences or said.errors or said.error) and said.result is None and said.success is None


def _status_within(said: _Said, code: int | None) -> int | None:
    """Return the status an answer of HTTP 200 says it has; an error without a code of its own gives it as its code."""
    named = whole(said.http_code)
    if named is None and code is not None and code not in MEANINGS and code in _STATUSES:
        return code
    return named


def _is_of_a_gateway(code: int | None, status: int) -> bool:
    return code is None or (code in _LOOK_LIKE_STATUSES and code == status)


def _error(meaning: Meaning | None, status: int, sentence: str, said: _Said) -> ServiceError:
    """Return the error, with all it says but for the call it is about."""
    is_certain: bool | None = None
    wait: float | None = None
    if meaning is not None:
        kind, text, wait = meaning.kind, meaning.text, meaning.wait
        is_certain = True
    else:
        kind, text = meaning_of_status(status, _SENTENCES)
    error = kind(
        f"{text} SendPulse says: {sentence}" if sentence else text,
        errors=field_errors(said.errors),
        retry_after=wait,
        nothing_done=is_certain,
    )
    if isinstance(error, RateLimitError) and meaning is not None:
        error.is_for_all = meaning.reaction is Reaction.RETRY_SOON
    return error


def _is_about_credentials(code: int | None, status: int) -> bool:
    """Return whether the call that gets a token was refused for what it says, and not on its way."""
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    is_elsewhere = is_redirect or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_ABOUT_CREDENTIALS
    return code != TOO_FAST and not is_elsewhere


def _sentence(said: _Said) -> str:
    for text in (said.message, said.error_description, said.error):
        if isinstance(text, str) and text:
            return text
    if isinstance(said.message, list):
        return "; ".join(str(part) for part in said.message)
    return ""
