"""Waiting for a campaign to be sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_sender._compat import AirflowFailException, AirflowSensorTimeout, AirflowSkipException, conf
from airflow_provider_sender.links.campaigns import CAMPAIGN_URL, SenderCampaignLink
from airflow_provider_sender.operators.base import given, no_retry_when_final

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_sender.jobs.waiting import Patience


class SenderCampaignSensor(BaseSensorOperator):
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
    :param deferrable: wait in the triggerer, without a worker.
    """

    template_fields: Sequence[str] = ("sender_conn_id", "campaign_id")
    operator_extra_links = (SenderCampaignLink(),)
    ui_color = "#e8f0ff"

    def __init__(
        self,
        *,
        campaign_id: str | XComArg,
        sender_conn_id: str = "sender_default",
        draft_timeout: float = 600,
        accept_partly_sent: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.sender_conn_id = sender_conn_id
        self.draft_timeout = draft_timeout
        self.accept_partly_sent = accept_partly_sent
        self.deferrable = deferrable
        self._failures = 0

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
        from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger

        began = time.time()
        self.defer(
            trigger=SenderCampaignTrigger(
                campaign_id=str(self.campaign_id),
                sender_conn_id=self.sender_conn_id,
                poll_interval=self.poke_interval,
                began=began,
                end_time=time.time() - self._waited(context) + self.timeout,
                draft_timeout=self.draft_timeout,
                accept_partly_sent=self.accept_partly_sent,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )
        raise AssertionError("deferring does not return")  # pragma: no cover

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
        from airflow_provider_sender.client.errors import RateLimitError, ServiceFailureError
        from airflow_provider_sender.hooks.services import service_for
        from airflow_provider_sender.jobs.waiting import MOST_FAILURES_IN_A_ROW, is_done

        with no_retry_when_final():
            campaign_id = str(given(self.campaign_id, "campaign_id"))
            # The sensor looks again anyway, so no single look may keep a worker for minutes.
            service = service_for(self.sender_conn_id, in_a_hurry=True)
            context["ti"].xcom_push(key=CAMPAIGN_URL, value=service.campaign_url(campaign_id))
            try:
                campaign = service.campaign(campaign_id)
            except (ServiceFailureError, RateLimitError) as error:
                self._failures += 1
                if self._failures >= MOST_FAILURES_IN_A_ROW:
                    raise
                self.log.warning("The campaign's state could not be read: %s", error)
                return PokeReturnValue(is_done=False)
            self._failures = 0
            done = is_done(campaign, self._waited(context), self._patience())
        if not done:
            self.log.info("Campaign %s is %s", campaign_id, campaign.service_state or campaign.state.value)
        return PokeReturnValue(is_done=done, xcom_value=campaign.summary())

    def _patience(self) -> Patience:
        from airflow_provider_sender.jobs.waiting import Patience

        return Patience(self.draft_timeout, self.accept_partly_sent)

    def _waited(self, context: Context) -> float:
        """Return for how many seconds the sensor has been waiting, over all its reschedules."""
        ti = context["ti"]
        rescheduled = ti.get_first_reschedule_date(context) if self.reschedule else None
        return time.time() - (rescheduled or ti.start_date).timestamp()
