from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)
from airflow_provider_sender.client.request import Request, once, read, repeatable
from airflow_provider_sender.client.sendpulse.dialect import TOKEN_PATH, SendPulseDialect, StaticKey
from airflow_provider_sender.client.sendpulse.errors import MEANINGS, Reaction, meaning_of
from airflow_provider_sender.client.transport import Answer

TOKEN = "eyJ0eXAi.token-nobody-may-see"
READ = read("/addressbooks")

# The vendor's table ("Error codes"), its OpenAPI examples, and what a job should do about each.
DO = {
    Reaction.RETRY_SOON: [2900, 2020202020],
    Reaction.RETRY_LATER: [711, 791, 1004],
    Reaction.REFRESH: [401],
    Reaction.BENIGN: [19, 203, 303, 602, 802, 902],
    Reaction.FINAL: [
        *(8, 10, 11, 12, 13, 14, 17, 20, 21, 31, 32, 97, 201, 211, 213, 290, 299, 400, 403, 422, 502, 503, 550, 573),
        *(701, 703, 704, 707, 708, 720, 721, 722, 731, 799, 800, 832, 901, 903, 904, 905, 906, 999),
        *(1003, 1005, 1101, 1104, 3030303030),
    ],
}
ROWS = [(code, reaction) for reaction, codes in DO.items() for code in codes]


def said(body: Any, status: int = 422, request: Request = READ) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SendPulseDialect(StaticKey(TOKEN)).error_in(Answer(status, {}, content), request)


def test_every_code_of_the_vendor_is_in_the_table_once() -> None:
    assert sorted(code for code, _ in ROWS) == sorted(MEANINGS)


@pytest.mark.parametrize(("code", "reaction"), ROWS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429])
def test_a_code_means_the_same_whatever_status_it_comes_with(code: int, reaction: Reaction, status: int) -> None:
    body = {"message": "No.", "error_code": code} | ({"is_error": True, "http_code": 500} if status == 200 else {})
    error: Any = said(body, status)
    assert MEANINGS[code].reaction is reaction
    assert (error.code, error.status) == (code, status)
    assert error.nothing_done
    assert error.retryable is (reaction in (Reaction.RETRY_SOON, Reaction.RETRY_LATER))
    if reaction is Reaction.RETRY_LATER:
        assert error.retry_after >= 900
        assert not error.is_for_all
    assert type(error) is (AuthenticationError if reaction is Reaction.REFRESH else MEANINGS[code].kind)


@pytest.mark.parametrize(("code", "reaction"), ROWS)
def test_a_code_alone_makes_an_answer_of_200_an_error(code: int, reaction: Reaction) -> None:
    error: Any = said({"message": "No.", "error_code": str(code)}, 200)
    assert (type(error), error.code) == (MEANINGS[code].kind, code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(404, NotFoundError), (429, RateLimitError), (500, ServiceFailureError), (77, InvalidRequestError)],
)
def test_a_code_that_is_the_number_of_a_status_stands_for_it(code: int, kind: type[ServiceError]) -> None:
    assert type(said({"message": "No.", "error_code": code}, 200)) is kind


def test_a_code_of_nothing_is_no_error() -> None:
    assert said({"result": True, "error_code": 0}, 200) is None


@pytest.mark.parametrize(("code", "wait"), [(791, 3600.0), (1004, 900.0), (2020202020, 1.0)])
def test_a_wait_is_as_long_as_the_vendor_says(code: int, wait: float) -> None:
    assert said({"error_code": str(code), "message": "x"}).retry_after == wait


def test_ten_a_second_is_for_every_call_and_four_campaigns_an_hour_are_not() -> None:
    assert said({"error_code": 2020202020}).is_for_all
    assert not said({"error_code": 791}).is_for_all


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (408, ServiceFailureError),
        (422, InvalidRequestError),
        (301, InvalidRequestError),
        (429, RateLimitError),
        (500, ServiceFailureError),
        (502, ServiceFailureError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "x", "error_code": 77777}'])
def test_without_a_known_code_the_status_has_to_do(status: int, kind: type[ServiceError], body: bytes) -> None:
    assert type(said(body, status)) is kind


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (502, 422, NotFoundError),
        (503, 422, PermissionDeniedError),
        (400, 400, PermissionDeniedError),
        (502, 502, ServiceFailureError),
        (503, 503, ServiceFailureError),
        (213, 500, NotFoundError),
    ],
)
def test_codes_that_look_like_statuses_are_none_but_a_gateways(
    code: int, status: int, kind: type[ServiceError]
) -> None:
    assert type(said({"error_code": code, "message": "x"}, status)) is kind


@pytest.mark.parametrize(
    "body",
    [
        {"result": False},
        {"result": False, "message": "x"},
        {"success": False},
        {"is_error": True, "message": "x", "http_code": 422},
        {"is_error": 1},
        {"success": 0},
        {"success": "0"},
        {"error": "access_denied"},
        {"error": "access_denied", "result": True},
        {"message": "The given data was invalid.", "errors": {"limit": ["too low"]}},
        {"errors": ["too low"]},
        {"error": [{"message": "x"}]},
        {"message": "x"},
        {"message": ["x", "y"]},
        {"message": "x", "code": "E", "status": "error"},
        {"error": {"message": "x"}},
    ],
)
def test_an_answer_of_200_can_be_an_error(body: dict[str, Any]) -> None:
    assert isinstance(said(body, 200), InvalidRequestError)


@pytest.mark.parametrize("status", [200, 404, 422])
@pytest.mark.parametrize("name", ["code", "error_code"])
def test_an_error_may_stand_inside_another_key(name: str, status: int) -> None:
    error = said({"error": {"message": "No list.", name: "213"}}, status)
    assert (type(error), error.code) == (NotFoundError, 213)
    assert "No list." in str(error)


def test_what_a_mere_sentence_says_about_a_call_that_is_not_repeated_is_unknown() -> None:
    error = said({"message": "x"}, 200, once("POST", "/campaigns"))
    assert isinstance(error, ServiceFailureError)
    assert not error.nothing_done
    assert said({"message": "x", "error_code": 707}, 200, once("POST", "/campaigns")).nothing_done
    assert said({"message": "x", "errors": {"a": ["b"]}}, 200, once("POST", "/campaigns")).nothing_done


def test_an_error_in_200_may_carry_the_status_it_should_have_had() -> None:
    assert isinstance(said({"is_error": True, "http_code": 401}, 200), AuthenticationError)
    assert isinstance(said({"is_error": True, "http_code": 500}, 200), ServiceFailureError)


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"result": False}],
        {"result": True},
        {"result": 0, "id": 1},
        {"total": 0},
        {"jane@example.com": []},
        {"success": True, "data": [False]},
        {"is_error": False},
        {"message": "Queued.", "success": True},
        {"message": "Done.", "result": True},
        {"message": "x", "id": 1},
        {"message": {"subject": "x"}},
        {"message": ""},
        {"error": 3, "sent": 4},
        {"error": None, "errors": [], "id": 1},
        {"error": {}, "result": True},
        {},
    ],
)
def test_what_looks_like_an_error_and_is_none_passes(body: Any) -> None:
    assert said(body, 200) is None


def test_nobody_having_unsubscribed_is_no_error() -> None:
    assert said({"result": False}, 200, read("/smtp/unsubscribe/search", email="a@b.c")) is None
    assert said({"result": False, "message": "No."}, 200, read("/smtp/unsubscribe/search", email="a@b.c")) is None
    assert said({"result": False, "is_error": True}, 200, read("/smtp/unsubscribe/search")) is not None


def test_a_limit_that_shares_its_code_with_bad_values_is_told_by_its_text() -> None:
    limited = said({"error_code": 422, "message": "Sending from your account is currently limited. Please try later."})
    assert isinstance(limited, RateLimitError)
    assert not limited.is_for_all
    assert isinstance(
        said({"error_code": 422, "message": "Sending quota or bandwidth exceeded"}), PermissionDeniedError
    )


def test_a_template_that_is_not_ready_and_one_that_cannot_be_edited_share_a_code() -> None:
    assert said({"error_code": 2900}, request=read("/template/{}", "1")).retryable
    final = said({"error_code": 2900}, request=repeatable("POST", "/template/edit/{}", "1"))
    assert isinstance(final, InvalidRequestError)
    assert meaning_of(2900, "", "/template/edit/{}") is not MEANINGS[2900]


@pytest.mark.parametrize("body", [{"error": "invalid_client", "error_description": "x"}, {"error_code": 401}])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 422])
def test_credentials_that_are_refused_are_final(body: dict[str, Any], status: int) -> None:
    error = said(body, status, repeatable("POST", TOKEN_PATH))
    assert isinstance(error, AuthenticationError)
    assert "client id and secret" in error.message


@pytest.mark.parametrize(("status", "kind"), [(302, InvalidRequestError), (404, NotFoundError)])
def test_a_token_call_that_goes_elsewhere_says_nothing_about_the_credentials(
    status: int, kind: type[ServiceError]
) -> None:
    error = said(b"<html>", status, repeatable("POST", TOKEN_PATH))
    assert type(error) is kind
    assert "host" in str(error)


def test_a_token_call_that_fails_otherwise_may_be_made_again() -> None:
    for status, body in ((500, {}), (429, {}), (408, {}), (422, {"error_code": 2020202020})):
        assert said(body, status, repeatable("POST", TOKEN_PATH)).retryable


def test_no_error_shows_an_address_or_the_token() -> None:
    error = said({"message": "No jane@example.com for {}", "errors": {"emails.0": ["jane@example.com is bad"]}})
    assert "jane" not in str(error)
    assert TOKEN not in str(error)


def test_reasons_by_field_are_kept() -> None:
    error = said({"message": "Invalid", "error_code": 422, "errors": {"limit": ["too low"], "offset": "bad"}})
    assert error.errors == {"limit": ["too low"], "offset": ["bad"]}
