"""The services the proof is made for. Another service is another entry of ``ACCOUNTS``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.campaigns import CampaignDefinition
from airflow_provider_sender.client.sendara.client import RATE_WINDOW, SendaraClient
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.jobs.accounts import service_of

RECIPIENTS = ("a@x.lt", "b@x.lt", "c@x.lt")
# How long what was done may take until it shows in what is read: well below the settling time.
SLOW: Mapping[str, Json] = {"state_delay_seconds": 10, "listing_delay_seconds": 10, "send_seconds": 5}


class Form(StrEnum):
    """What the operator is given."""

    ID = "campaign_id"
    DEFINITION = "campaign"


class When(StrEnum):
    """When the campaign is to be sent."""

    NOW = "now"
    SCHEDULED = "scheduled"
    RESCHEDULED = "scheduled anew"


@dataclass(frozen=True)
class Account:
    """What has to be known of a service to try its campaigns.

    :param name: the service.
    :param sends: in which form a campaign can be given to the operator, and when it can then be sent.
    :param connection: the Airflow connection to its part of a sandbox, without extras.
    :param extra: the connection's extras.
    :param definition: the campaign, as the operator takes it, in an account that was just furnished.
    :param draft: makes a draft of that, scheduled for a moment if one is given, and returns its id; None where the
        service knows no drafts.
    :param slow: knobs of a sandbox that is late with showing what was done.
    """

    name: str
    sends: tuple[tuple[Form, When], ...]
    connection: Callable[[Sandbox], Mapping[str, str]]
    extra: Mapping[str, Json]
    definition: Callable[[Sandbox], Mapping[str, Any]]
    draft: Callable[[Sandbox, datetime | None], str] | None
    slow: Mapping[str, Json]

    def furnish(self, sandbox: Sandbox, *, is_slow: bool) -> None:
        """Begin anew, with three people who can be mailed and one who cannot."""
        knobs: Mapping[str, Any] = self.slow if is_slow else {}
        sandbox.reset(**knobs)
        rows: list[dict[str, Json]] = [{"email": each, "groups": [_TO_GROUP]} for each in RECIPIENTS]
        sandbox.seed(rows=[*rows, {"email": "out@x.lt", "status": "unsubscribed", "groups": [_TO_GROUP]}])


def mails_of_all_campaigns(sandbox: Sandbox) -> Counter[str]:
    """Return how many mails each address got, whatever the campaign."""
    mails: Counter[str] = Counter()
    for campaign_id in sandbox.counters()["campaigns"]:
        mails.update(sandbox.mails(campaign_id))
    return mails


_DEFINITION: Mapping[str, Any] = {
    "subject": "News of the week",
    "from_name": "The Shop",
    "from_email": "shop@example.com",
    "html": "<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
}
_TO_EVERYBODY = {**_DEFINITION, "to_everyone": True}
_TO_GROUP = "Everybody"


def _to_group(service: Service) -> Mapping[str, Any]:
    """Return the campaign for a service where recipients are always those of a list."""
    group = next(group.id for group in service.groups() if group.title == _TO_GROUP)
    return {**_DEFINITION, "group_ids": [group]}


def _sender_draft(sandbox: Sandbox, scheduled_at: datetime | None) -> str:
    service: SenderService = service_of(sandbox)
    made = service.create_campaign(msgspec.convert(_TO_EVERYBODY, CampaignDefinition), "A draft")
    if scheduled_at is not None:
        service.schedule_campaign(made, scheduled_at)
    # It has been there for a while.
    sandbox.advance(timedelta(minutes=1).total_seconds())
    return made


def _sendara(sandbox: Sandbox) -> SendaraService:
    settings = Settings(base_url=sandbox.sendara_url).checked()
    return SendaraService(SendaraClient(sandbox.token, settings, SlidingBudget(window=RATE_WINDOW)))


def _sendara_draft(sandbox: Sandbox, scheduled_at: datetime | None) -> str:
    service = _sendara(sandbox)
    assert scheduled_at is None, "a draft takes no time there"
    made = service.create_campaign(msgspec.convert(_to_group(service), CampaignDefinition), "A draft")
    sandbox.advance(timedelta(minutes=1).total_seconds())
    return made


def _sendpulse(sandbox: Sandbox) -> SendPulseService:
    settings = Settings(base_url=sandbox.sendpulse_url).checked()
    return SendPulseService(SendPulseClient(None, sandbox.token, settings, Budget()))


ACCOUNTS = (
    Account(
        name="Sender",
        sends=(
            (Form.ID, When.NOW),
            (Form.ID, When.SCHEDULED),
            (Form.ID, When.RESCHEDULED),
            (Form.DEFINITION, When.NOW),
            (Form.DEFINITION, When.SCHEDULED),
        ),
        connection=lambda sandbox: sandbox.connection,
        extra={"settle_time": 30, "time_zone": "UTC"},
        definition=lambda sandbox: _TO_EVERYBODY,
        draft=_sender_draft,
        slow=SLOW,
    ),
    Account(
        name="SendPulse",
        sends=((Form.DEFINITION, When.NOW), (Form.DEFINITION, When.SCHEDULED)),
        connection=lambda sandbox: sandbox.sendpulse_connection,
        extra={"settle_time": 30},
        definition=lambda sandbox: _to_group(_sendpulse(sandbox)),
        draft=None,
        slow=SLOW,
    ),
    Account(
        name="Sendara",
        sends=((Form.ID, When.NOW), (Form.DEFINITION, When.NOW), (Form.DEFINITION, When.SCHEDULED)),
        connection=lambda sandbox: sandbox.sendara_connection,
        extra={"settle_time": 30},
        definition=lambda sandbox: _to_group(_sendara(sandbox)),
        draft=_sendara_draft,
        slow=SLOW,
    ),
)
