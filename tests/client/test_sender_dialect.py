from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.sender.dialect import SenderDialect
from airflow_provider_sender.client.transport import Answer

REQUEST = read("/groups/{}", "g1")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def error_in(status: int, body: bytes | Any = b"", **headers: str) -> ServiceError | None:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return SenderDialect("token").error_in(Answer(status, headers, content), REQUEST)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, InvalidRequestError), (302, InvalidRequestError), (304, InvalidRequestError), (400, InvalidRequestError),
        (401, AuthenticationError), (403, PermissionDeniedError), (404, NotFoundError), (405, InvalidRequestError),
        (408, ServiceFailureError), (409, InvalidRequestError), (418, InvalidRequestError), (422, InvalidRequestError),
        (429, RateLimitError), (500, ServiceFailureError), (503, ServiceFailureError), (599, ServiceFailureError),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"text"', b"{}", b'{"success": true}', b'{"mes', b"\xff"]
)
def test_a_status_has_its_meaning_whatever_the_body(status: int, kind: type[ServiceError], body: bytes) -> None:
    error = error_in(status, body)

    assert type(error) is kind
    assert (error.status, error.method, error.path) == (status, "GET", "/groups/{}")
    assert error.message


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    "body", [{"data": 1}, {"success": True}, {"success": None}, {"success": 1}, {"message": "x"}, [1], "x"]
)
def test_a_success_is_none(status: int, body: Any) -> None:
    assert error_in(status, body) is None


@pytest.mark.parametrize("success", [False, 0, "false", "0"])
def test_a_success_that_says_it_is_none_is_an_error(success: object) -> None:
    error = error_in(200, {"success": success, "message": "You must activate workflow first"})

    assert type(error) is InvalidRequestError
    assert "You must activate workflow first" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":"a"}],"meta":{"total":1},"success":false}',
        b'{ "message" : "x" , "success" : 0 }',
        b'{"success":"false","data":[' + b",".join([b'{"id":"a"}'] * 10_000) + b"]}",
    ],
    ids=["after the rows", "with spaces", "before many rows"],
)
def test_a_success_that_is_none_is_found_wherever_it_stands(body: bytes) -> None:
    assert type(error_in(200, body)) is InvalidRequestError


def test_a_success_of_somebody_s_is_not_the_answer_s() -> None:
    assert error_in(200, {"data": [{"success": False, "name": '"success": false'}]}) is None


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("No.", "Sender says: No."),
        (["One.", "Two."], "Sender says: One.; Two."),
        ({"error": "No one.", "invalid_emails": [], "non_existing_subscribers": ["x", "y"]},
         "Sender says: No one., 2 non_existing_subscribers"),
        ({"subscribers": ["x"]}, "Sender says: 1 subscribers"),
        ([], "refuses this request."), (None, "refuses this request."), ("", "refuses this request."),
        ({}, "refuses this request."), (7, "refuses this request."),
    ],
)  # fmt: skip
def test_the_message_is_a_sentence_whatever_its_shape(message: Any, sentence: str) -> None:
    error = error_in(400, {"message": message})

    assert error is not None
    assert error.message.endswith(sentence)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({"email": ["Required", "Bad"]}, {"email": ["Required", "Bad"]}),
        ({"email": "Required"}, {"email": ["Required"]}),
        ({"a": [1], "b": None}, {"a": ["1"], "b": ["None"]}),
        ([], {}), (None, {}), ("text", {}), (["a"], {}),
    ],
)  # fmt: skip
def test_field_errors_are_lists_of_texts_whatever_their_shape(errors: Any, expected: dict[str, list[str]]) -> None:
    error = error_in(422, {"message": "The given data was invalid.", "errors": errors})

    assert error is not None
    assert error.errors == expected


def test_the_request_id_is_kept() -> None:
    error = error_in(500, b"", **{"X-Request-Id": "r-1"})

    assert error is not None
    assert error.request_id == "r-1"


@given(
    st.sampled_from([200, 302, 400, 404, 422, 429, 500]),
    _JSON | st.dictionaries(st.sampled_from(["success", "message", "errors"]), _JSON) | st.binary(max_size=30),
)
def test_no_body_whatever_it_holds_breaks_the_reading_of_errors(status: int, body: Any) -> None:
    error = error_in(status, body)

    assert isinstance(error, ServiceError) or (status == 200 and error is None)
    assert str(error)


def test_the_token_is_sent_as_a_bearer_token() -> None:
    assert SenderDialect("abc").authorization() == "Bearer abc"
