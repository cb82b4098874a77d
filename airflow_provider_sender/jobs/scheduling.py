"""Scheduled campaigns: the time they are scheduled for checked, and one taken back."""

from __future__ import annotations

import logging
import time

import msgspec

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, NotFoundError, SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.finding import Sleep, is_same_time, poll
from airflow_provider_sender.jobs.naming import campaign_named
from airflow_provider_sender.jobs.preflight import Sending

log = logging.getLogger(__name__)

NOT_SENT = {CampaignState.FAILED, CampaignState.CANCELLED, CampaignState.NEEDS_ATTENTION}


class TooLateError(SenderError):
    """A campaign is not scheduled any more and no draft either: it cannot be taken back."""


class StillScheduledError(SenderError):
    """A campaign is shown as scheduled after the service took it back. Taking it back again does no harm."""

    retryable = True


def cancel_surely(service: Service, campaign_id: str, *, sleep: Sleep = time.sleep) -> Campaign:
    """Take a scheduled campaign back, and wait until that shows; one that is a draft already is left as it is.

    :raises TooLateError: when it is too late.
    :raises StillScheduledError: when it is scheduled all the same.
    """
    campaign = cancel(service, campaign_id)
    if campaign.state is not CampaignState.SCHEDULED:
        return campaign
    settle = service.transport.settings.settle_time
    log.info("Campaign %s is still shown as scheduled; looking again for up to %.0f s", campaign_id, settle)
    left = poll(lambda: _if_no_longer_scheduled(service, campaign), settle, sleep)
    if left is None:
        raise StillScheduledError(
            f"Campaign {campaign_id} is still shown as scheduled {settle:.0f} s after {service.name} took it back. "
            f"Look at {service.campaign_url(campaign_id)}: as long as it is scheduled there, it is going to be sent."
        )
    if left.state.has_left_draft:
        raise _too_late(left)
    return left


def _if_no_longer_scheduled(service: Service, campaign: Campaign) -> Campaign | None:
    try:
        now = service.campaign(campaign.id)
    except NotFoundError:  # some services remove what is cancelled
        return msgspec.structs.replace(campaign, state=CampaignState.CANCELLED)
    return now if now.state is not CampaignState.SCHEDULED else None


def cancel(service: Service, campaign_id: str) -> Campaign:
    """Take a scheduled campaign back; one that is a draft already is left as it is.

    :raises TooLateError: when it is too late.
    :raises InvalidRequestError: when the service refuses to, and the campaign is scheduled as before.
    """
    campaign = campaign_named(service, campaign_id)
    if campaign.state in (CampaignState.DRAFT, CampaignState.CANCELLED):
        log.info("Campaign %s is not scheduled; nothing to take back", campaign_id)
        return campaign
    if campaign.state is not CampaignState.SCHEDULED:
        raise _too_late(campaign)
    try:
        service.cancel_campaign(campaign_id)
    except (InvalidRequestError, NotFoundError) as error:
        campaign = service.campaign(campaign_id)
        if campaign.state in (CampaignState.DRAFT, CampaignState.CANCELLED):
            return campaign
        if campaign.state is CampaignState.SCHEDULED and isinstance(error, InvalidRequestError):
            raise  # it is refused for another reason than that it is too late
        raise _too_late(campaign) from None
    try:
        campaign = service.campaign(campaign_id)
    except NotFoundError:  # some services remove what is cancelled
        return msgspec.structs.replace(campaign, state=CampaignState.CANCELLED)
    if campaign.state.has_left_draft and campaign.state is not CampaignState.SCHEDULED:
        raise _too_late(campaign)
    return campaign


def _too_late(campaign: Campaign) -> TooLateError:
    state = campaign.service_state or campaign.state.value
    if not campaign.state.has_left_draft:
        return TooLateError(
            f"Campaign {campaign.id} cannot be taken back: it is not scheduled (its state is {state}). Look at it in "
            "the service."
        )
    return TooLateError(
        f"It is too late to cancel campaign {campaign.id}: its state is {state}; mails that went out cannot be taken "
        "back."
    )


def verified_schedule(service: Service, campaign: Campaign, sending: Sending) -> Campaign:
    """Hold the time a campaign is scheduled for against the time that was asked for.

    :raises ConfigurationError: when they differ; the schedule was taken back.
    """
    if sending.send_at is None or campaign.state is not CampaignState.SCHEDULED or campaign.scheduled_at is None:
        return campaign
    if is_same_time(campaign.scheduled_at, sending.send_at):
        return campaign
    cancel(service, campaign.id)
    raise ConfigurationError(
        f"send_at: {service.name} took {sending.send_at.isoformat()} for {campaign.scheduled_at.isoformat()}, so the "
        "account is in another time zone than the connection's extra time_zone says "
        f"({service.transport.settings.time_zone}). The schedule was taken back."
    )
