"""The services the proof is made for. Another service is another entry of ``ACCOUNTS``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from airflow_provider_sender.client.records import CampaignDefinition
from airflow_provider_sender.client.sender_service import SenderService
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.jobs.accounts import service_of

RECIPIENTS = ("a@x.lt", "b@x.lt", "c@x.lt")
# How long what was done may take until it shows in what is read: well below the settling time.
SLOW: Mapping[str, Json] = {"state_delay_seconds": 10, "listing_delay_seconds": 10, "send_seconds": 5}


class Form(StrEnum):
    """What the operator is given."""

    ID = "campaign_id"
    DEFINITION = "campaign"


@dataclass(frozen=True)
class Account:
    """What has to be known of a service to try its campaigns.

    :param name: the service.
    :param forms: the forms in which a campaign can be given to the operator.
    :param connection: the Airflow connection to its part of a sandbox, without extras.
    :param extra: the connection's extras.
    :param definition: the campaign, as the operator takes it, in an account that was just furnished.
    :param draft: makes a draft of that, scheduled for a moment if one is given, and returns its id; None where the
        service knows no drafts.
    :param mails: counts, over all campaigns, how many mails each address got.
    :param slow: knobs of a sandbox that is late with showing what was done.
    """

    name: str
    forms: tuple[Form, ...]
    connection: Callable[[Sandbox], Mapping[str, str]]
    extra: Mapping[str, Json]
    definition: Callable[[Sandbox], Mapping[str, Any]]
    draft: Callable[[Sandbox, datetime | None], str] | None
    mails: Callable[[Sandbox], Counter[str]]
    slow: Mapping[str, Json]

    def furnish(self, sandbox: Sandbox, *, is_slow: bool) -> None:
        """Begin anew, with three people who can be mailed and one who cannot."""
        knobs: Mapping[str, Any] = self.slow if is_slow else {}
        sandbox.reset(**knobs)
        rows: list[dict[str, Json]] = [{"email": each} for each in RECIPIENTS]
        sandbox.seed(rows=[*rows, {"email": "out@x.lt", "status": "unsubscribed"}])


def mails_of_all_campaigns(sandbox: Sandbox) -> Counter[str]:
    """Return how many mails each address got, whatever the campaign."""
    mails: Counter[str] = Counter()
    for campaign_id in sandbox.counters()["campaigns"]:
        mails.update(sandbox.mails(campaign_id))
    return mails


_DEFINITION = {
    "subject": "News of the week",
    "from_name": "The Shop",
    "from_email": "shop@example.com",
    "html": "<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
    "to_everyone": True,
}


def _sender_draft(sandbox: Sandbox, scheduled_at: datetime | None) -> str:
    service: SenderService = service_of(sandbox)
    made = service.create_campaign(msgspec.convert(_DEFINITION, CampaignDefinition), "A draft")
    if scheduled_at is not None:
        service.schedule_campaign(made, scheduled_at)
    # It has been there for a while.
    sandbox.advance(timedelta(minutes=1).total_seconds())
    return made


ACCOUNTS = (
    Account(
        name="Sender",
        forms=(Form.ID, Form.DEFINITION),
        connection=lambda sandbox: sandbox.connection,
        extra={"settle_time": 30, "time_zone": "UTC"},
        definition=lambda sandbox: _DEFINITION,
        draft=_sender_draft,
        mails=mails_of_all_campaigns,
        slow=SLOW,
    ),
)
