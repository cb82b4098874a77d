"""Genuine deliveries of Sendara's webhooks, and all others."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendara.webhooks import verify_sendara_webhook

SECRET = "whsec_5f3a39ab8c2d4e6f9a0b1c2d3e4f5a6b"
NOW = 1_800_000_000
BODY = b'{"event_type": "delivered"}'


def signed(body: bytes = BODY, secret: str = SECRET, timestamp: str = str(NOW)) -> dict[str, str]:
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Sendara-Signature": signature, "Sendara-Timestamp": timestamp}


@given(body=st.binary(), secret=st.text(min_size=1).filter(str.strip))
def test_what_the_service_signed_is_genuine(body: bytes, secret: str) -> None:
    assert verify_sendara_webhook(body, signed(body, secret), secret, now=NOW)


def test_the_names_of_headers_may_be_in_any_case() -> None:
    assert verify_sendara_webhook(BODY, {name.lower(): value for name, value in signed().items()}, SECRET, now=NOW)


@pytest.mark.parametrize(
    "given_",
    [
        {"body": BODY + b" "},
        {"secret": SECRET.removeprefix("whsec_")},
        {"headers": signed() | {"Sendara-Timestamp": str(NOW + 1)}},
        {"headers": {"Sendara-Timestamp": str(NOW)}},
        {"headers": {"Sendara-Signature": signed()["Sendara-Signature"]}},
        {"headers": signed(timestamp="")},
        {"headers": signed(timestamp="soon")},
        {"headers": signed(timestamp="-5")},
        {"headers": {}},
    ],
)
def test_anything_else_is_not(given_: dict[str, Any]) -> None:
    delivery: dict[str, Any] = {"body": BODY, "headers": signed(), "secret": SECRET, **given_}

    assert not verify_sendara_webhook(**delivery, now=NOW)


@pytest.mark.parametrize(("late", "is_fresh"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_an_old_delivery_is_a_recording(late: int, is_fresh: bool) -> None:
    assert verify_sendara_webhook(BODY, signed(), SECRET, now=NOW + late) is is_fresh
    assert verify_sendara_webhook(BODY, signed(), SECRET, now=NOW + late, tolerance=1_000)


def test_an_empty_secret_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        verify_sendara_webhook(BODY, signed(), " ", now=NOW)
    with pytest.raises(ConfigurationError, match="body"):
        verify_sendara_webhook("text", signed(), SECRET, now=NOW)  # type: ignore[arg-type]
