"""Campaigns: make a draft, send it once, take a scheduled one back.

The report of what became of one stands in a file of its own and is imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_sender._compat import NotedIntents, conf
from airflow_provider_sender.links.campaigns import CAMPAIGN_URL, SenderCampaignLink
from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final
from airflow_provider_sender.operators.campaign_parameters import copy_from, definition_of, differences_of, send_key_of
from airflow_provider_sender.operators.parameters import count, given, moment, seconds, share, text
from airflow_provider_sender.operators.reports import SenderExportCampaignReportOperator
from airflow_provider_sender.operators.undisclosed import CampaignParameter
from airflow_provider_sender.operators.waiting import WaitedFor, defer_until_sent

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition
    from airflow_provider_sender.client.service import Service
    from airflow_provider_sender.jobs.preflight import Sending

__all__ = [
    "SenderCancelCampaignOperator",
    "SenderCreateCampaignOperator",
    "SenderExportCampaignReportOperator",
    "SenderSendCampaignOperator",
]

UserCheck: TypeAlias = Callable[[dict[str, Any]], bool | str | None]


class SenderCreateCampaignOperator(SenderOperator):
    """Makes a draft of a campaign, once: a retry, a cleared task or another Airflow finds the one that is there.

    Returns the campaign's id.

    .. seealso:: :ref:`howto/operator:SenderCreateCampaignOperator`

    :param campaign: ``subject``, ``from_name``, ``from_email`` (its domain verified with the service), ``html`` or
        ``text``, ``group_ids`` or ``segment_ids`` (or ``to_everyone=True`` for the whole account), and as wanted
        ``title``, ``preheader``, ``extra`` (anything else the service's create call takes). (templated)
    :param send_key: the business intent, ``"newsletter-{{ ds }}"``: one campaign for each. It is put, as a short
        digest, into the campaign's internal title. By default this task in this run. (templated)
    :param send_key_prefix: what the ``send_key`` of every campaign of the same kind begins with, ``"newsletter-"``;
        ``max_change`` finds the previous one by it. By default this task. (templated)
    :param copy_of: an existing campaign, of any state, to take content, sender and recipients from; ``campaign`` then
        holds only what is to be different. (templated)
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "campaign",
        "send_key",
        "send_key_prefix",
        "copy_of",
    )
    operator_extra_links = (SenderCampaignLink(),)
    campaign = CampaignParameter()

    def __init__(
        self,
        *,
        campaign: Mapping[str, Any] | XComArg | None = None,
        send_key: str | XComArg | None = None,
        send_key_prefix: str | XComArg | None = None,
        copy_of: str | XComArg | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign
        self.send_key = send_key
        self.send_key_prefix = send_key_prefix
        self.copy_of = copy_of

    def execute(self, context: Context) -> str:
        """Make the draft or find it, and return its id."""
        from airflow_provider_sender.jobs.drafting import create_once
        from airflow_provider_sender.jobs.preflight import Sending

        with no_retry_when_final():
            self._check_rendered()
            send_key, series = send_key_of(self.send_key, self.send_key_prefix, context)
            service, definition = self._service_and_definition()
            sending = Sending(send_key, definition=definition, series=series)
            campaign_id = create_once(service, sending, _LinkedIntents(context, service))
        _link(context, service, campaign_id)
        return campaign_id

    def _service_and_definition(self) -> tuple[Service, CampaignDefinition]:
        from airflow_provider_sender.client.errors import NotFoundError
        from airflow_provider_sender.jobs.naming import no_such_campaign

        copy_of = text(self.copy_of, "copy_of")
        if copy_of is None:
            definition = definition_of(self.campaign)
            return self.service(), definition
        differences = differences_of(self.campaign)
        service = self.service()
        try:
            original = service.campaign_definition(copy_of)
        except NotFoundError as error:
            raise no_such_campaign(error, copy_of, "copy_of") from error
        return service, copy_from(original, differences)


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
    :param send_key_prefix: what the ``send_key`` of every campaign of the same kind begins with; see
        :class:`SenderCreateCampaignOperator`. (templated)
    :param send_at: when to send it: an aware datetime, or its ISO form (``2026-01-31T09:00:00+01:00``). By default now.
        (templated)
    :param min_recipients: do not send to fewer. (templated)
    :param max_recipients: do not send to more. (templated)
    :param max_change: do not send to a number of recipients that differs by more than this share from the previous
        campaign's: 0.2 for a fifth more or fewer. The first of its kind passes. (templated)
    :param previous_campaign_id: the campaign to compare with; by default the last one sent whose ``send_key_prefix`` is
        the same. (templated)
    :param pre_send_check: a function of your own, called right before the send with a dictionary: ``id``, ``title``,
        ``subject``, ``recipients`` (at the most, None where the service does not tell), ``group_ids``,
        ``segment_ids``. It returns a text that says what is wrong, or False, to have nothing sent; None
        or True let the campaign go.
    :param wait_for_completion: wait until the campaign is SENT.
    :param poll_interval: seconds between two looks while waiting.
    :param timeout: seconds after which waiting fails; the campaign is left alone.
    :param accept_partly_sent: while waiting, take a campaign that reached only some recipients for sent.
    :param cancel_on_kill: take the campaign back if it is still scheduled when the task is ended or cleared while it
        waits; in the triggerer with Airflow 3.3 or newer. By default it is left alone.
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
        "max_change",
        "previous_campaign_id",
        "send_key_prefix",
    )
    operator_extra_links = (SenderCampaignLink(),)
    campaign = CampaignParameter()
    _waited_for: WaitedFor | None = None

    def __init__(
        self,
        *,
        campaign_id: str | XComArg | None = None,
        campaign: Mapping[str, Any] | XComArg | None = None,
        send_key: str | XComArg | None = None,
        send_at: datetime | str | XComArg | None = None,
        min_recipients: int | str | XComArg | None = None,
        max_recipients: int | str | XComArg | None = None,
        max_change: float | str | XComArg | None = None,
        previous_campaign_id: str | XComArg | None = None,
        send_key_prefix: str | XComArg | None = None,
        pre_send_check: UserCheck | None = None,
        wait_for_completion: bool = False,
        poll_interval: float | timedelta = 60,
        timeout: float | timedelta = 24 * 60 * 60,
        accept_partly_sent: bool = False,
        cancel_on_kill: bool = False,
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
        self.max_change = max_change
        self.previous_campaign_id = previous_campaign_id
        self.send_key_prefix = send_key_prefix
        self.pre_send_check = pre_send_check
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.accept_partly_sent = accept_partly_sent
        self.cancel_on_kill = cancel_on_kill
        self.deferrable = deferrable

    def execute(self, context: Context) -> str:
        """Send the campaign, wait if asked to, and return its id."""
        from airflow_provider_sender.jobs.send import send_once

        with no_retry_when_final():
            self._check_rendered()
            sending = self._sending(context)
            # Before anything is sent, or the mistake would show when it is too late.
            poll_interval = seconds(self.poll_interval, "poll_interval", least=0.01)
            timeout = seconds(self.timeout, "timeout")
            service = self.service()
            if sending.campaign_id is not None:
                _link(context, service, sending.campaign_id)
            campaign = send_once(service, sending, _LinkedIntents(context, service))
            _link(context, service, campaign.id)
            if self.wait_for_completion:
                self._wait(service, campaign, poll_interval, timeout)
            return campaign.id

    def _wait(self, service: Service, campaign: Campaign, poll_interval: float, timeout: float) -> None:
        from airflow_provider_sender.jobs.waiting import Outlook, Patience, outlook, wait_until_sent

        patience = Patience(accept_partly_sent=self.accept_partly_sent)
        if not self.deferrable:
            if self.cancel_on_kill:
                self._waited_for = WaitedFor(self.sender_conn_id, campaign.id)
            wait_until_sent(service, campaign.id, poll_interval=poll_interval, timeout=timeout, patience=patience)
        elif outlook(campaign, 0.0, patience)[0] is not Outlook.DONE:
            defer_until_sent(
                self,
                campaign.id,
                self.sender_conn_id,
                poll_interval=poll_interval,
                timeout=timeout,
                patience=patience,
                cancel_on_kill=self.cancel_on_kill,
            )

    def on_kill(self) -> None:
        """Take a scheduled campaign back, if that was asked for and the task is killed while it waits in a worker."""
        if self._waited_for is not None:
            self._waited_for.take_back()
        super().on_kill()

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
        if not (self.pre_send_check is None or callable(self.pre_send_check)):
            raise ConfigurationError(
                f"pre_send_check: must be a function of one dictionary; got a {type(self.pre_send_check).__name__}."
            )
        send_key, series = send_key_of(self.send_key, self.send_key_prefix, context)
        if self.campaign_id is not None and self.send_key_prefix is None:
            series = None  # whoever made it did so under a key of another task
        sending = Sending(
            send_key=send_key,
            campaign_id=text(self.campaign_id, "campaign_id"),
            definition=None if self.campaign is None else definition_of(self.campaign),
            series=series,
            send_at=None if self.send_at is None else moment(self.send_at, "send_at"),
            min_recipients=count(self.min_recipients, "min_recipients"),
            max_recipients=count(self.max_recipients, "max_recipients"),
            max_change=share(self.max_change, "max_change"),
            previous_campaign_id=text(self.previous_campaign_id, "previous_campaign_id"),
            pre_send_check=None if self.pre_send_check is None else partial(_check_by_user, self.pre_send_check),
        )
        if sending.max_change is not None and sending.previous_campaign_id is None and series is None:
            raise ConfigurationError(
                "max_change: there is nothing to compare with. Give previous_campaign_id, or send_key_prefix: what "
                "the send_key of every campaign of this kind begins with."
            )
        return sending


class SenderCancelCampaignOperator(SenderOperator):
    """Takes a scheduled campaign back to being a draft. One that is no longer scheduled and not sent is left as it is.

    Fails, and says so, when it is too late: mails that went out cannot be taken back. It is success only when it shows
    that the campaign is no longer scheduled. Returns the campaign's id.

    .. seealso:: :ref:`howto/operator:SenderCancelCampaignOperator`

    :param campaign_id: the campaign. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, "campaign_id")
    operator_extra_links = (SenderCampaignLink(),)

    def __init__(self, *, campaign_id: str | XComArg, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id

    def execute(self, context: Context) -> str:
        """Take the campaign back, and return its id."""
        from airflow_provider_sender.jobs.scheduling import cancel_surely

        with no_retry_when_final():
            self._check_rendered()
            campaign_id = str(given(self.campaign_id, "campaign_id"))
            service = self.service()
            _link(context, service, campaign_id)
            return cancel_surely(service, campaign_id).id


def _check_by_user(check: UserCheck, campaign: Campaign, recipients: int | None) -> str | None:
    """Ask the user's own check; return what is wrong, or None."""
    said = check(
        {
            "id": campaign.id,
            "title": campaign.title,
            "subject": campaign.subject,
            "recipients": recipients,
            "group_ids": list(campaign.group_ids),
            "segment_ids": list(campaign.segment_ids),
        }
    )
    if said is None or said is True:
        return None
    if isinstance(said, str) and said.strip():
        return said
    # Anything else a check may return by mistake, an empty list say, is no permission. What is in it may be anybody's.
    shown = repr(said) if isinstance(said, bool | int | float | str) else f"a {type(said).__name__}"
    return f"it returned {shown}, neither None nor True nor a text that says what is wrong."


class _LinkedIntents(NotedIntents):
    """Notes what a task is about to do, and leads the task's link there: it is needed most when the task fails."""

    def __init__(self, context: Context, service: Service) -> None:
        super().__init__(context)
        self._context = context
        self._service = service

    def note(self, **facts: str) -> None:
        """Note what is about to be done; what was noted before stays."""
        super().note(**facts)
        if "campaign_id" in facts:
            _link(self._context, self._service, facts["campaign_id"])


def _link(context: Context, service: Service, campaign_id: str) -> None:
    """Make the campaign known to the task's link."""
    context["ti"].xcom_push(key=CAMPAIGN_URL, value=service.campaign_url(campaign_id))
