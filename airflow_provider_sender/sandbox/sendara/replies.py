"""Sendara's answers: bare objects, and one envelope for every error."""

from __future__ import annotations

import json
from uuid import uuid4

from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Refused, Reply

# What the error table has for a status, for errors that come from outside the endpoints.
_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    402: "spend_cap_exceeded",
    403: "forbidden",
    404: "not_found",
    405: "invalid_request",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
}
_STATUSES = {
    "invalid_request": 400,
    "missing_variable": 400,
    "invalid_template": 400,
    "forbidden": 403,
    "recipient_not_verified": 403,
    "not_found": 404,
    "spend_cap_exceeded": 402,
    "recipient_suppressed": 409,
    "idempotency_key_reused": 409,
    "duplicate_contact": 409,
    "duplicate_member": 409,
    "payload_too_large": 413,
    "from_not_verified": 422,
    "too_many_test_recipients": 422,
    "test_send_daily_limit": 429,
}
# A JSON encoder of Go's standard library writes these as escapes, to be safe inside HTML.
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def encoded(value: object) -> bytes:
    """JSON in UTF-8 as Go writes it.

    A client that decodes and encodes again writes other bytes, so an export that keeps the service's own can
    be told from one that only means the same.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPED).encode()


def answer(body: object, status: int = 200) -> Reply:
    """Any JSON answer."""
    return Reply(status, encoded(body))


def listed(name: str, items: list[bytes]) -> Reply:
    """Rows that are encoded already, under the name of what they are."""
    return Reply(200, b'{"' + name.encode() + b'":[' + b",".join(items) + b"]}")


def nothing() -> Reply:
    """204."""
    return Reply(204, b"")


def error(code: str, message: str, status: int) -> Reply:
    """The envelope of every error."""
    return answer({"error": {"code": code, "message": message, "status": status}}, status)


def failure(status: int, message: str) -> Reply:
    """An error of which only the status is known."""
    return error(_CODES.get(status, "internal_error" if status >= 500 else "invalid_request"), message, status)


def refused(code: str, message: str, status: int | None = None) -> Refused:
    """An error by its code; the status follows from it."""
    return Refused(error(code, message, status or _STATUSES[code]))


def invalid(message: str) -> Refused:
    """Input that is malformed or missing."""
    return refused("invalid_request", message)


def not_found(what: str) -> Refused:
    """No such resource."""
    return refused("not_found", f"{what} not found")


def finished(reply: Reply, settings: Settings) -> Reply:
    """An answer as it leaves: with a request id, and with its error in the form the knob says."""
    body = reply.body
    if settings.sendara_error_form == "flat" and reply.status >= 400 and body.startswith(b'{"error":{'):
        try:
            body = encoded(json.loads(body)["error"])
        except (ValueError, KeyError):
            body = reply.body
    return Reply(reply.status, body, {"X-Request-Id": f"req_{uuid4().hex[:16]}", **reply.headers}, reply.media_type)
