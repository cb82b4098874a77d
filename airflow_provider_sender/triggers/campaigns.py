"""Waiting for a campaign without a worker. A trigger only reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from airflow_provider_sender.client.records import Campaign
    from airflow_provider_sender.client.service import Service
    from airflow_provider_sender.jobs.waiting import Patience


class SenderCampaignTrigger(BaseTrigger):
    """Looks at a campaign until it is sent, can never be, or time is up.

    Its event is ``{"status", "campaign", "message"}``: ``status`` is ``sent``, ``never``, ``timeout``, ``away`` (the
    service was, for too long) or ``error``, ``campaign`` a small summary where the campaign could be read.

    :param campaign_id: the campaign.
    :param sender_conn_id: connection to the account.
    :param poll_interval: seconds between two looks.
    :param began: when the wait began, epoch seconds.
    :param end_time: when it ends whatever comes, epoch seconds.
    :param draft_timeout: seconds since ``began`` for which the campaign may still be a draft.
    :param accept_partly_sent: take a campaign that reached only some recipients for sent.
    """

    def __init__(
        self,
        *,
        campaign_id: str,
        sender_conn_id: str,
        poll_interval: float,
        began: float,
        end_time: float,
        draft_timeout: float,
        accept_partly_sent: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it untyped
        self.campaign_id = campaign_id
        self.sender_conn_id = sender_conn_id
        self.poll_interval = poll_interval
        self.began = began
        self.end_time = end_time
        self.draft_timeout = draft_timeout
        self.accept_partly_sent = accept_partly_sent

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and what it is made of, as plain JSON."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "campaign_id": self.campaign_id,
                "sender_conn_id": self.sender_conn_id,
                "poll_interval": self.poll_interval,
                "began": self.began,
                "end_time": self.end_time,
                "draft_timeout": self.draft_timeout,
                "accept_partly_sent": self.accept_partly_sent,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, at the end."""
        from airflow_provider_sender.client.errors import SenderError
        from airflow_provider_sender.hooks.services import service_for_trigger
        from airflow_provider_sender.jobs.waiting import Patience

        patience = Patience(self.draft_timeout, self.accept_partly_sent)
        try:
            service = await service_for_trigger(self.sender_conn_id)
            yield await self._wait(service, patience)
        except SenderError as error:
            yield _event("away" if getattr(error, "retryable", False) else "error", None, str(error))

    async def _wait(self, service: Service, patience: Patience) -> TriggerEvent:
        from airflow_provider_sender.client.errors import RateLimitError, ServiceFailureError
        from airflow_provider_sender.jobs.waiting import (
            MOST_FAILURES_IN_A_ROW,
            CampaignNotSentError,
            Outlook,
            outlook,
        )

        failures = 0
        while True:
            try:
                campaign = await asyncio.to_thread(service.campaign, self.campaign_id)
                failures = 0
                expected, why = outlook(campaign, time.time() - self.began, patience)
                if expected is Outlook.DONE:
                    return _event("sent", campaign)
                if expected is Outlook.NEVER:
                    return _event("never", campaign, str(CampaignNotSentError(campaign, why)))
            except (ServiceFailureError, RateLimitError) as error:
                failures += 1
                if failures >= MOST_FAILURES_IN_A_ROW:
                    raise
                self.log.warning("The campaign's state could not be read (%d times in a row): %s", failures, error)
            left = self.end_time - time.time()
            if left <= 0:
                why = f"Campaign {self.campaign_id} was not sent in time. It was left alone and may be sent later."
                return _event("timeout", None, why)
            await asyncio.sleep(min(self.poll_interval, left))


def campaign_of_event(event: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the campaign's summary from the event of a trigger that saw it sent.

    :raises CampaignTimeoutError: when the trigger ran out of time.
    :raises ServiceFailureError: when the service was away for too long; worth a retry.
    :raises SenderError: when the campaign will never be sent, the trigger failed, or the event is not one of ours.
    """
    from airflow_provider_sender.client.errors import SenderError, ServiceFailureError
    from airflow_provider_sender.jobs.waiting import CampaignTimeoutError

    status = event.get("status") if isinstance(event, Mapping) else None
    if event is not None and status == "sent":
        campaign: Mapping[str, Any] = event["campaign"]
        return campaign
    if event is not None and status == "timeout":
        raise CampaignTimeoutError(event["message"])
    if event is not None and status == "away":
        raise ServiceFailureError(event["message"])
    if event is not None and status in ("never", "error"):
        raise SenderError(event["message"])
    raise SenderError(f"The trigger came back with an event that is not one of this package's (status {status!r}).")


def _event(status: str, campaign: Campaign | None, message: str = "") -> TriggerEvent:
    summary = campaign.summary() if campaign else None
    payload = {"status": status, "campaign": summary, "message": message}
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]  # Airflow left it untyped
