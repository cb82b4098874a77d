"""A scheduled campaign taken back because the task that waits for it was killed."""

from __future__ import annotations

import logging

from airflow_provider_sender.client.campaigns import CampaignState
from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.scheduling import cancel

log = logging.getLogger(__name__)


def take_back(service: Service, campaign_id: str) -> None:
    """Make a scheduled campaign a draft again, if that can still be done; say what became of it, and raise nothing.

    Whoever kills a task waits for it to end and gets no answer, so the log must have one.
    """
    try:
        campaign = cancel(service, campaign_id)
    except SenderError as error:
        log.warning("The task was killed (cancel_on_kill). Campaign %s was not taken back: %s", campaign_id, error)
        return
    if campaign.state is CampaignState.SCHEDULED:
        log.warning(
            "The task was killed (cancel_on_kill). Campaign %s was to be taken back and is still shown as scheduled; "
            "look at %s",
            campaign_id,
            service.campaign_url(campaign_id),
        )
        return
    log.info("The task was killed (cancel_on_kill). Campaign %s is not going to be sent", campaign_id)
