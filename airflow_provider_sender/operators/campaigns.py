"""Campaigns: make a draft, send it once, take a scheduled one back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_sender._compat import NotedIntents, conf
from airflow_provider_sender.links.campaigns import CAMPAIGN_URL, SenderCampaignLink
from airflow_provider_sender.operators.base import SenderOperator, given, moment, no_retry_when_final, run_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_sender.client.records import CampaignDefinition
    from airflow_provider_sender.client.service import Service
    from airflow_provider_sender.jobs.preflight import Sending
    from airflow_provider_sender.jobs.waiting import Patience


class SenderCreateCampaignOperator(SenderOperator):
    """Makes a draft of a campaign, once: a retry, a cleared task or another Airflow finds the one that is there.

    Returns the campaign's id.

    .. seealso:: :ref:`howto/operator:SenderCreateCampaignOperator`

    :param campaign: ``subject``, ``from_name``, ``from_email`` (its domain verified with the service), ``html`` or
        ``text``, ``group_ids`` or ``segment_ids`` (or ``to_everyone=True`` for the whole account), and as wanted
        ``title``, ``preheader``, ``extra`` (anything else the service's create call takes). (templated)
    :param send_key: the business intent, ``"newsletter-{{ ds }}"``: one campaign for each. It is put, as a short
        digest, into the campaign's internal title. By default this task in this run. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, "campaign", "send_key")
    operator_extra_links = (SenderCampaignLink(),)

    def __init__(self, *, campaign: Mapping[str, Any] | XComArg, send_key: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign
        self.send_key = send_key
        self._remember_given()

    def execute(self, context: Context) -> str:
        """Make the draft or find it, and return its id."""
        from airflow_provider_sender.jobs.send import create_once

        with no_retry_when_final():
            self._check_rendered()
            definition = _definition(self.campaign)
            service = self.service()
            campaign_id = create_once(
                service, definition, _send_key(self.send_key, context), _LinkedIntents(context, service)
            )
        _link(context, service, campaign_id)
        return campaign_id


class SenderSendCampaignOperator(SenderOperator):
    """Sends a campaign, or schedules it, **once** — whatever is retried, cleared, backfilled or killed.

    The campaign's state is read before and after; the call that sends is made only while the campaign is provably still
    a draft. One that is being sent, was sent, or is scheduled for the time asked for is success. When it cannot be told
    what became of the call, the task fails for good and says what to look at.

    Returns the campaign's id.

    .. seealso:: :ref:`howto/operator:SenderSendCampaignOperator`

    :param campaign_id: an existing draft. (templated)
    :param campaign: or what to make a draft of; see :class:`SenderCreateCampaignOperator`. (templated)
    :param send_key: the business intent, with ``campaign``. (templated)
    :param send_at: when to send it: an aware datetime, or its ISO form (``2026-01-31T09:00:00+01:00``). By default now.
        (templated)
    :param min_recipients: do not send to fewer. (templated)
    :param max_recipients: do not send to more. (templated)
    :param wait_for_completion: wait until the campaign is SENT.
    :param poll_interval: seconds between two looks while waiting.
    :param timeout: seconds after which waiting fails; the campaign is left alone.
    :param accept_partly_sent: while waiting, take a campaign that reached only some recipients for sent.
    :param deferrable: wait in the triggerer, without a worker.
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "campaign_id",
        "campaign",
        "send_key",
        "send_at",
        "min_recipients",
        "max_recipients",
    )
    operator_extra_links = (SenderCampaignLink(),)

    def __init__(
        self,
        *,
        campaign_id: str | XComArg | None = None,
        campaign: Mapping[str, Any] | XComArg | None = None,
        send_key: str | None = None,
        send_at: datetime | str | None = None,
        min_recipients: int | None = None,
        max_recipients: int | None = None,
        wait_for_completion: bool = False,
        poll_interval: float = 60,
        timeout: float = 24 * 60 * 60,
        accept_partly_sent: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.campaign = campaign
        self.send_key = send_key
        self.send_at = send_at
        self.min_recipients = min_recipients
        self.max_recipients = max_recipients
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.accept_partly_sent = accept_partly_sent
        self.deferrable = deferrable
        self._remember_given()

    def execute(self, context: Context) -> str:
        """Send the campaign, wait if asked to, and return its id."""
        from airflow_provider_sender.jobs.send import send_once
        from airflow_provider_sender.jobs.waiting import is_done, wait_until_sent

        with no_retry_when_final():
            self._check_rendered()
            sending = self._sending(context)
            service = self.service()
            if sending.campaign_id is not None:
                _link(context, service, sending.campaign_id)
            campaign = send_once(service, sending, _LinkedIntents(context, service))
            _link(context, service, campaign.id)
            if not self.wait_for_completion:
                return campaign.id
            patience = self._patience()
            if not self.deferrable:
                wait_until_sent(
                    service,
                    campaign.id,
                    poll_interval=self.poll_interval,
                    timeout=self.timeout,
                    patience=patience,
                )
                return campaign.id
            if is_done(campaign, 0.0, patience):
                return campaign.id
        self._defer(campaign.id, patience)
        raise AssertionError("deferring does not return")  # pragma: no cover

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> str:
        """Go on when the trigger has seen the end; return the campaign's id."""
        from airflow_provider_sender.triggers.campaigns import campaign_of_event

        with no_retry_when_final():
            return str(campaign_of_event(event)["id"])

    def _sending(self, context: Context) -> Sending:
        from airflow_provider_sender.client.errors import ConfigurationError
        from airflow_provider_sender.jobs.preflight import Sending

        if (self.campaign_id is None) == (self.campaign is None):
            raise ConfigurationError("Give either campaign_id or campaign, and not both.")
        return Sending(
            send_key=_send_key(self.send_key, context),
            campaign_id=None if self.campaign_id is None else str(given(self.campaign_id, "campaign_id")),
            definition=None if self.campaign is None else _definition(self.campaign),
            send_at=None if self.send_at is None else moment(self.send_at, "send_at"),
            min_recipients=_count(self.min_recipients, "min_recipients"),
            max_recipients=_count(self.max_recipients, "max_recipients"),
        )

    def _patience(self) -> Patience:
        from airflow_provider_sender.jobs.waiting import Patience

        return Patience(accept_partly_sent=self.accept_partly_sent)

    def _defer(self, campaign_id: str, patience: Patience) -> None:
        from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger

        began = time.time()
        self.defer(
            trigger=SenderCampaignTrigger(
                campaign_id=campaign_id,
                sender_conn_id=self.sender_conn_id,
                poll_interval=self.poll_interval,
                began=began,
                end_time=began + self.timeout,
                draft_timeout=patience.draft_timeout,
                accept_partly_sent=patience.accept_partly_sent,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )


class SenderCancelCampaignOperator(SenderOperator):
    """Takes a scheduled campaign back to being a draft. One that is no longer scheduled and not sent is left as it is.

    Fails, and says so, when it is too late: mails that went out cannot be taken back. Returns the campaign's id.

    .. seealso:: :ref:`howto/operator:SenderCancelCampaignOperator`

    :param campaign_id: the campaign. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, "campaign_id")
    operator_extra_links = (SenderCampaignLink(),)

    def __init__(self, *, campaign_id: str | XComArg, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self._remember_given()

    def execute(self, context: Context) -> str:
        """Take the campaign back, and return its id."""
        from airflow_provider_sender.jobs.send import cancel

        with no_retry_when_final():
            self._check_rendered()
            campaign_id = str(given(self.campaign_id, "campaign_id"))
            service = self.service()
            _link(context, service, campaign_id)
            return cancel(service, campaign_id).id


class _LinkedIntents(NotedIntents):
    """Notes what a task is about to do, and leads the task's link there: it is needed most when the task fails."""

    def __init__(self, context: Context, service: Service) -> None:
        super().__init__(context)
        self._context = context
        self._service = service

    def note(self, **facts: str) -> None:
        """Note what is about to be done; what was noted before stays."""
        super().note(**facts)
        _link(self._context, self._service, facts["campaign_id"])


def _definition(campaign: Any) -> CampaignDefinition:
    import msgspec

    from airflow_provider_sender.client.errors import ConfigurationError
    from airflow_provider_sender.client.records import CampaignDefinition

    if not isinstance(campaign, Mapping):
        raise ConfigurationError(f"campaign: must be a dictionary; got a {type(campaign).__name__}.")
    try:
        definition = msgspec.convert(dict(campaign), CampaignDefinition)
    except msgspec.ValidationError as error:
        known = ", ".join(CampaignDefinition.__struct_fields__)
        raise ConfigurationError(f"campaign: {error}. It may hold: {known}.") from error
    for name in ("subject", "from_name", "from_email"):
        given(getattr(definition, name), f"campaign[{name!r}]")
    if (definition.html is None) == (definition.text is None):
        raise ConfigurationError("campaign: give its content as either html or text.")
    given(definition.text if definition.html is None else definition.html, "campaign, its html or text")
    if bool(definition.group_ids or definition.segment_ids) == definition.to_everyone:
        # A list of groups that came out empty upstream must not turn a letter to a few into one to a million.
        raise ConfigurationError(
            "campaign: name the recipients by group_ids or segment_ids, or set to_everyone=True for the whole account."
        )
    return definition


def _send_key(send_key: str | None, context: Context) -> str:
    if send_key is not None:
        return str(given(send_key, "send_key"))
    return run_of(context)


def _count(value: Any, parameter: str) -> int | None:
    from airflow_provider_sender.client.errors import ConfigurationError

    if value is None:
        return None
    try:
        return int(given(value, parameter))
    except (TypeError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{parameter}: must be a whole number; got {value!r}.") from None


def _link(context: Context, service: Service, campaign_id: str) -> None:
    """Make the campaign known to the task's link."""
    context["ti"].xcom_push(key=CAMPAIGN_URL, value=service.campaign_url(campaign_id))
