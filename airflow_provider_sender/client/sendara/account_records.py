"""What Sendara tells about an account itself, in shapes of its own; no other service has the like.

Every field may be missing and unknown ones are passed over, as in ``contact_records.py``.
"""

from __future__ import annotations

import msgspec

from airflow_provider_sender.client.values import Json


class SendaraUsage(msgspec.Struct):
    """What was sent in a period, and what it cost in micro-dollars."""

    period: str | None = None
    total_send_count: int | None = None
    total_cost_micros: int | None = None
    channels: Json = None


class SendaraVerification(msgspec.Struct):
    """Whether the account may send to anybody; in the sandbox mode of new ones it may not."""

    sandbox_mode: bool | None = None
    shared_email_sender: Json = None
    channels: Json = None


class SendaraDomain(msgspec.Struct):
    """A sending domain, and the DNS records it needs."""

    id: str | None = None
    domain: str | None = None
    dkim_status: str | None = None
    spf_status: str | None = None
    dmarc_status: str | None = None
    dns_records: Json = None
    mail_from_domain: str | None = None
    created_at: str | None = None


class SendaraDomainCheck(msgspec.Struct):
    """What a look at a domain's DNS records found."""

    domain: str | None = None
    fully_verified: bool | None = None
    results: Json = None


class SendaraKey(msgspec.Struct):
    """An API key. ``key``, the secret, comes once, when it is made or rotated; ``repr`` leaves it out."""

    id: str | None = None
    key: str | None = None
    key_prefix: str | None = None
    scope: str | None = None
    test_mode: bool | None = None
    created_at: str | None = None

    def __repr__(self) -> str:
        return f"SendaraKey(id={self.id!r}, key_prefix={self.key_prefix!r}, scope={self.scope!r})"


class SendaraWebhook(msgspec.Struct):
    """A webhook. Keep ``signing_secret``: some answers hold it only once; ``repr`` leaves it out."""

    id: str = ""
    endpoint_url: str | None = None
    event_types: list[str] | None = None
    signing_secret: str | None = None
    is_active: bool | None = None
    created_at: str | None = None

    def __repr__(self) -> str:
        return f"SendaraWebhook(id={self.id!r}, event_types={self.event_types!r}, is_active={self.is_active!r})"
