"""Whether a campaign is done, on its way, or will never be sent: the one answer for operator, sensor and trigger.

However somebody waits, in a worker or in a triggerer, alone or with a thousand others, a :class:`Wait` is told what
each look at the campaign brought and says what follows.
"""

from __future__ import annotations

import enum
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import NotFoundError, SenderError, ServiceError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.naming import no_such_campaign

log = logging.getLogger(__name__)

# A service may be away for some looks without a wait of hours being lost over it: for so many in a row, and for more of
# them where looks are so frequent that they would all fall into a shorter time.
MOST_FAILURES_IN_A_ROW = 10
_LONG_ENOUGH_AWAY = 150.0

# What would end a wait for good is looked at twice, so many seconds apart: a list that lags behind, or one node of a
# service, may say once that a campaign is not there, was cancelled, or that the token is wrong.
LOOK_TWICE_AFTER = 5.0


class Outlook(enum.Enum):
    """What can be expected of a campaign."""

    DONE = "done"
    WAIT = "wait"
    NEVER = "never"


class CampaignNotSentError(SenderError):
    """The campaign is in a state that cannot become SENT by itself.

    :param campaign: as it was seen last.
    :param why: what keeps it from being sent.
    """

    def __init__(self, campaign: Campaign, why: str) -> None:
        super().__init__(f"Campaign {campaign.id} will not be sent: {why} (state {state_in_words(campaign)}).")
        self.campaign = campaign
        self.campaign_id = campaign.id
        self.state = campaign.state


class CampaignTimeoutError(SenderError):
    """The campaign was not SENT in time. It may well be sent later: it was left alone."""

    retryable = True


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


class Wait:
    """One wait for one campaign: when to look, and what each look means.

    It has no clock: whoever looks says for how many seconds the wait has lasted.

    :param campaign_id: the campaign.
    :param patience: how long to wait for what.
    :param poll_interval: seconds between two looks.
    :param timeout: seconds after which the wait ends, whatever comes.
    :param failures: how many looks in a row have failed so far.
    """

    def __init__(
        self,
        campaign_id: str,
        patience: Patience,
        *,
        poll_interval: float,
        timeout: float = math.inf,
        failures: int = 0,
    ) -> None:
        self.campaign_id = campaign_id
        self.patience = patience
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.failures = failures
        self._most_failures = max(MOST_FAILURES_IN_A_ROW, math.ceil(_LONG_ENOUGH_AWAY / max(poll_interval, 1.0)))
        self._not_before = 0.0
        self.is_in_doubt = False

    def saw(self, campaign: Campaign, waited: float) -> bool:
        """Take note of the campaign as it is; return whether it is sent.

        :raises CampaignNotSentError: when it will never be, as two looks in a row have found.
        """
        self.failures = 0
        self._not_before = 0.0
        expected, why = outlook(campaign, waited, self.patience)
        if expected is Outlook.NEVER:
            self._end_if_sure(CampaignNotSentError(campaign, why))
            return False
        self.is_in_doubt = False
        return expected is Outlook.DONE

    def failed(self, error: Exception) -> None:
        """Take note of a look that brought nothing.

        :raises Exception: the error itself, when two looks in a row have found that looking again cannot help, or too
            many looks in a row have failed.
        """
        if isinstance(error, NotFoundError):
            self._end_if_sure(no_such_campaign(error, self.campaign_id))
            return
        if not isinstance(error, ServiceError):
            raise error
        if not error.retryable:
            self._end_if_sure(error)
            return
        self.failures += 1
        self._not_before = error.retry_after or 0.0
        if self.failures >= self._most_failures:
            raise error

    def _end_if_sure(self, error: SenderError) -> None:
        if self.is_in_doubt:
            raise error
        log.info("%s Looking once more before the wait ends", error)
        self.is_in_doubt = True

    def pause(self, waited: float) -> float:
        """Return the seconds until the next look: an interval, or what the service asks for; the last is at the end.

        :raises CampaignTimeoutError: when this was the last look.
        """
        left = self.timeout - waited
        if left <= 0:
            raise self.timed_out()
        if self.is_in_doubt:
            return min(self.poll_interval, LOOK_TWICE_AFTER, left)
        return min(max(self.poll_interval, self._not_before), left)

    def timed_out(self) -> CampaignTimeoutError:
        """Return the error of a wait whose time is over."""
        return CampaignTimeoutError(
            f"Campaign {self.campaign_id} was not sent within {self.timeout:.0f} s. It was left alone and may be sent "
            "later."
        )


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
    :raises ServiceError: when the service is away for too many looks in a row, or refuses the question.
    """
    wait = Wait(campaign_id, patience, poll_interval=poll_interval, timeout=timeout)
    began = clock()
    while True:
        try:
            campaign = service.campaign(campaign_id)
        except SenderError as error:
            wait.failed(error)
            log.warning("The campaign's state could not be read (%d times in a row): %s", wait.failures, error)
        else:
            if wait.saw(campaign, clock() - began):
                return campaign
            log.info("Campaign %s is %s", campaign_id, state_in_words(campaign))
        sleep(wait.pause(clock() - began))


def state_in_words(campaign: Campaign) -> str:
    """Return a campaign's state, and what the service calls it where that is something else."""
    if campaign.service_state.lower() == campaign.state.value:
        return campaign.state.value.upper()
    return f"{campaign.state.value.upper()}, {campaign.service_state or 'nothing'} in the service's words"
