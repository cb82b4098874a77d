from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.webhook_signature import signature_in, verify_webhook_signature

SECRET = "whsec-0123456789"
BODY = '{"id": "o2lk68Y",  "email": "zo\u00eb@example.com"}'.encode()


def digest(body: bytes = BODY, secret: str = SECRET, algorithm: str = "sha256") -> bytes:
    return hmac.digest(secret.encode(), body, algorithm)


def test_the_worked_example_of_rfc_4231_is_genuine() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert verify_webhook_signature(b"what do ya want for nothing?", expected, "Jefe")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("prefix", ["", "sha256=", "v1,"])
def test_every_way_to_write_a_signature_can_be_asked_for(algorithm: Any, prefix: str) -> None:
    raw = digest(algorithm=algorithm)
    ways: dict[str, Any] = {
        raw.hex(): "hex",
        raw.hex().upper(): "hex",
        base64.b64encode(raw).decode(): "base64",
        base64.urlsafe_b64encode(raw).decode().rstrip("="): "base64",
    }
    for written, encoding in ways.items():
        options: dict[str, Any] = {"algorithm": algorithm, "encoding": encoding, "prefix": prefix}
        assert verify_webhook_signature(BODY, f"{prefix}{written}", SECRET, **options)
        assert not verify_webhook_signature(BODY + b" ", f"{prefix}{written}", SECRET, **options)
        assert not verify_webhook_signature(BODY, f"{prefix}{written}", SECRET + "x", **options)
        assert not verify_webhook_signature(BODY, f"other={written}", SECRET, **options)


def test_a_signature_in_another_form_than_asked_for_is_none() -> None:
    raw = digest()
    assert not verify_webhook_signature(BODY, base64.b64encode(raw).decode(), SECRET)
    assert not verify_webhook_signature(BODY, raw.hex(), SECRET, encoding="base64")
    assert not verify_webhook_signature(BODY, f"sha256={raw.hex()}", SECRET)
    assert not verify_webhook_signature(BODY, raw.hex(), SECRET, prefix="sha256=")
    assert not verify_webhook_signature(BODY, raw.hex(), SECRET, algorithm="sha512")
    assert not verify_webhook_signature(BODY, raw.hex()[:-2], SECRET)


@given(st.none() | st.text() | st.binary().map(lambda raw: raw.hex()), st.sampled_from(["hex", "base64"]))
def test_whatever_else_the_header_holds_is_no_signature(signature: str | None, encoding: Any) -> None:
    assert verify_webhook_signature(BODY, signature, SECRET, encoding=encoding) is False


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_whatever_was_signed_is_genuine(body: bytes, secret: str) -> None:
    assert verify_webhook_signature(body, digest(body, secret).hex(), secret)


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert verify_webhook_signature(BODY, digest().hex(), SECRET)
    assert compared == [(digest(), digest())]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": ""}, "secret: is empty"),
        ({"secret": " \n"}, "secret: is empty"),
        ({"secret": None}, "secret: is a NoneType"),
        ({"secret": SECRET.encode()}, "secret: is a bytes"),
        ({"signature": hashlib.sha256(BODY).hexdigest().encode()}, "signature: is a bytes"),
        ({"body": BODY.decode()}, "body: is a str"),
        ({"algorithm": "md5"}, "algorithm: must be one of sha1, sha256"),
        ({"encoding": "base32"}, "encoding: must be one of hex, base64"),
    ],
)
def test_what_would_make_the_check_worthless_is_refused(change: dict[str, Any], words: str) -> None:
    call: dict[str, Any] = {"body": BODY, "signature": hashlib.sha256(BODY).hexdigest(), "secret": SECRET, **change}
    with pytest.raises(ConfigurationError, match=words):
        verify_webhook_signature(**call)


def test_the_header_is_found_in_any_letter_case() -> None:
    assert signature_in({"content-type": "x", "x-sender-signature": "abc"}) == "abc"
    assert signature_in({"X-Signature": "abc"}, "x-signature") == "abc"
    assert signature_in({"X-Signature": "abc"}) is None
    assert not verify_webhook_signature(BODY, signature_in({}), SECRET)


def test_nothing_but_the_standard_library_is_loaded() -> None:
    code = (
        "import sys; from airflow_provider_sender.client.webhook_signature import verify_webhook_signature;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "['__main__', 'airflow_provider_sender']"
