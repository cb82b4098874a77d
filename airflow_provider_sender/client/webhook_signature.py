"""Whether an account webhook's delivery was sent by the service, told by its signature.

Sender signs the body of a delivery with the account's signing secret (HMAC) and publishes neither the header the
signature comes in nor the hash. What other clients assume is the default here; one genuine delivery shows what is true.

Standard library only: whatever receives webhooks can use this, with or without Airflow.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

from airflow_provider_sender.client.errors import ConfigurationError

# The header other clients look in. None of them says that it has seen it.
SIGNATURE_HEADER = "X-Sender-Signature"

_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
_ENCODINGS = ("hex", "base64")


def signature_in(headers: Mapping[str, str], header: str = SIGNATURE_HEADER) -> str | None:
    """Return the signature a delivery came with, whatever the letter case of the header's name; None without one."""
    return next((value for name, value in headers.items() if name.lower() == header.lower()), None)


def verify_webhook_signature(
    body: bytes,
    signature: str | None,
    secret: str,
    *,
    algorithm: str = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
    prefix: str = "",
) -> bool:
    """Tell whether a delivery's signature is that of its body. It takes as long for a wrong one as for the right one.

    :param body: the body as it came, byte for byte: decoded and encoded again, JSON is not the same.
    :param signature: what the header holds; None, where there is no such header, is no signature.
    :param secret: the account's signing secret.
    :param algorithm: the hash: sha1, sha256, sha384 or sha512.
    :param encoding: how the signature is written: hex (in either letter case), or base64 (standard or URL-safe).
    :param prefix: what stands before it, as ``sha256=``; a signature without it is none.
    :raises ConfigurationError: when the secret is empty or no text, the body is no bytes, the signature is no text, or
        the hash or encoding is not known.
    """
    if not isinstance(body, bytes):
        raise ConfigurationError(f"body: is a {type(body).__name__}. Give the bytes of the request as they came.")
    if not isinstance(signature, str | None):
        raise ConfigurationError(f"signature: is a {type(signature).__name__}. Give the header's value as a text.")
    if not isinstance(secret, str):
        raise ConfigurationError(f"secret: is a {type(secret).__name__}. Give the account's signing secret as a text.")
    if not secret.strip():
        raise ConfigurationError("secret: is empty. Anybody could sign with that; give the account's signing secret.")
    if algorithm not in _ALGORITHMS:
        raise ConfigurationError(f"algorithm: must be one of {', '.join(_ALGORITHMS)}; got {algorithm!r}.")
    if encoding not in _ENCODINGS:
        raise ConfigurationError(f"encoding: must be one of {', '.join(_ENCODINGS)}; got {encoding!r}.")
    if signature is None or not signature.startswith(prefix):
        return False
    given = _decoded(signature.removeprefix(prefix).strip(), encoding)
    expected = hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).digest()
    return given is not None and hmac.compare_digest(given, expected)


def _decoded(signature: str, encoding: str) -> bytes | None:
    """Return a signature's bytes, or None when it is not written so."""
    try:
        if encoding == "hex":
            return binascii.unhexlify(signature)
        standard = signature.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:  # of which binascii.Error is one
        return None
