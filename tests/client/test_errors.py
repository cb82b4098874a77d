from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    RateLimitError,
    SenderError,
    ServiceError,
    ServiceFailureError,
    UnsupportedOperationError,
    without_addresses,
)

_LOCAL = st.text("abcXYZ019.!#$%&'*+-/=?^_`{|}~žé", min_size=1, max_size=30)


@given(local=_LOCAL, before=st.sampled_from(["", " ", '"', "<", "mailto:", "('", "to="]), at=st.sampled_from("@%"))
def test_no_part_of_an_address_is_left_whatever_it_looks_like(local: str, before: str, at: str) -> None:
    # Set apart, so that a letter of the sentence is not taken for one of the address.
    sentence = f"0: {before}{local}{'@' if at == '@' else '%40'}example.com is taken"

    cleaned = without_addresses(sentence)

    assert "example" not in cleaned
    assert "<address>" in cleaned
    assert cleaned.endswith("is taken")
    assert len(cleaned) <= len(f"0: {before}<address> is taken")


@pytest.mark.parametrize(
    "address",
    ["jane@example.com", "o'brien@example.com", "jane%40example.com", '"jane doe"@example.com', "jane@[10.0.0.1]"],
)
def test_an_address_is_taken_out_of_messages_field_names_field_messages_and_paths(address: str) -> None:
    error = InvalidRequestError(
        f"The address {address} is taken",
        method="GET",
        path=f"/subscribers/{address}",
        errors={f"subscribers.{address}": [f"{address} is taken"]},
    )

    shown = f"{error} {error!r} {error.args} {error.message} {error.errors} {error.path}"

    for part in ("jane", "brien", "example.com", "10.0.0.1"):
        assert part not in shown


def test_a_text_without_addresses_is_left_as_it_is() -> None:
    text = "Requests are limited (60 per minute); write 'a' at 5 % or see https://api.sender.net/#errors."

    assert without_addresses(text) == text


def test_a_sentence_says_everything_that_helps_and_what_is_learnt_later_as_well() -> None:
    error = RateLimitError("Too many.", method="POST", path="/groups/{}", status=429, code=7, request_id="abc")
    error.retry_after = 30.4

    assert str(error) == ("Too many. (POST /groups/{}, HTTP 429, code 7, request id abc, worth trying again in 30 s)")


def test_field_errors_are_in_the_sentence() -> None:
    error = InvalidRequestError("Refused.", status=422, errors={"phone": ["is invalid", "is taken"]})

    assert str(error) == "Refused. Fields: phone: is invalid, is taken (HTTP 422)"


def test_a_whole_page_of_text_is_cut() -> None:
    assert len(ServiceFailureError("x" * 10_000).message) == 400


def test_what_a_kind_says_about_trying_again_can_be_said_otherwise() -> None:
    assert ServiceFailureError("").retryable
    assert not ServiceFailureError("").nothing_done
    assert not ServiceFailureError("", retryable=False).retryable
    assert ServiceFailureError("", nothing_done=True).nothing_done
    assert RateLimitError("").nothing_done


def test_everything_is_caught_by_one_class() -> None:
    assert issubclass(ServiceError, SenderError)
    assert issubclass(ConfigurationError, SenderError)
    assert issubclass(ConfigurationError, ValueError)
    error = UnsupportedOperationError("SendPulse", "start a draft", "Create it with send_at.")
    assert isinstance(error, SenderError)
    assert str(error) == "SendPulse cannot start a draft. Create it with send_at."


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_that_crosses_a_process_boundary_keeps_what_it_knows(duplicate: object) -> None:
    error = InvalidRequestError("Refused.", method="POST", path="/x", status=422, errors={"a": ["b"]})

    twin = duplicate(error)  # type: ignore[operator]

    assert (str(twin), twin.status, twin.errors) == (str(error), 422, {"a": ["b"]})


@pytest.mark.parametrize("before", ["", "x" * 380, "x" * 392])
def test_a_secret_is_taken_out_of_everything_the_service_said_even_where_it_was_cut_off(before: str) -> None:
    secret = "sk_live_0123456789abcdef"
    error = InvalidRequestError(f"{before}{secret}", errors={secret: [f"{secret} is revoked"]}, code=f"key:{secret}")
    error.withhold(secret)
    shown = f"{error} {error!r} {error.args} {error.message} {error.errors} {error.code}"
    assert secret[:6] not in shown
    assert "<secret>" in shown


def test_what_is_too_short_for_a_secret_is_a_word_like_others() -> None:
    error = InvalidRequestError("No token was sent")
    error.withhold("token")
    assert error.message == "No token was sent"
