"""Scheduled campaigns: the time they are scheduled for checked, and one taken back."""

from __future__ import annotations

import logging

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, NotFoundError
from airflow_provider_sender.client.records import Campaign, CampaignState
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.finding import is_same_time
from airflow_provider_sender.jobs.preflight import Sending, SendRefusedError

log = logging.getLogger(__name__)

NOT_SENT = {CampaignState.FAILED, CampaignState.CANCELLED, CampaignState.NEEDS_ATTENTION}


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
    try:
        campaign = service.campaign(campaign_id)
    except NotFoundError:  # some services remove what is cancelled
        return msgspec.structs.replace(campaign, state=CampaignState.CANCELLED)
    if campaign.state.has_left_draft and campaign.state is not CampaignState.SCHEDULED:
        raise _too_late(campaign)
    return campaign


def _too_late(campaign: Campaign) -> SendRefusedError:
    state = campaign.service_state or campaign.state.value
    return SendRefusedError(
        campaign.id, "too late to cancel", f"its state is {state}; mails that went out cannot be taken back."
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
