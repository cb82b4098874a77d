"""What SendPulse answers: bare objects and arrays, and errors with a number of their own."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.sendpulse.codes import CODES, INVALID
from airflow_provider_sender.sandbox.wire import Refused, Reply


def encoded(value: object) -> bytes:
    """JSON as PHP writes it: non-ASCII characters and slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def answer(body: object, status: int = 200) -> Reply:
    """Any JSON answer."""
    return Reply(status, encoded(body))


def done(**more: object) -> Reply:
    """A change that was made."""
    return answer({"result": True, **more})


def done_v2(data: object) -> Reply:
    """A change that was made, in the envelope of the ``/v2`` calls."""
    return answer({"success": True, "data": data})


def mapping(found: dict[str, object]) -> object:
    """A map as PHP writes it: an empty one is an empty list."""
    return found or []


def failure(status: int, message: str, code: int | None = None) -> Reply:
    """An error; without a code of its own it has the number of its status."""
    return answer({"message": message, "error_code": status if code is None else code}, status)


def refused(code: int, status: int | None = None, message: str | None = None) -> Refused:
    """An error of the vendor's table.

    :param code: its ``error_code``.
    :param status: the HTTP status; the table's where left out.
    :param message: the text; the table's where left out.
    """
    known = CODES[code]
    return Refused(failure(status or known.status, message or known.text, code))


def invalid(message: str) -> Refused:
    """Input that did not pass the general validation."""
    return refused(INVALID, message=message)


def number(account: Account, value: int) -> int | str:
    """An id, a count or a status, which the service writes now as a number and now as a string."""
    form = account.settings.sendpulse_numbers
    is_text = form == "string" or (form == "mixed" and value % 2 == 1)
    return str(value) if is_text else value


def within_200(account: Account, reply: Reply) -> Reply:
    """An error as the service answers it, which it may do with HTTP 200."""
    share = account.settings.sendpulse_errors_in_200
    account.errors_answered += 1
    # Every second error for a share of a half, and so on: no chance, so that a test can count on it.
    if int(account.errors_answered * share) == int((account.errors_answered - 1) * share):
        return reply
    body: dict[str, Json] = msgspec.json.decode(reply.body)
    form = account.settings.sendpulse_error_form
    signs: dict[str, dict[str, Json]] = {"is_error": {"is_error": True, "http_code": reply.status}, "bare": {}}
    return answer({**signs.get(form, {form: False}), **body})
