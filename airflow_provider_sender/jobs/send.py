"""A campaign sent once, whatever happens to whoever sends it.

The service knows whether a campaign went out; a worker that died does not. So the campaign's state is read before
anything is done, the one call that cannot be taken back is made only while the campaign is provably still a draft, and
what became of it is read back. "Provably" means: seen as a draft, and seen so again after the time the service may need
until what was done shows (``settle_time`` of the connection). Whoever died between the call and its answer is thereby
found out, by the same task later, by another run, or by another Airflow.

A campaign made from a definition carries a marker of the ``send_key`` in its internal title. It is looked for before
one is made, and again a settling time after: two runs that begin at the same moment may make two, but both then see
both and send the same one. Whoever did not make it lets twice that time go by first, so that only its maker sends it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
)
from airflow_provider_sender.client.records import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.preflight import (
    Sending,
    SendRefusedError,
    check_all,
    check_is_the_same,
    check_time,
)

log = logging.getLogger(__name__)

Sleep = Callable[[float], None]


_NOT_SENT = {CampaignState.FAILED, CampaignState.CANCELLED, CampaignState.NEEDS_ATTENTION}


class Intents(Protocol):
    """Where a task notes what it is about to do, if Airflow keeps such a place."""

    def noted(self) -> Mapping[str, str]:
        """Return what was noted last, by an earlier try of the same task."""

    def note(self, **facts: str) -> None:
        """Note what is about to be done; what was noted before stays."""


def marker_of(send_key: str) -> str:
    """Return what marks a campaign as the one of this intent: short, and the same wherever it is worked out."""
    return f"[key {sha256(send_key.encode()).hexdigest()[:16]}]"


def send_once(service: Service, sending: Sending, intents: Intents, *, sleep: Sleep = time.sleep) -> Campaign:
    """Send or schedule a campaign, or find that this was done already.

    :raises SendRefusedError: when a check does not pass or the service refuses; nothing was sent.
    :raises OutcomeUnknownError: when it cannot be told whether the service took the send; it says what to look at.
    :raises NotFoundError: when there is no such campaign.
    """
    if sending.send_at is not None:
        service.check_can_schedule()
    is_new = False
    campaign_id = sending.campaign_id
    if campaign_id is None:
        campaign_id, is_new = _found_or_created(service, sending, intents, sleep)
    campaign = service.campaign(campaign_id)
    if sending.campaign_id is None and marker_of(sending.send_key) not in campaign.title:
        raise SendRefusedError(
            campaign.id,
            "title",
            f"{service.name} did not keep the mark of the send_key at the end of its title, so it would not be found "
            "again and be sent twice. Give it a shorter title.",
        )
    if sending.definition is not None and not is_new:
        check_is_the_same(service, campaign, sending.definition)
    if campaign.state is CampaignState.DRAFT:
        check_all(service, campaign, sending)
        if not is_new:
            _let_settle(service, campaign, sending, sleep)
        campaign = service.campaign(campaign_id)
    if campaign.state.has_left_draft:
        scheduled = _as_scheduled(service, campaign, sending, sleep)
        if scheduled is not None:
            return scheduled
        check_all(service, campaign, sending)
        campaign = service.campaign(campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise SendRefusedError(
            campaign.id,
            "state",
            f"it is no draft (its state is {campaign.service_state or campaign.state.value}). Look at "
            f"{service.campaign_url(campaign.id)} before making a new one.",
        )
    return _send(service, campaign, sending, intents, sleep)


def _let_settle(service: Service, campaign: Campaign, sending: Sending, sleep: Sleep) -> None:
    """Wait until it would show if somebody else had sent this draft, being killed after the call, say."""
    pause = service.transport.settings.settle_time
    if sending.campaign_id is None:
        pause *= 2  # whoever made it lets a settling time go by before sending it
    log.info("Campaign %s is a draft; looking again in %.0f s, before anything is sent", campaign.id, pause)
    sleep(pause)


def create_once(
    service: Service, definition: CampaignDefinition, send_key: str, intents: Intents, *, sleep: Sleep = time.sleep
) -> str:
    """Make a draft from a definition, or find the one this intent made already; return its id.

    :raises OutcomeUnknownError: when it cannot be told whether the draft was made; nothing was mailed.
    """
    return _found_or_created(service, Sending(send_key, definition=definition), intents, sleep)[0]


def cancel(service: Service, campaign_id: str) -> Campaign:
    """Take a scheduled campaign back; one that is a draft already is left as it is.

    :raises SendRefusedError: when it is too late.
    """
    campaign = service.campaign(campaign_id)
    if campaign.state in (CampaignState.DRAFT, CampaignState.CANCELLED):
        log.info("Campaign %s is not scheduled; nothing to take back", campaign_id)
        return campaign
    if campaign.state is not CampaignState.SCHEDULED:
        raise _too_late(campaign)
    try:
        service.cancel_campaign(campaign_id)
    except (InvalidRequestError, NotFoundError):
        campaign = service.campaign(campaign_id)
        if campaign.state is CampaignState.DRAFT:
            return campaign
        raise _too_late(campaign) from None
    campaign = service.campaign(campaign_id)
    if campaign.state.has_left_draft and campaign.state is not CampaignState.SCHEDULED:
        raise _too_late(campaign)
    return campaign


def _too_late(campaign: Campaign) -> SendRefusedError:
    state = campaign.service_state or campaign.state.value
    return SendRefusedError(
        campaign.id, "too late to cancel", f"its state is {state}; mails that went out cannot be taken back."
    )


def _found_or_created(service: Service, sending: Sending, intents: Intents, sleep: Sleep) -> tuple[str, bool]:
    """Return the campaign of this intent, and whether it was made just now."""
    marker = marker_of(sending.send_key)
    settle = service.transport.settings.settle_time
    found = _noted(service, intents, marker) or _marked(service, marker)
    if found is None:
        # A campaign made by somebody who was killed right after may not be listed yet.
        log.info("No campaign carries the mark of this send_key; looking again in %.0f s, before one is made", settle)
        sleep(settle)
        found = _marked(service, marker)
    if found is not None:
        log.info("Campaign %s carries the mark of this send_key; it is taken up", found.id)
        return found.id, False
    definition = sending.definition
    if definition is None:
        raise ConfigurationError("Give either campaign_id or campaign.")
    is_new = True
    try:
        campaign_id = service.create_campaign(definition, f"{definition.title or definition.subject} {marker}")
    except OutcomeUnknownError as error:
        found = _poll(lambda: _marked(service, marker), settle, sleep)
        if found is None:
            raise OutcomeUnknownError(
                f"{error} No campaign with {marker} in its title has shown up within {settle:.0f} s. Nothing was "
                "mailed. Run the task again: it looks for that title first."
            ) from error
        campaign_id, is_new = found.id, False  # it may be somebody else's
    log.info("Created campaign %s; looking in %.0f s whether anybody else made one as well", campaign_id, settle)
    sleep(settle)
    # Two runs that looked at the same moment have both found none. Now they find both, and agree on one.
    agreed = _marked(service, marker)
    if agreed is not None and agreed.id != campaign_id:
        campaign_id, is_new = agreed.id, False
    intents.note(campaign_id=campaign_id, doing="create")
    return campaign_id, is_new


def _noted(service: Service, intents: Intents, marker: str) -> Campaign | None:
    """Return the campaign an earlier try of this task noted, if it is still there and of the same intent."""
    campaign_id = intents.noted().get("campaign_id")
    if not campaign_id:
        return None
    try:
        campaign = service.campaign(campaign_id)
    except NotFoundError:
        return None
    return campaign if marker in campaign.title else None


def _marked(service: Service, marker: str) -> Campaign | None:
    """Return the campaign that carries a mark; of several the one that left draft, else the oldest."""
    campaigns = service.campaigns_titled(marker)
    if len(campaigns) > 1:
        log.warning("%d campaigns carry %s; only one of them is sent", len(campaigns), marker)
    return next((each for each in campaigns if each.state is not CampaignState.DRAFT), next(iter(campaigns), None))


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
    if campaign.scheduled_at is None or _is_same_time(campaign.scheduled_at, sending.send_at):
        log.info("Campaign %s is scheduled already", campaign.id)
        return campaign
    check_time(campaign, sending)
    log.info("Campaign %s is scheduled for %s; scheduling it anew", campaign.id, campaign.scheduled_at)
    cancel(service, campaign.id)
    settle = service.transport.settings.settle_time
    draft = _poll(lambda: _if_draft(service, campaign.id), settle, sleep)
    if draft is None:
        raise SendRefusedError(campaign.id, "schedule", "its old schedule could not be taken back.")
    return None


def _if_draft(service: Service, campaign_id: str) -> Campaign | None:
    campaign = service.campaign(campaign_id)
    return campaign if campaign.state is CampaignState.DRAFT else None


def _send(service: Service, campaign: Campaign, sending: Sending, intents: Intents, sleep: Sleep) -> Campaign:
    settle = service.transport.settings.settle_time
    refusal: InvalidRequestError | None = None
    unknown: OutcomeUnknownError | None = None
    intents.note(campaign_id=campaign.id, doing="schedule" if sending.send_at else "send")
    log.info("%s campaign %s", "Scheduling" if sending.send_at else "Sending", campaign.id)
    try:
        if sending.send_at is None:
            service.send_campaign(campaign.id)
        else:
            service.schedule_campaign(campaign.id, sending.send_at)
    except InvalidRequestError as error:
        refusal = error  # "is being sent already" is a refusal, too; the state tells
    except OutcomeUnknownError as error:
        unknown = error
        log.warning("%s Reading back what became of it", error)
    left = _poll(lambda: _if_left_draft(service, campaign.id), 0.0 if refusal else settle, sleep)
    if left is not None and left.state in _NOT_SENT:
        why = f"the service made it {left.service_state or left.state.value} right after it was told to send it."
        raise SendRefusedError(left.id, "state", f"{why} {refusal or ''}".strip())
    if left is not None and (refusal is None or left.state.has_left_draft):
        return _verified(service, left, sending)
    if refusal is not None:
        raise SendRefusedError(campaign.id, "refused by the service", str(refusal)) from refusal
    raise OutcomeUnknownError(
        f"Campaign {campaign.id} is still shown as a draft {settle:.0f} s after {service.name} was told to send it"
        f"{' and no answer came' if unknown else ', which it accepted'}. It was not sent again. Look at "
        f"{service.campaign_url(campaign.id)}: if it is being sent, mark this task as successful; if it is "
        "certain that it was not, clear the task."
    ) from unknown


def _if_left_draft(service: Service, campaign_id: str) -> Campaign | None:
    campaign = service.campaign(campaign_id)
    return campaign if campaign.state is not CampaignState.DRAFT else None


def _verified(service: Service, campaign: Campaign, sending: Sending) -> Campaign:
    """Hold the time a campaign is scheduled for against the time that was asked for."""
    if sending.send_at is None or campaign.state is not CampaignState.SCHEDULED or campaign.scheduled_at is None:
        return campaign
    if _is_same_time(campaign.scheduled_at, sending.send_at):
        return campaign
    cancel(service, campaign.id)
    raise ConfigurationError(
        f"send_at: {service.name} took {sending.send_at.isoformat()} for {campaign.scheduled_at.isoformat()}, so the "
        "account is in another time zone than the connection's extra time_zone says "
        f"({service.transport.settings.time_zone}). The schedule was taken back."
    )


def _is_same_time(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=1)


def _poll(look: Callable[[], Campaign | None], seconds: float, sleep: Sleep) -> Campaign | None:
    """Look until there is something or the time is over; the last look is after the time is over."""
    waited, pause = 0.0, 0.5
    while True:
        found = look()
        if found is not None or waited >= seconds:
            return found
        pause = min(pause, seconds - waited)
        sleep(pause)
        waited, pause = waited + pause, min(2 * pause, 5.0)
