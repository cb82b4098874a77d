"""Whether a delivery of a Sendara webhook was sent by the service, told by its signature.

It is the hexadecimal HMAC-SHA256 of the time of the delivery, a dot, and the body as it came, under the webhook's
signing secret as it was shown, ``whsec_`` included. A delivery from long ago is a recording that somebody plays back,
so it is refused whatever its signature. The same event may come again; its ``Sendara-Event-Id`` then is the same.

Standard library only: whatever receives webhooks can use this, with or without Airflow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from airflow_provider_sender.client.webhook_signature import signature_in, verify_webhook_signature

SIGNATURE_HEADER = "Sendara-Signature"
TIMESTAMP_HEADER = "Sendara-Timestamp"

# Seconds a delivery may have taken, as the official clients have it.
TOLERANCE = 300.0


def verify_sendara_webhook(
    body: bytes, headers: Mapping[str, str], secret: str, *, tolerance: float = TOLERANCE, now: float | None = None
) -> bool:
    """Tell whether a delivery is genuine and fresh. It takes as long for a wrong signature as for the right one.

    :param body: the body as it came, byte for byte.
    :param headers: the delivery's headers, whatever the letter case of their names.
    :param secret: the webhook's signing secret.
    :param tolerance: seconds its time may differ from ours.
    :param now: our time in epoch seconds, by default this machine's.
    :raises ConfigurationError: when the secret is empty or the body is no bytes.
    """
    timestamp = (signature_in(headers, TIMESTAMP_HEADER) or "").strip()
    signed = f"{timestamp}.".encode() + body if isinstance(body, bytes) else body
    is_genuine = verify_webhook_signature(signed, signature_in(headers, SIGNATURE_HEADER), secret)
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    return is_genuine and abs((time.time() if now is None else now) - int(timestamp)) <= tolerance
