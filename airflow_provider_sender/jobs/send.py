"""A campaign sent once, whatever happens to whoever sends it.

The service knows whether a campaign went out; a worker that died does not. So the campaign's state is read before
anything is done, the one call that cannot be taken back is made only while the campaign is provably still a draft, and
what became of it is read back. "Provably" means: seen as a draft, and seen so again after the time the service may need
until what was done shows (``settle_time`` of the connection). Whoever died between the call and its answer is thereby
found out, by the same task later, by another run, or by another Airflow.

Of a campaign made from a definition there is one draft for each intent, and one run that sends it (``drafting.py``).
Where a service cannot send a draft, or cannot schedule it, the campaign is on its way as it is made (``starting.py``).
"""

from __future__ import annotations

import logging
import time

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import (
    InvalidRequestError,
    OutcomeUnknownError,
    ServiceError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.jobs.drafting import Drafting, NotAgreedError
from airflow_provider_sender.jobs.finding import Intents, Sleep, is_same_time, poll
from airflow_provider_sender.jobs.naming import campaign_named
from airflow_provider_sender.jobs.preflight import (
    Sending,
    SendRefusedError,
    check_all,
    check_time,
)
from airflow_provider_sender.jobs.scheduling import NOT_SENT, cancel, verified_schedule
from airflow_provider_sender.jobs.starting import start_once

log = logging.getLogger(__name__)

_MOST_ROUNDS = 5


def send_once(service: Service, sending: Sending, intents: Intents, *, sleep: Sleep = time.sleep) -> Campaign:
    """Send or schedule a campaign, or find that this was done already.

    :raises SendRefusedError: when a check does not pass or the service refuses; nothing was sent.
    :raises OutcomeUnknownError: when it cannot be told whether the service took the send; it says what to look at.
    :raises NotFoundError: when there is no such campaign.
    :raises UnsupportedOperationError: when the service cannot send or schedule a draft, and is given one.
    """
    if sending.send_at is not None:
        service.check_can_schedule()
    needed = Capability.SEND_DRAFT if sending.send_at is None else Capability.SCHEDULE_DRAFT
    if needed not in service.capabilities:
        if sending.campaign_id is not None:
            raise UnsupportedOperationError(service.name, needed, "Give campaign instead of campaign_id.")
        return start_once(service, sending, intents, sleep)
    if sending.campaign_id is None:
        return _send_definition(service, sending, intents, sleep)
    return _send_draft(service, sending, sending.campaign_id, intents, sleep)


def _send_draft(service: Service, sending: Sending, campaign_id: str, intents: Intents, sleep: Sleep) -> Campaign:
    campaign = campaign_named(service, campaign_id)
    if campaign.state is CampaignState.DRAFT:
        check_all(service, campaign, sending)
        settle = service.transport.settings.settle_time
        log.info("Campaign %s is a draft; looking again in %.0f s, before anything is sent", campaign.id, settle)
        sleep(settle)  # until it would show if somebody else had sent it, being killed after the call, say
        campaign = service.campaign(campaign.id)
    if campaign.state.has_left_draft:
        scheduled = _as_scheduled(service, campaign, sending, sleep)
        if scheduled is not None:
            return scheduled
        check_all(service, campaign, sending)
        campaign = service.campaign(campaign.id)
    _check_is_draft(service, campaign)
    return _send(service, campaign, sending, intents, sleep)


def _send_definition(service: Service, sending: Sending, intents: Intents, sleep: Sleep) -> Campaign:
    drafting = Drafting(service, sending, intents, sleep)
    for _ in range(_MOST_ROUNDS):
        campaign = drafting.to_send()
        if campaign.state.has_left_draft:
            scheduled = _as_scheduled(service, campaign, sending, sleep)
            if scheduled is not None:
                return scheduled
            continue
        _check_is_draft(service, campaign)
        check_all(service, campaign, sending)
        if drafting.is_still_mine(campaign):
            return _send(service, campaign, sending, intents, sleep)
    raise NotAgreedError(
        f"Other runs of the same send_key have stepped in {_MOST_ROUNDS} times. Nothing was sent by this one."
    )


def _check_is_draft(service: Service, campaign: Campaign) -> None:
    if campaign.state is not CampaignState.DRAFT:
        raise SendRefusedError(
            campaign.id,
            "state",
            f"it is no draft (its state is {campaign.service_state or campaign.state.value}). Look at "
            f"{service.campaign_url(campaign.id)} before making a new one.",
        )


def _as_scheduled(service: Service, campaign: Campaign, sending: Sending, sleep: Sleep) -> Campaign | None:
    """Return a campaign that is on its way as wanted; None after a wrong schedule was taken back."""
    if campaign.state is not CampaignState.SCHEDULED:
        log.info("Campaign %s was sent already (%s); nothing to do", campaign.id, campaign.service_state)
        return campaign
    if sending.send_at is None:
        raise SendRefusedError(
            campaign.id,
            "scheduled",
            f"it is scheduled for {campaign.scheduled_at}. Take that back first (SenderCancelCampaignOperator), or "
            "give send_at.",
        )
    if campaign.scheduled_at is None or is_same_time(campaign.scheduled_at, sending.send_at):
        log.info("Campaign %s is scheduled already", campaign.id)
        return campaign
    check_time(campaign, sending)
    log.info("Campaign %s is scheduled for %s; scheduling it anew", campaign.id, campaign.scheduled_at)
    cancel(service, campaign.id)
    settle = service.transport.settings.settle_time
    draft = poll(lambda: _if_draft(service, campaign.id), settle, sleep)
    if draft is None:
        raise SendRefusedError(campaign.id, "schedule", "its old schedule could not be taken back.")
    return None


def _if_draft(service: Service, campaign_id: str) -> Campaign | None:
    campaign = service.campaign(campaign_id)
    return campaign if campaign.state is CampaignState.DRAFT else None


def _send(service: Service, campaign: Campaign, sending: Sending, intents: Intents, sleep: Sleep) -> Campaign:
    """Make the one call that cannot be taken back, and read back what became of it."""
    settle = service.transport.settings.settle_time
    intents.note(campaign_id=campaign.id, doing="schedule" if sending.send_at else "send")
    log.info("%s campaign %s", "Scheduling" if sending.send_at else "Sending", campaign.id)
    said = _told_to_send(service, campaign, sending)
    refusal = said if isinstance(said, InvalidRequestError) else None
    left = _read_back(service, campaign.id, 0.0 if refusal else settle, sleep)
    if left is not None and left.state in NOT_SENT:
        why = f"the service made it {left.service_state or left.state.value} right after it was told to send it."
        raise SendRefusedError(left.id, "state", f"{why} {refusal or ''}".strip())
    if left is not None and (refusal is None or left.state.has_left_draft):
        return verified_schedule(service, left, sending)
    if refusal is not None:
        raise SendRefusedError(campaign.id, "refused by the service", str(refusal)) from refusal
    raise OutcomeUnknownError(
        f"Campaign {campaign.id} is still shown as a draft {settle:.0f} s after {service.name} was told to send it"
        f"{' and no answer came' if said else ', which it accepted'}. It was not sent again. Look at "
        f"{service.campaign_url(campaign.id)}: if it is being sent, mark this task as successful; if it is "
        "certain that it was not, clear the task."
    ) from said


def _told_to_send(
    service: Service, campaign: Campaign, sending: Sending
) -> InvalidRequestError | OutcomeUnknownError | None:
    """Make the call; return what it said against it, as only the campaign's state tells what that means."""
    try:
        if sending.send_at is None:
            service.send_campaign(campaign.id)
        else:
            service.schedule_campaign(campaign.id, sending.send_at)
    except InvalidRequestError as error:
        return error  # "is being sent already" is a refusal, too
    except OutcomeUnknownError as error:
        log.warning("%s Reading back what became of it", error)
        return error
    return None


def _read_back(service: Service, campaign_id: str, seconds: float, sleep: Sleep) -> Campaign | None:
    """Return a campaign that the service was told to send; None when it is a draft after so many seconds.

    :raises OutcomeUnknownError: when it cannot be read, and trying again would not mend that.
    """
    try:
        return poll(lambda: _if_left_draft(service, campaign_id), seconds, sleep)
    except ServiceError as error:
        if error.retryable:
            log.warning("Campaign %s: what became of it could not be read. The next try reads it first", campaign_id)
            raise
        raise OutcomeUnknownError(
            f"{service.name} was told to send campaign {campaign_id}, and what became of it could not be read: {error} "
            f"It was not sent again. Look at {service.campaign_url(campaign_id)}: if it is being sent, mark this task "
            "as successful; if it is certain that it was not, clear the task."
        ) from error


def _if_left_draft(service: Service, campaign_id: str) -> Campaign | None:
    campaign = service.campaign(campaign_id)
    return campaign if campaign.state is not CampaignState.DRAFT else None
