"""Where a campaign is, in SendPulse's numbers, and how they follow each other as time goes by.

An accepted campaign is 13 (copying addresses), 1 (moderation), 2 (sending) and 3 (sent) one after the other; a
test campaign 4 and then 8. A control call can put a campaign into any other state, as the vendor's people would.
"""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.records import Campaign, CampaignStatus

CREATING, MODERATION, SENDING, SENT = 13, 1, 2, 3
TEST, TEST_SENT = 4, 8
NOBODY, CANCELLED, DRAFT = 12, 16, 26

# The table of the vendor's clients, which agree on every code.
STATES = frozenset(
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 23, 25, 26, 27, 28, 33, 36},
)
# In these the service goes on by itself.
_GOING_ON = frozenset({0, 1, 2, 7, 9, 10, 13, 14, 15, 22})


class Detail(msgspec.Struct, kw_only=True):
    """What only SendPulse knows of a campaign.

    :param list_ids: mailing lists, as they were given.
    :param send_date: the date it was scheduled for, as it was given.
    :param is_moderated: whether it waits for a moderator rather than for its date.
    :param opens: whether openings are counted.
    :param clicks: whether clicks are.
    :param state: the state a control call or a cancellation put it into.
    """

    list_ids: list[int] = []
    segment_id: int | None = None
    template_id: str | None = None
    send_date: str | None = None
    is_moderated: bool = False
    is_test: bool = False
    opens: bool = True
    clicks: bool = True
    attachments: list[str] = []
    state: int | None = None


def detail_of(campaign: Campaign) -> Detail:
    """What only SendPulse knows of a campaign."""
    found: Json = json.loads(campaign.detail)
    return msgspec.convert(found, Detail)


def written(detail: Detail) -> str:
    """The column of a detail."""
    return msgspec.json.encode(detail).decode()


def status_of(account: Account, campaign: Campaign) -> int:
    """A campaign's status now."""
    detail = detail_of(campaign)
    if detail.state is not None:
        return detail.state
    if campaign.status == CampaignStatus.SENT:
        return TEST_SENT if detail.is_test else SENT if campaign.recipients else NOBODY
    if campaign.status == CampaignStatus.SENDING:
        return TEST if detail.is_test else _sending(account, campaign, detail)
    if campaign.due_at is not None:
        return _waiting(account, campaign, detail)
    return CREATING if campaign.starts_at is not None else DRAFT


def _sending(account: Account, campaign: Campaign, detail: Detail) -> int:
    """The steps of a campaign that was accepted just now; one that waited before has some of them behind it."""
    seconds = account.settings.send_seconds
    if detail.send_date is not None or detail.is_moderated or campaign.ends_at is None or not seconds:
        return SENDING
    passed = 1 - (campaign.ends_at - account.now) / seconds
    return CREATING if passed < 0.1 else MODERATION if passed < 0.2 else SENDING


def _waiting(account: Account, campaign: Campaign, detail: Detail) -> int:
    if not detail.is_moderated:
        return account.settings.sendpulse_scheduled_status
    copied = campaign.created + account.settings.sendpulse_moderation_seconds / 10
    return CREATING if account.now < copied else MODERATION


def is_under_way(account: Account, campaign: Campaign) -> bool:
    """Whether a campaign is still to go out, or going."""
    return status_of(account, campaign) in _GOING_ON


def is_scheduled(campaign: Campaign) -> bool:
    """Whether a campaign waits for its date."""
    return campaign.due_at is not None and not detail_of(campaign).is_moderated


def put_into(account: Account, campaign: Campaign, state: int) -> None:
    """Have a campaign show a state from now on; in one that does not go on by itself nothing more is mailed."""
    detail = detail_of(campaign)
    detail.state = state
    changes: dict[str, Value] = {"detail": written(detail)}
    if state not in _GOING_ON:
        changes |= {"due_at": None, "starts_at": None, "ends_at": None}
    if state == CANCELLED:
        changes["status"] = CampaignStatus.CANCELLED
    account.campaigns.change(campaign, changes)
