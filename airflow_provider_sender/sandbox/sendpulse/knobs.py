"""The knobs only the SendPulse look-alike has: what its documents leave open, or say in two ways."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from airflow_provider_sender.sandbox.sendara.knobs import SendaraKnobs

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


# A struct has one base only, so the services' knobs follow each other; none knows of the next.
class SendPulseKnobs(SendaraKnobs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the SendPulse look-alike behaves.

    :param sendpulse_requests_per_second: requests the account may make in a second; ``None`` is no limit.
    :param sendpulse_requests_per_minute: requests it may make in a minute; ``None`` is no limit.
    :param sendpulse_requests_per_day: requests it may make in a day; ``None`` is no limit.
    :param sendpulse_burst_status: the HTTP status of the refusal of more requests than fit into a second.
    :param sendpulse_campaigns_per_hour: campaigns that may be made in an hour; ``None`` is no limit.
    :param sendpulse_token_seconds: how long an issued token holds.
    :param sendpulse_errors_in_200: the share of errors that are answered with HTTP 200.
    :param sendpulse_error_form: how such an answer says that it is an error; ``bare`` has nothing but its code.
    :param sendpulse_numbers: how ids, counts and statuses are written; ``mixed`` makes odd ones strings.
    :param sendpulse_order: what pages of a list are sorted by.
    :param sendpulse_batch_limit: the most addresses one call may add; ``None`` is any number.
    :param sendpulse_lookup_limit: the most addresses one call may ask for; ``None`` is any number.
    :param sendpulse_lookup_unknown: whether addresses on no list are ``omitted`` from the answer to such a call, are in
        it with an ``empty`` array, or have the whole call ``refused``.
    :param sendpulse_plain_addresses: whether they may be plain strings rather than objects.
    :param sendpulse_deleted_lists: whether a deleted mailing list is ``gone``, or still ``shown`` with status 1.
    :param sendpulse_blacklist_page: addresses on a page of the blacklist; ``None`` gives all at once.
    :param sendpulse_tags: whether the account's plan has tags.
    :param sendpulse_statistics: the shape of a campaign's statistics.
    :param sendpulse_scheduled_status: the status a campaign shows while it waits for its date.
    :param sendpulse_scheduled_at_once: whether it is sent immediately instead, as under a strict DMARC policy.
    :param sendpulse_moderation_seconds: how long a campaign waits for a moderator before anything is mailed.
    :param sendpulse_cancel_while_sending: whether a campaign can be cancelled that is being sent.
    :param sendpulse_date_key: what a campaign's report on one address calls the date.
    :param sendpulse_smtp_user: whether the account has an SMTP user.
    :param sendpulse_text_required: whether a mail needs a plain text even when the service is to make one.
    :param sendpulse_unsubscribe_body: whether addresses that want no mails come as an ``array``, within an ``object``,
        or as either.
    """

    sendpulse_requests_per_second: Count | None = 10
    sendpulse_requests_per_minute: Count | None = 1_000
    sendpulse_requests_per_day: Count | None = 500_000
    sendpulse_burst_status: Literal[200, 400, 403, 422, 429] = 429
    sendpulse_campaigns_per_hour: Count | None = 4
    sendpulse_token_seconds: Positive = 3_600
    sendpulse_errors_in_200: Share = 0
    sendpulse_error_form: Literal["is_error", "result", "success", "bare"] = "is_error"
    sendpulse_numbers: Literal["int", "string", "mixed"] = "int"
    sendpulse_order: Literal["created", "email", "shuffled"] = "created"
    sendpulse_batch_limit: Count | None = None
    sendpulse_lookup_limit: Count | None = None
    sendpulse_lookup_unknown: Literal["omitted", "empty", "refused"] = "omitted"
    sendpulse_plain_addresses: bool = False
    sendpulse_deleted_lists: Literal["gone", "shown"] = "gone"
    sendpulse_blacklist_page: Count | None = None
    sendpulse_tags: bool = True
    sendpulse_statistics: Literal["general", "array", "totals"] = "general"
    sendpulse_scheduled_status: int = 13
    sendpulse_scheduled_at_once: bool = False
    sendpulse_moderation_seconds: Seconds = 0
    sendpulse_cancel_while_sending: bool = True
    sendpulse_date_key: Literal["sent_date", "send_date"] = "sent_date"
    sendpulse_smtp_user: bool = True
    sendpulse_text_required: bool = False
    sendpulse_unsubscribe_body: Literal["either", "array", "object"] = "either"
