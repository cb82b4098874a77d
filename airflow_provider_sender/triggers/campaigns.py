"""Waiting for a campaign without a worker. A trigger only reads."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from airflow_provider_sender.client.records import Campaign


class _Loading:
    """Imports what does the waiting, in a thread: it brings an HTTP client along, and the event loop is everybody's."""

    def __init__(self) -> None:
        self._is_done = False
        self._first_come: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}

    async def done(self) -> None:
        """Return when it is imported, one after the other: a thousand who go on at once hold the event loop up, too."""
        if self._is_done:
            return
        loop = asyncio.get_running_loop()
        async with self._first_come.setdefault(loop, asyncio.Lock()):
            if not self._is_done:
                await asyncio.to_thread(importlib.import_module, "airflow_provider_sender.triggers.shared_poll")
                self._is_done = True
        self._first_come.pop(loop, None)


_loading = _Loading()


class SenderCampaignTrigger(BaseTrigger):
    """Looks at a campaign until it is sent, can never be, or time is up.

    All triggers of a process that wait on the same connection look together (``shared_poll.py``).

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
        await _loading.done()
        from airflow_provider_sender.client.errors import SenderError, ServiceError
        from airflow_provider_sender.jobs.waiting import CampaignNotSentError, CampaignTimeoutError, Patience, Wait
        from airflow_provider_sender.triggers.shared_poll import campaign_when_sent

        wait = Wait(
            self.campaign_id,
            Patience(self.draft_timeout, self.accept_partly_sent),
            poll_interval=self.poll_interval,
            timeout=self.end_time - self.began,
        )
        try:
            event = _event("sent", await campaign_when_sent(self.sender_conn_id, wait, self.began))
        except CampaignNotSentError as error:
            event = _event("never", error.campaign, str(error))
        except CampaignTimeoutError as error:
            event = _event("timeout", None, str(error))
        except SenderError as error:
            is_away = isinstance(error, ServiceError) and error.retryable
            event = _event("away" if is_away else "error", None, str(error))
        yield event


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
