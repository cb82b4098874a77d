"""Campaigns that somebody named by their id, and what is said where there is none."""

from __future__ import annotations

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.client.errors import NotFoundError
from airflow_provider_sender.client.service import Service


def campaign_named(service: Service, campaign_id: str, parameter: str = "campaign_id") -> Campaign:
    """Return the campaign of an id.

    :param parameter: where the id comes from, for the error.
    :raises NotFoundError: when the account has no such campaign; it says which parameter names it.
    """
    try:
        return service.campaign(campaign_id)
    except NotFoundError as error:
        raise no_such_campaign(error, campaign_id, parameter) from error


def no_such_campaign(error: NotFoundError, campaign_id: str, parameter: str = "campaign_id") -> NotFoundError:
    """Return the error of a service with what it leaves out: which campaign is not there, and what named it."""
    return NotFoundError(
        f"{parameter}: there is no campaign {campaign_id}. {error.message}",
        method=error.method,
        path=error.path,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
    )
