"""Waiting for campaigns without a worker. A trigger only reads, unless its task is killed and asked for more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent

from airflow_provider_sender._compat import stores_of_assets
from airflow_provider_sender.triggers.loading import client_loaded

if TYPE_CHECKING:
    from airflow_provider_sender.client.campaigns import Campaign


# Seconds the last look may take, which begins when time is up. A service that answers slower, or a secrets backend that
# does not answer at all, must not keep the task waiting.
_LAST_LOOK = 5.0


class SenderCampaignTrigger(BaseTrigger):
    """Looks at a campaign until it is sent, can never be, or time is up.

    All triggers of a process that wait on the same connection look together (``shared_poll.py``).

    Its event is ``{"status", "campaign", "message"}``: ``status`` is ``sent``, ``never``, ``timeout``, ``away`` (the
    service was, for too long) or ``error``, ``campaign`` a small summary where the campaign could be read.

    :param campaign_id: the campaign.
    :param began: when the wait began, epoch seconds.
    :param end_time: when it ends whatever comes, epoch seconds.
    :param sender_conn_id: connection to the account.
    :param poll_interval: seconds between two looks.
    :param draft_timeout: seconds since ``began`` for which the campaign may still be a draft.
    :param accept_partly_sent: take a campaign that reached only some recipients for sent.
    :param cancel_on_kill: take the campaign back if it is scheduled when somebody ends the task (Airflow 3.3 or newer).
    """

    def __init__(
        self,
        *,
        campaign_id: str,
        began: float,
        end_time: float,
        sender_conn_id: str = "sender_default",
        poll_interval: float = 60,
        draft_timeout: float = 600,
        accept_partly_sent: bool = False,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it untyped
        self.campaign_id = campaign_id
        self.sender_conn_id = sender_conn_id
        self.poll_interval = poll_interval
        self.began = began
        self.end_time = end_time
        self.draft_timeout = draft_timeout
        self.accept_partly_sent = accept_partly_sent
        self.cancel_on_kill = cancel_on_kill

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
                "cancel_on_kill": self.cancel_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, at the end."""
        await client_loaded()
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
            async with asyncio.timeout(max(0.0, self.end_time - time.time()) + _LAST_LOOK):
                event = _event("sent", await campaign_when_sent(self.sender_conn_id, wait, self.began))
        except TimeoutError:
            event = _event("timeout", None, str(wait.timed_out()))
        except CampaignNotSentError as error:
            event = _event("never", error.campaign, str(error))
        except CampaignTimeoutError as error:
            event = _event("timeout", None, str(error))
        except SenderError as error:
            is_away = isinstance(error, ServiceError) and error.retryable
            event = _event("away" if is_away else "error", None, str(error))
        yield event

    async def on_kill(self) -> None:
        """Take a scheduled campaign back, if that was asked for.

        Airflow calls this when somebody ends or clears the task, and never when a triggerer merely stops.
        """
        if not self.cancel_on_kill:
            return
        await client_loaded()
        from airflow_provider_sender.hooks.services import service_for_trigger
        from airflow_provider_sender.jobs.taking_back import take_back

        await asyncio.to_thread(take_back, await service_for_trigger(self.sender_conn_id), self.campaign_id)


class SenderCampaignEventTrigger(BaseEventTrigger):
    """Tells an ``AssetWatcher`` of every campaign that is sent.

    Its event tells of all campaigns that were seen sent for the first time since the last event: ``campaigns`` is a
    list of summaries, each with ``id``, ``title``, ``state``, ``service_state``, ``recipients``, ``sent``,
    ``scheduled_at`` and ``sent_at``; beside it stand the same keys of the first. ``assets.campaigns_sent`` reads it.
    Between two events lie 30 seconds or more. After events that come close together follow two that tell of no
    campaign, since Airflow may have given the last one to no run. What was sent before the watching began is no news.
    From Airflow 3.3 on, what was seen is remembered with the asset, so a campaign that is sent while no triggerer runs
    is told of later; and all watchers of a connection that look equally often look together.

    :param sender_conn_id: connection to the account.
    :param title_contains: only campaigns with this in their internal title, in upper or lower case. By default all.
    :param poll_interval: seconds between two looks, or a timedelta.
    """

    def __init__(
        self,
        *,
        sender_conn_id: str = "sender_default",
        title_contains: str | None = None,
        poll_interval: float | timedelta = 60,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it untyped
        self.sender_conn_id = sender_conn_id
        self.title_contains = title_contains
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and what it is made of, as plain JSON."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "sender_conn_id": self.sender_conn_id,
                "title_contains": self.title_contains,
                "poll_interval": self._interval(),
            },
        )

    def shared_stream_key(self) -> Hashable | None:
        """Return what watchers that look together have in common."""
        return ("sender-campaigns", self.sender_conn_id, self._interval())

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Mapping[str, Campaign]]:
        """Yield the account's newest campaigns, again and again.

        :raises ConfigurationError: when the interval between two looks is none.
        """
        await client_loaded()
        from airflow_provider_sender.triggers.campaign_stream import checked_interval, overviews

        async for overview in overviews(kwargs["sender_conn_id"], checked_interval(kwargs["poll_interval"])):
            yield overview

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[Mapping[str, Campaign]]
    ) -> AsyncIterator[TriggerEvent]:
        """Yield an event for the campaigns that were sent since the last one.

        :raises ConfigurationError: at once, when ``poll_interval`` is none.
        """
        await client_loaded()
        from airflow_provider_sender.triggers.campaign_news import CampaignNews
        from airflow_provider_sender.triggers.campaign_stream import checked_interval
        from airflow_provider_sender.triggers.watermark import Watermark

        checked_interval(self.poll_interval)
        news = CampaignNews(Watermark(stores_of_assets(self), self._name()), self.title_contains)
        async for overview in shared_stream:
            payload = await news.payload(overview)
            if payload is not None:
                yield TriggerEvent(payload)  # type: ignore[no-untyped-call]  # Airflow left it untyped
            # After the event: rather one twice than one not at all.
            await news.keep()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch alone, where Airflow shares no streams."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event

    def _interval(self) -> float:
        """Return ``poll_interval`` as Airflow keeps it: plain JSON, and the same however it was given."""
        given = self.poll_interval
        return given.total_seconds() if isinstance(given, timedelta) else given

    def _name(self) -> str:
        """Return what tells this watcher from others of the same asset."""
        return sha256(repr((self.sender_conn_id, self.title_contains)).encode()).hexdigest()[:16]


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
