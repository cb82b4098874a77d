"""Waiting for a campaign to be sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_sender._compat import AirflowFailException, AirflowSensorTimeout, AirflowSkipException, conf
from airflow_provider_sender.links.campaigns import CAMPAIGN_URL, SenderCampaignLink
from airflow_provider_sender.operators.base import end_work, no_retry_when_final
from airflow_provider_sender.operators.parameters import given, seconds
from airflow_provider_sender.operators.templated import TemplatedOperator
from airflow_provider_sender.operators.waiting import WaitedFor, defer_until_sent
from airflow_provider_sender.sensors.failed_looks import FailedLooks

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_sender.client.campaigns import Campaign
    from airflow_provider_sender.client.service import Service
    from airflow_provider_sender.jobs.waiting import Patience, Wait


class SenderCampaignSensor(TemplatedOperator, BaseSensorOperator):
    """Waits until a campaign is SENT; fails at once when it never will be.

    A campaign that is cancelled, failed, or waits for somebody to act fails the sensor without retries. One that is a
    draft is waited for only for ``draft_timeout`` seconds. A state nobody has heard of is waited for. The service being
    away for a while does no harm.

    Returns a small summary: ``id``, ``title``, ``state``, ``service_state``, ``recipients``, ``sent``,
    ``scheduled_at``, ``sent_at``.

    .. seealso:: :ref:`howto/sensor:SenderCampaignSensor`

    :param campaign_id: the campaign. (templated)
    :param sender_conn_id: connection to the account. (templated)
    :param draft_timeout: seconds for which the campaign may still be a draft.
    :param accept_partly_sent: take a campaign that reached only some recipients for sent.
    :param cancel_on_kill: take the campaign back if it is still scheduled when the task is ended or cleared while it
        waits; in the triggerer with Airflow 3.3 or newer. By default it is left alone.
    :param deferrable: wait in the triggerer, without a worker.
    """

    template_fields: Sequence[str] = ("sender_conn_id", "campaign_id")
    operator_extra_links = (SenderCampaignLink(),)
    ui_color = "#e8f0ff"
    _failed_looks: FailedLooks | None = None
    _waited_for: WaitedFor | None = None

    def __init__(
        self,
        *,
        campaign_id: str | XComArg,
        sender_conn_id: str = "sender_default",
        draft_timeout: float | timedelta = 600,
        accept_partly_sent: bool = False,
        cancel_on_kill: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.sender_conn_id = sender_conn_id
        self.draft_timeout = draft_timeout
        self.accept_partly_sent = accept_partly_sent
        self.cancel_on_kill = cancel_on_kill
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Wait, and return the campaign's summary."""
        if not self.deferrable:
            return super().execute(context)
        try:
            result = self.poke(context)
        except AirflowFailException as error:
            # As BaseSensorOperator does for the looks it makes itself, and for what a trigger finds.
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException("Skipping due to soft_fail or never_fail.") from error
            raise
        if result.is_done:
            return result.xcom_value
        defer_until_sent(
            self,
            str(self.campaign_id),
            self.sender_conn_id,
            poll_interval=self.poke_interval,
            timeout=self.timeout - self._waited(context),
            patience=self._patience(),
            cancel_on_kill=self.cancel_on_kill,
        )

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go on when the trigger has seen the end; return the campaign's summary."""
        from airflow_provider_sender.jobs.waiting import CampaignTimeoutError
        from airflow_provider_sender.triggers.campaigns import campaign_of_event

        try:
            with no_retry_when_final():
                return dict(campaign_of_event(event))
        except CampaignTimeoutError as error:
            raise AirflowSensorTimeout(str(error)) from error

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        from airflow_provider_sender.client.errors import ServiceError
        from airflow_provider_sender.hooks.services import service_for
        from airflow_provider_sender.jobs.waiting import Wait, state_in_words

        with no_retry_when_final():
            self._check_rendered()
            campaign_id = str(given(self.campaign_id, "campaign_id"))
            # The sensor looks again anyway, so no single look may keep a worker for minutes.
            service = service_for(self.sender_conn_id, in_a_hurry=True)
            context["ti"].xcom_push(key=CAMPAIGN_URL, value=service.campaign_url(campaign_id))
            if self.cancel_on_kill and self._waited_for is None:
                self._waited_for = WaitedFor(self.sender_conn_id, campaign_id)
            failed = self._failed_looks = self._failed_looks or FailedLooks(context, is_rescheduled=self.reschedule)
            wait = Wait(campaign_id, self._patience(), poll_interval=self.poke_interval, failures=failed.count)
            try:
                campaign, is_done = self._seen(service, wait, context)
            except ServiceError as error:
                wait.failed(error)
                failed.keep(wait.failures)
                self.log.warning("The campaign's state could not be read (%d times in a row): %s", wait.failures, error)
                return PokeReturnValue(is_done=False)
            failed.keep(0)
        if not is_done:
            self.log.info("Campaign %s is %s", campaign_id, state_in_words(campaign))
        return PokeReturnValue(is_done=is_done, xcom_value=campaign.summary())

    def _seen(self, service: Service, wait: Wait, context: Context) -> tuple[Campaign, bool]:
        """Return the campaign, and whether it is sent; what would end the wait for good is looked at twice."""
        from airflow_provider_sender.client.errors import ServiceError

        try:
            campaign = service.campaign(wait.campaign_id)
            is_done = wait.saw(campaign, self._waited(context))
            if not wait.is_in_doubt:
                return campaign, is_done
        except ServiceError as error:
            if error.retryable:
                raise
            wait.failed(error)
        time.sleep(wait.pause(0.0))
        campaign = service.campaign(wait.campaign_id)
        return campaign, wait.saw(campaign, self._waited(context))

    def on_kill(self) -> None:
        """Take a scheduled campaign back, if that was asked for and the task is killed while it waits in a worker."""
        if self._waited_for is not None:
            self._waited_for.take_back()
        end_work()

    def _patience(self) -> Patience:
        from airflow_provider_sender.jobs.waiting import Patience

        return Patience(seconds(self.draft_timeout, "draft_timeout"), self.accept_partly_sent)

    def _waited(self, context: Context) -> float:
        """Return for how many seconds the sensor has been waiting, over all its reschedules."""
        ti = context["ti"]
        rescheduled = ti.get_first_reschedule_date(context) if self.reschedule else None
        return time.time() - (rescheduled or ti.start_date).timestamp()
