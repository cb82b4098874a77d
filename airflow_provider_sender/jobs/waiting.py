"""Whether a campaign is done, on its way, or will never be sent: the one answer for operator, sensor and trigger."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_sender.client.errors import RateLimitError, SenderError, ServiceFailureError
from airflow_provider_sender.client.records import Campaign, CampaignState
from airflow_provider_sender.client.service import Service

log = logging.getLogger(__name__)

# A service may be away for some polls without a wait of hours being lost over it.
MOST_FAILURES_IN_A_ROW = 10


class Outlook(enum.Enum):
    """What can be expected of a campaign."""

    DONE = "done"
    WAIT = "wait"
    NEVER = "never"


class CampaignNotSentError(SenderError):
    """The campaign is in a state that cannot become SENT by itself.

    :param campaign_id: which one.
    :param state: its state.
    """

    def __init__(self, campaign: Campaign, why: str) -> None:
        super().__init__(f"Campaign {campaign.id} will not be sent: {why} (state {_state(campaign)}).")
        self.campaign_id = campaign.id
        self.state = campaign.state


class CampaignTimeoutError(SenderError):
    """The campaign was not SENT in time. It may well be sent later: it was left alone."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what.

    :param draft_timeout: seconds a campaign may still be seen as a draft after the wait began.
    :param accept_partly_sent: whether a campaign that reached only some of its recipients counts as sent.
    """

    draft_timeout: float = 600.0
    accept_partly_sent: bool = False


_WHY_NEVER = {
    CampaignState.CANCELLED: "it was cancelled",
    CampaignState.FAILED: "the service gave up on it",
    CampaignState.NEEDS_ATTENTION: "the service waits for somebody to act; look at it there",
    CampaignState.PARTLY_SENT: "it reached only some of its recipients; accept_partly_sent=True takes that for sent",
}


def outlook(campaign: Campaign, waited: float, patience: Patience) -> tuple[Outlook, str]:
    """Return what can be expected of a campaign, and why when it is nothing.

    A state nobody has heard of waits: services invent states, and most of them are on the way to being sent.

    :param waited: seconds since the wait began.
    """
    state = campaign.state
    if state is CampaignState.SENT or (state is CampaignState.PARTLY_SENT and patience.accept_partly_sent):
        return Outlook.DONE, ""
    if state in _WHY_NEVER:
        return Outlook.NEVER, _WHY_NEVER[state]
    if state is CampaignState.DRAFT and waited >= patience.draft_timeout:
        why = f"after {waited:.0f} s it is still a draft; nobody sent it, or its schedule was taken back"
        return Outlook.NEVER, why
    return Outlook.WAIT, ""


def is_done(campaign: Campaign, waited: float, patience: Patience) -> bool:
    """Return whether a campaign is done.

    :raises CampaignNotSentError: when it will never be.
    """
    expected, why = outlook(campaign, waited, patience)
    if expected is Outlook.NEVER:
        raise CampaignNotSentError(campaign, why)
    return expected is Outlook.DONE


def wait_until_sent(
    service: Service,
    campaign_id: str,
    *,
    poll_interval: float,
    timeout: float,
    patience: Patience,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Campaign:
    """Return the campaign when it is sent.

    :raises CampaignNotSentError: when it will never be.
    :raises CampaignTimeoutError: when ``timeout`` seconds are over.
    :raises ServiceError: when the service is away for too many polls in a row, or refuses the question.
    """
    began = clock()
    failures = 0
    while True:
        try:
            campaign = service.campaign(campaign_id)
            failures = 0
        except (ServiceFailureError, RateLimitError) as error:
            failures += 1
            if failures >= MOST_FAILURES_IN_A_ROW:
                raise
            log.warning("The campaign's state could not be read (%d times in a row): %s", failures, error)
        else:
            if is_done(campaign, clock() - began, patience):
                return campaign
            log.info("Campaign %s is %s", campaign_id, _state(campaign))
        left = timeout - (clock() - began)
        if left <= 0:
            raise CampaignTimeoutError(
                f"Campaign {campaign_id} was not sent within {timeout:.0f} s. It was left alone and may be sent later."
            )
        sleep(min(poll_interval, left))


def _state(campaign: Campaign) -> str:
    if campaign.service_state.lower() == campaign.state.value:
        return campaign.state.value.upper()
    return f"{campaign.state.value.upper()}, {campaign.service_state or 'nothing'} in the service's words"
