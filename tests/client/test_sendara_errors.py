"""Sendara's errors: every code of its table, row by row, and what an answer without one means."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceFailureError,
)
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sendara.calls import once, read, repeatable
from airflow_provider_sender.client.sendara.dialect import Scope, ScopedRequest, SendaraDialect
from airflow_provider_sender.client.sendara.errors import MEANINGS
from airflow_provider_sender.client.transport import Answer

# The vendor's table, and address validation's code that its reference has elsewhere. No error: it is so already.
TABLE: list[tuple[str, int, type | None]] = [
    ("unauthorized", 401, AuthenticationError),
    ("forbidden", 403, PermissionDeniedError),
    ("invalid_request", 400, InvalidRequestError),
    ("not_found", 404, NotFoundError),
    ("recipient_suppressed", 409, InvalidRequestError),
    ("idempotency_key_reused", 409, InvalidRequestError),
    ("from_not_verified", 422, InvalidRequestError),
    ("from_not_verified", 403, InvalidRequestError),
    ("missing_variable", 400, InvalidRequestError),
    ("invalid_template", 400, InvalidRequestError),
    ("invalid_token", 400, InvalidRequestError),
    ("invalid_signature", 401, InvalidRequestError),
    ("rate_limit_exceeded", 429, RateLimitError),
    ("spend_cap_exceeded", 402, PermissionDeniedError),
    ("billing_not_configured", 400, PermissionDeniedError),
    ("duplicate_contact", 409, InvalidRequestError),
    ("duplicate_member", 409, None),
    ("too_many_test_recipients", 422, InvalidRequestError),
    ("recipient_not_verified", 403, InvalidRequestError),
    ("test_send_daily_limit", 429, InvalidRequestError),
    ("payload_too_large", 413, InvalidRequestError),
    ("internal_error", 500, ServiceFailureError),
    ("validation_not_configured", 503, PermissionDeniedError),
]

DIALECT = SendaraDialect("sk_live_1")


def answered(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def error(code: str, status: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Because.", "status": status}}


def test_the_table_has_every_code() -> None:
    assert {code for code, *_ in TABLE} == set(MEANINGS)


@pytest.mark.parametrize(("code", "status", "kind"), TABLE)
@pytest.mark.parametrize("nests", [True, False], ids=["nested", "flat"])
def test_every_code_means_one_thing(code: str, status: int, kind: type | None, nests: bool) -> None:
    body = error(code, status)
    found = DIALECT.error_in(
        answered(status, body if nests else body["error"], {"X-Request-Id": "req_7"}), read("/v1/usage")
    )

    if kind is None:
        assert found is None
        return
    assert found is not None
    assert type(found) is kind
    assert found.retryable is (kind in (RateLimitError, ServiceFailureError))
    assert (found.status, found.code, found.request_id) == (status, code, "req_7")
    assert "Sendara says: Because." in str(found)


@pytest.mark.parametrize(("code", "status", "kind"), TABLE)
@pytest.mark.parametrize("other", [400, 409, 429, 503])
def test_the_code_decides_and_not_the_status(code: str, status: int, kind: type | None, other: int) -> None:
    found = DIALECT.error_in(answered(other, error(code, other)), read("/v1/usage"))

    assert (None if found is None else type(found)) is kind


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (301, InvalidRequestError, False),
        (401, AuthenticationError, False),
        (403, PermissionDeniedError, False),
        (404, NotFoundError, False),
        (408, ServiceFailureError, True),
        (418, InvalidRequestError, False),
        (429, RateLimitError, True),
        (502, ServiceFailureError, True),
        (503, ServiceFailureError, True),
        (504, ServiceFailureError, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": {"code": "brand_new"}}', b'{"error": "No."}'])
def test_without_a_known_code_the_status_has_to_do(status: int, kind: type, retryable: bool, body: bytes) -> None:
    found = DIALECT.error_in(answered(status, body), read("/v1/usage"))

    assert found is not None
    assert type(found) is kind
    assert found.retryable is retryable


@pytest.mark.parametrize(("code", "status", "kind"), TABLE)
@pytest.mark.parametrize(
    "form",
    [
        lambda inside: {"error": inside},
        lambda inside: inside,
        lambda inside: {"error": [inside]},
        lambda inside: {"error": inside["code"], "message": inside["message"]},
    ],
    ids=["nested", "flat", "listed", "named"],
)
@pytest.mark.parametrize("comes_with", [200, 201, 0])
def test_an_envelope_is_one_in_any_form_and_with_any_status(
    code: str, status: int, kind: type | None, form: Callable[[dict[str, Any]], Any], comes_with: int
) -> None:
    found = DIALECT.error_in(answered(comes_with or status, form(error(code, status)["error"])), read("/v1/usage"))

    assert (None if found is None else type(found)) is kind
    assert found is None or "Sendara says: Because." in str(found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        {"id": "msg_1", "status": "failed", "error": {"code": "not_found", "message": "No such mailbox."}},
        {"id": "msg_1", "code": "internal_error"},
        {"code": "AB12", "message": "x"},
        {"error": None, "contacts": []},
        {"error": "No."},
        [{"success": False, "error": {"code": "recipient_suppressed", "status": 409}}],
    ],
)
def test_what_looks_like_an_error_and_is_none_passes(body: Any) -> None:
    assert DIALECT.error_in(answered(200, body), read("/v1/messages")) is None


def test_a_new_code_within_a_status_of_success_is_a_refusal() -> None:
    found = DIALECT.error_in(answered(200, {"error": {"code": "brand_new"}}), read("/v1/usage"))

    assert isinstance(found, InvalidRequestError)


@pytest.mark.parametrize(
    ("request_", "scope"),
    [
        (read("/v1/usage"), Scope.READ),
        (once("POST", "/v1/broadcasts"), Scope.SEND),
        (repeatable("DELETE", "/v1/keys/{}", "k", scope=Scope.ADMIN), Scope.ADMIN),
    ],
)
def test_a_key_of_the_wrong_scope_is_told_which_one_is_needed(request_: ScopedRequest, scope: Scope) -> None:
    found = DIALECT.error_in(answered(403, error("forbidden", 403)), request_)

    assert f"needs a key with the {scope} scope" in str(found)


def test_where_no_document_names_the_scope_none_is_invented() -> None:
    found = DIALECT.error_in(answered(403, error("forbidden", 403)), Request("GET", "/v1/account/verification"))

    assert "another scope (send, read or admin)" in str(found)


def test_other_refusals_say_nothing_about_scopes() -> None:
    assert "scope" not in str(DIALECT.error_in(answered(402, error("spend_cap_exceeded", 402)), read("/v1/usage")))


def test_no_address_is_in_an_error() -> None:
    body = {"error": {"code": "recipient_suppressed", "message": "jane@example.com is suppressed"}}

    assert "jane@" not in str(DIALECT.error_in(answered(409, body), read("/v1/usage")))
