"""The envelopes Sender answers in, which differ between endpoints, and its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.wire import Refused, Reply


def encoded(value: object) -> bytes:
    """JSON as PHP writes it: non-ASCII characters and slashes escaped.

    A client that decodes and encodes again writes other bytes, so an export that keeps the service's own can
    be told from one that only means the same.
    """
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def answer(body: Mapping[str, object], status: int = 200) -> Reply:
    """Any JSON answer."""
    return Reply(status, encoded(body))


def single(data: object) -> Reply:
    """One resource that was asked for."""
    return answer({"data": data})


def done(message: str | list[str] | dict[str, Json], data: object = (), status: int = 200) -> Reply:
    """A change that was made."""
    return answer({"success": True, "message": message, "data": data}, status)


def failure(status: int, message: str) -> Reply:
    """An error: a failed precondition says ``success: false``, everything else only what is wrong."""
    return answer({"success": False, "message": message} if status == 400 else {"message": message}, status)


def invalid(errors: dict[str, list[str]]) -> Reply:
    """Input that did not pass validation, field by field."""
    return answer({"message": "The given data was invalid.", "errors": errors}, 422)


def not_found() -> Refused:
    """No such resource."""
    return Refused(failure(404, "Not found"))


def precondition(message: str) -> Refused:
    """A request that is well-formed and cannot be carried out as things are."""
    return Refused(failure(400, message))
