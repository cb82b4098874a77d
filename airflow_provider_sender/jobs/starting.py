"""A campaign that is on its way as soon as it is made, made once.

Where a service cannot send a draft (SendPulse) or cannot schedule one (Sendara), the call that makes a campaign is the
one that cannot be taken back. There is no draft to agree upon beforehand, so two things take its place:

* The campaign is looked for by its mark before it is made, and again a settling time later. Whoever made it and was
  killed, or lost the answer, is thereby found out.
* Two runs that look at the same moment are kept apart by a *claim* to the mark, which only one of them can have. A
  claim whose holder was killed is given up after the longest time its call can take.

Without claims a campaign can still be scheduled: of several made at the same moment, every run takes back all but the
oldest, and has time to. So the time must not be too near.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import (
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    SenderError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.jobs.finding import Intents, Sleep, first_title_of, is_same_time, poll
from airflow_provider_sender.jobs.marks import marker_of
from airflow_provider_sender.jobs.preflight import Sending, SendRefusedError, check_is_the_same, check_new
from airflow_provider_sender.jobs.scheduling import NOT_SENT, cancel, verified_schedule

log = logging.getLogger(__name__)

# Others may begin at the same moment, and each of them may be killed; more often than that something else is wrong.
_MOST_ROUNDS = 5

# A campaign is to be sent so much later than now, at the least, to say that it was sent at once instead.
_SOON = timedelta(minutes=1)

# What is sent at once is sent at the moment it was made, which may lie ahead for this machine.
_CLOCKS_DIFFER = timedelta(minutes=15)

_MAKE_ANEW = "make anew"


class ClaimedElsewhereError(SenderError):
    """Another run is about to start the same campaign, again and again. Nothing was sent by this one."""

    retryable = True


class SentTooSoonError(SenderError):
    """A campaign that was to be sent later was sent at once."""


def start_once(service: Service, sending: Sending, intents: Intents, sleep: Sleep = time.sleep) -> Campaign:
    """Make a campaign that is on its way, or find the one this intent made already.

    :raises SendRefusedError: when a check does not pass or the service refuses; nothing was sent.
    :raises OutcomeUnknownError: when it cannot be told whether the service took it; it says what to look at.
    :raises ClaimedElsewhereError: when other runs of the same intent do not come to an end.
    :raises SentTooSoonError: when the service did not heed the time.
    """
    if Capability.START_CAMPAIGN not in service.capabilities:
        raise UnsupportedOperationError(service.name, Capability.START_CAMPAIGN, "Send it in the service itself.")
    start = _Start(service, sending, intents, sleep)
    for _ in range(_MOST_ROUNDS):
        campaign = start.attempt()
        if campaign is not None:
            return start.verified(campaign)
    raise ClaimedElsewhereError(
        f"Somebody else has claimed this send_key {_MOST_ROUNDS} times and started no campaign. Nothing was sent."
    )


class _Start:
    """One run's way to a campaign that is on its way."""

    def __init__(self, service: Service, sending: Sending, intents: Intents, sleep: Sleep) -> None:
        self._service = service
        self._sending = sending
        self._definition = sending.made_from
        self._intents = intents
        self._sleep = sleep
        self._marker = marker_of(sending.send_key)
        self._settle = service.transport.settings.settle_time
        self._is_made_anew = intents.noted().get("doing") == _MAKE_ANEW
        self._has_made = False

    def attempt(self) -> Campaign | None:
        """Find the campaign or make it; None when somebody else was about to, and did not."""
        found = self._wanted()
        if found is None:
            log.info("No campaign carries the mark of this send_key; looking again in %.0f s", self._settle)
            self._sleep(self._settle)
            found = self._wanted()
        if found is not None:
            log.info("Campaign %s carries the mark of this send_key; it is taken up", found.id)
            return found
        check_new(self._service, self._definition, self._sending)
        if Capability.CLAIM in self._service.capabilities:
            return self._made_under_a_claim()
        self._check_is_in_time()
        self._make()
        self._sleep(self._settle)
        return self._wanted()

    def verified(self, campaign: Campaign) -> Campaign:
        """Hold a campaign that is on its way against what was asked for."""
        if campaign.state in NOT_SENT:
            state = campaign.service_state or campaign.state.value
            raise SendRefusedError(
                campaign.id, "state", f"its state is {state}. Look at {self._service.campaign_url(campaign.id)}."
            )
        send_at = self._sending.send_at
        has_begun = campaign.state.has_left_draft and campaign.state is not CampaignState.SCHEDULED
        began = campaign.sent_at or (datetime.now(UTC) if self._has_made else None)
        if send_at is not None and has_begun and began is not None and began < send_at - _SOON:
            raise SentTooSoonError(
                f"Campaign {campaign.id} was to be sent at {send_at.isoformat()}, but {self._service.name} sends it "
                f"already ({campaign.service_state}). A strict DMARC policy of the sender's domain may keep campaigns "
                "from being scheduled. Mails that went out cannot be taken back."
            )
        return verified_schedule(self._service, campaign, self._sending)

    def _wanted(self) -> Campaign | None:
        """Return the campaign of this intent, if there is one; take back what is scheduled beside it or otherwise.

        :raises SendRefusedError: when what is there stands in the way.
        """
        there = self._there()
        for surplus in there[1:]:
            log.warning("Campaign %s carries the mark of campaign %s; it is taken back", surplus.id, there[0].id)
            if surplus.state is CampaignState.SCHEDULED:
                cancel(self._service, surplus.id)
        if not there:
            return None
        campaign = there[0]
        check_is_the_same(self._service, campaign, self._definition)
        if campaign.state is not CampaignState.SCHEDULED or self._is_scheduled_as_wanted(campaign):
            return campaign
        self._make_way_for_another(campaign)
        return None

    def _is_scheduled_as_wanted(self, campaign: Campaign) -> bool:
        """Tell whether a campaign is scheduled for the time that was given.

        :raises SendRefusedError: when none was given, and it is to be sent later.
        """
        at, send_at = campaign.scheduled_at, self._sending.send_at
        if send_at is not None:
            return at is None or is_same_time(at, send_at)
        if at is not None and at < datetime.now(UTC) + _CLOCKS_DIFFER:
            return True  # it is sent at once, on a clock that is ahead of ours
        raise SendRefusedError(
            campaign.id,
            "scheduled",
            f"it is scheduled for {at}. Take that back first (SenderCancelCampaignOperator), and use another send_key, "
            "or give send_at.",
        )

    def _make_way_for_another(self, campaign: Campaign) -> None:
        """Take back what is scheduled for another time, once it is sure that it may be made anew."""
        check_new(self._service, self._definition, self._sending)
        log.info("Campaign %s is scheduled for %s; making it anew", campaign.id, campaign.scheduled_at)
        self._is_made_anew = True
        self._intents.note(doing=_MAKE_ANEW)
        cancel(self._service, campaign.id)

    def _there(self) -> Sequence[Campaign]:
        """Return the campaigns of this intent, the one that counts first.

        :raises SendRefusedError: when there is only one that was cancelled, and not by this task.
        """
        carrying = self._service.campaigns_titled(self._marker)
        cancelled = [each for each in carrying if each.state is CampaignState.CANCELLED]
        there = [each for each in carrying if each.state not in (CampaignState.DRAFT, CampaignState.CANCELLED)]
        if cancelled and not there and not self._is_made_anew:
            raise SendRefusedError(
                cancelled[0].id,
                "cancelled",
                "somebody cancelled it, and it is not for this task to overrule that. To send it after all, use "
                "another send_key.",
            )
        return sorted(there, key=lambda each: each.state is CampaignState.SCHEDULED)  # stable: the oldest first

    def _check_is_in_time(self) -> None:
        send_at, least = self._sending.send_at, timedelta(seconds=4 * self._settle)
        if send_at is None or send_at < datetime.now(UTC) + least:
            raise SendRefusedError(
                "",
                "send_at",
                f"{self._service.name} schedules a campaign as it makes it, and it takes {least.total_seconds():.0f} s "
                "to see to it that nobody else did the same. Give a later time, or none to send now.",
            )

    def _made_under_a_claim(self) -> Campaign | None:
        claim = self._service.claim(self._marker)
        if claim is None:
            return self._when_claimed_by_another()
        claimed_at = time.monotonic()
        try:
            is_mine = self._service.claims(self._marker)[:1] == [claim]
            found = self._wanted()  # somebody may have made it, and given the claim up, since the last look
            # Whoever waits for this run takes it for dead after a while, so it must not dawdle.
            if not is_mine or found is not None or time.monotonic() - claimed_at > self._settle:
                self._release(claim)
                return found
            made = self._make()
        except OutcomeUnknownError:
            raise  # the claim stays: whoever comes next waits for what may still come of the call
        except SenderError:
            self._release(claim)
            raise
        shown = poll(self._wanted, self._settle, self._sleep)
        if shown is None:
            return self._service.campaign(made)  # not listed yet, so nobody else may think that there is none
        self._release(claim)
        return shown

    def _release(self, claim: str) -> None:
        with suppress(SenderError):  # it is given up by itself, later
            self._service.release(claim)

    def _when_claimed_by_another(self) -> Campaign | None:
        """Wait for what another run makes, or until it must have been killed; then give its claim up."""
        settings = self._service.transport.settings
        longest = settings.max_wait + settings.timeout + 2 * self._settle
        claims = self._service.claims(self._marker)
        log.info("Another run has claimed this send_key; waiting up to %.0f s for its campaign", longest)
        waited, pause = 0.0, min(1.0, longest)
        while claims and waited < longest:
            self._sleep(pause)
            waited, pause = waited + pause, min(2 * pause, 10.0, max(longest - waited - pause, 0.01))
            found = self._wanted()
            if found is not None:
                return found
            if self._service.claims(self._marker)[:1] != claims[:1]:
                return None
        if claims:
            log.warning("The run that claimed this send_key has started nothing; its claim is given up")
            with suppress(NotFoundError):
                self._service.release(claims[0])
        return None

    def _make(self) -> str:
        """Make the campaign: the one call that cannot be taken back."""
        sending = self._sending
        self._intents.note(doing="schedule" if sending.send_at else "send")
        log.info("%s the campaign", "Scheduling" if sending.send_at else "Sending")
        try:
            made = self._service.start_campaign(
                self._definition, first_title_of(sending, self._definition), sending.send_at
            )
        except InvalidRequestError as error:
            raise SendRefusedError("", "refused by the service", str(error)) from error
        except OutcomeUnknownError as error:
            log.warning("%s Looking what became of it", error)
            found = poll(self._wanted, self._settle, self._sleep)
            if found is None:
                raise OutcomeUnknownError(
                    f"{error} No campaign with {self._marker} in its title has shown up within {self._settle:.0f} s. "
                    f"Look at the campaigns in {self._service.name}: if there is one, mark this task as successful; if "
                    "it is certain that there is none, clear the task."
                ) from error
            return found.id
        self._has_made = True
        self._intents.note(campaign_id=made)
        return made
