"""The knobs only the Sendara look-alike has: what its documents leave open, or say in two ways."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class SendaraKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the Sendara look-alike behaves.

    :param sendara_requests_per_second: requests an account may make within any one second; ``None`` is no
        limit, and then the answers carry no rate headers either.
    :param sendara_admin_includes: whether an ``admin`` key may also send and read.
    :param sendara_send_reads: whether a ``send`` key may also read.
    :param sendara_error_form: errors inside ``error``, or flat as the SDKs also accept them.
    :param sendara_default_limit: rows on a page that was asked for without ``limit``.
    :param sendara_max_limit: the largest page; more is cut down to it. ``None`` gives any size asked for.
    :param sendara_members: whether a list's members all come at once, are silently cut off at
        ``sendara_max_limit``, or are paged with ``limit`` and ``offset``.
    :param sendara_suppressed_consent: the ``email_consent`` of a contact that bounced, complained or is suppressed;
        ``kept`` is what it was before.
    :param sendara_suppressions: the same for the suppression list.
    :param sendara_broadcasts: the same for the broadcasts.
    :param sendara_import_form: which of the three described import calls is understood.
    :param sendara_import_limit: the most contacts one import may have.
    :param sendara_import_merges: whether an import adds to tags and attributes instead of replacing them.
    :param sendara_import_skips: a glob over addresses an import silently skips.
    :param sendara_key_required: whether a send without ``idempotency_key`` is refused.
    :param sendara_key_lookup: whether ``GET /v1/messages?idempotency_key=`` gives the message, a list of it, or,
        the key being ignored, a list of all.
    :param sendara_batch_limit: the most messages one batch may have.
    :param sendara_validation_configured: whether ``validate_recipient`` can be asked for.
    :param sendara_email_only: whether other channels than e-mail are refused.
    :param sendara_first_event: the type of a message's first event.
    :param sendara_late_status: the status of the refusal to send, cancel or delete a broadcast in the wrong state.
    :param sendara_sender_names: whether the address a broadcast is from may have a name.
    :param sendara_broadcasts_fail: whether the fan-out of broadcasts fails.
    :param sendara_spend_cap_reached: whether every send is refused with 402.
    :param sendara_verified_domains: domains that may be sent from beside those verified through the API;
        ``None`` lets every address send.
    :param sendara_dns_published: whether a domain's DNS records are found when it is verified.
    :param sendara_sandboxed: whether the account is still sandboxed.
    :param sendara_verify_seconds: how long a test recipient takes to click the link; ``None`` never does.
    :param sendara_secret_form: webhook secrets beginning with ``whsec_`` and shown once, or plain hexadecimal and
        shown in every read.
    :param sendara_event_names: webhook events called ``delivered``, or ``message.delivered``.
    :param sendara_delivery_status_key: what a delivery calls the status it was answered with.
    """

    sendara_requests_per_second: Count | None = 10
    sendara_admin_includes: bool = True
    sendara_send_reads: bool = False
    sendara_error_form: Literal["nested", "flat"] = "nested"
    sendara_default_limit: Count = 50
    sendara_max_limit: Count | None = 100
    sendara_members: Literal["all", "capped", "paged"] = "all"
    sendara_suppressed_consent: Literal["unsubscribed", "suppressed", "kept"] = "unsubscribed"
    sendara_suppressions: Literal["all", "capped", "paged"] = "all"
    sendara_broadcasts: Literal["all", "capped", "paged"] = "paged"
    sendara_import_form: Literal["contacts", "s3", "inline"] = "contacts"
    sendara_import_limit: Count | None = None
    sendara_import_merges: bool = False
    sendara_import_skips: str | None = None
    sendara_key_required: bool = True
    sendara_key_lookup: Literal["message", "list", "all"] = "message"
    sendara_batch_limit: Count | None = None
    sendara_validation_configured: bool = True
    sendara_email_only: bool = False
    sendara_first_event: Literal["accepted", "queued"] = "accepted"
    sendara_late_status: Literal[400, 404, 409, 422] = 400
    sendara_sender_names: bool = True
    sendara_broadcasts_fail: bool = False
    sendara_spend_cap_reached: bool = False
    sendara_verified_domains: tuple[str, ...] | None = None
    sendara_dns_published: bool = True
    sendara_sandboxed: bool = False
    sendara_verify_seconds: Seconds | None = 5
    sendara_secret_form: Literal["whsec", "hex"] = "whsec"
    sendara_event_names: Literal["bare", "prefixed"] = "bare"
    sendara_delivery_status_key: Literal["response_code", "response_status"] = "response_code"
