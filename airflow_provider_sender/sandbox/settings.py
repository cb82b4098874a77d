"""The knobs of the sandbox: everything about the service that a test may want otherwise."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from airflow_provider_sender.sandbox.sendpulse.knobs import SendPulseKnobs

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class Settings(SendPulseKnobs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the stand-in behaves where the service's documents leave room, or where accounts differ.

    :param requests_per_window: requests the account may make in a window; ``None`` is no limit, and then the
        answers carry no rate headers either.
    :param window_seconds: length of the fixed window, which begins with its first request.
    :param retry_after: whether a 429 carries ``Retry-After``.
    :param reset_format: how ``X-RateLimit-Reset`` is written: ISO-8601, epoch seconds, or seconds from now.
    :param send_seconds: how long a campaign stays SENDING.
    :param state_delay_seconds: how long a campaign still shows its old status after a send was accepted.
    :param delete_seconds: how long deleted subscribers stay before they are really gone.
    :param group_visibility_seconds: age at which a new subscriber can be added to a group by address.
    :param listing_delay_seconds: age at which a new subscriber or campaign appears in lists.
    :param max_limit: the largest page; more is cut down to it. ``None`` gives any size asked for.
    :param time_zone: the account's time zone, in which ``schedule_time`` is read.
    :param created_format: how a subscriber's ``created`` is written; ``mixed`` alternates from row to row.
    :param stable_ties: whether rows with equal sort keys keep their order from request to request.
    :param ignore_order: whether lists come newest first whatever was asked.
    :param post_conflict: whether POST of an existing address is refused with 422.
    :param post_reactivates: whether POST of an existing address makes it active again.
    :param post_groups: what POST does with the groups of an existing address.
    :param patch_groups: what PATCH does with them.
    :param post_fields: whether POST stores custom fields, or silently drops them.
    :param post_status: the status of an accepted POST.
    :param membership_keys: which of the two attested spellings group calls answer in.
    :param campaign_patch: whether campaigns can be updated; ``False`` answers 404.
    """

    requests_per_window: Count | None = 300
    window_seconds: Positive = 60
    retry_after: bool = True
    reset_format: Literal["iso", "epoch", "delta"] = "iso"
    send_seconds: Seconds = 5
    state_delay_seconds: Seconds = 0
    delete_seconds: Seconds = 5
    group_visibility_seconds: Seconds = 15
    listing_delay_seconds: Seconds = 0
    max_limit: Count | None = 100
    time_zone: str = "UTC"
    created_format: Literal["iso", "plain", "mixed"] = "iso"
    stable_ties: bool = True
    ignore_order: bool = False
    post_conflict: bool = False
    post_reactivates: bool = True
    post_groups: Literal["merge", "replace"] = "merge"
    patch_groups: Literal["merge", "replace"] = "merge"
    post_fields: bool = True
    post_status: Literal[200, 201] = 200
    membership_keys: Literal["reference", "pipedream"] = "reference"
    campaign_patch: bool = True

    def __post_init__(self) -> None:
        """Refuse a time zone that does not exist while somebody is there to read why."""
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"time_zone: {self.time_zone!r} is not a known time zone") from None

    def changed(self, changes: dict[str, object]) -> Settings:
        """These settings with some of them changed.

        :raises msgspec.ValidationError: naming the knob that is unknown or has a wrong value.
        """
        return msgspec.convert({**msgspec.to_builtins(self), **changes}, Settings)
