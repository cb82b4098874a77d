"""What Sendara's endpoint methods are made of: calls that say which scope a key needs for them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.errors import ServiceFailureError
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sendara.dialect import Scope, ScopedRequest

AnswerT = TypeVar("AnswerT")


def read(path: str, *identifiers: str, **query: str | int | None) -> ScopedRequest:
    """Return a GET."""
    return ScopedRequest("GET", path, identifiers, query=query, scope=Scope.READ)


def repeatable(
    method: str,
    path: str,
    *identifiers: str,
    body: object = None,
    scope: Scope | None = Scope.SEND,
    **query: str | None,
) -> ScopedRequest:
    """Return a call that changes the account and does no harm when it is made again."""
    return ScopedRequest(method, path, identifiers, query=query, body=body, scope=scope)


def once(
    method: str, path: str, *identifiers: str, body: object = None, scope: Scope | None = Scope.SEND
) -> ScopedRequest:
    """Return a call that must not be made again when it is unknown whether it was carried out."""
    return ScopedRequest(method, path, identifiers, repeatable=False, body=body, scope=scope)


def enveloped(calls: Calls, request: Request, name: str, rows_type: type[AnswerT]) -> AnswerT:
    """Make a call and return what is under ``name`` in its answer: ``{"contacts": [...]}``; null is an empty list.

    :raises ServiceFailureError: when it is not there, or of another kind.
    """
    answer = calls.call(request, dict[str, object])
    try:
        return msgspec.convert(answer[name] or [], rows_type, strict=False)
    except (KeyError, msgspec.ValidationError):
        raise ServiceFailureError(
            f"Sendara's answer cannot be read as documented: {name} is not there, or of another kind.",
            method=request.method,
            path=request.path,
        ) from None  # what could not be read hangs on the error, and may be a person's
