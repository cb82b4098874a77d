"""Single mails: a receipt, a report, a warning. What goes to groups is a campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender._compat import NotedIntents
from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final, run_of, tries_of
from airflow_provider_sender.operators.undisclosed import UndisclosedParameter, revealed

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

# The parameters that make up the mail.
_MAIL = (
    "to",
    "subject",
    "html",
    "text",
    "template_id",
    "variables",
    "from_email",
    "from_name",
    "reply_to",
    "attachments",
    "headers",
)


class SenderSendMessageOperator(SenderOperator):
    """Sends one transactional mail to one person.

    The call that sends is made once. When its answer is lost nobody can tell whether the mail went out: the task fails
    for good, whatever its ``retries``, and says what to look at. On Airflow 3.3 and newer this holds for a worker that
    is killed, too. Clearing the task sends again.

    Returns the service's id of the mail.

    .. seealso:: :ref:`howto/operator:SenderSendMessageOperator`

    :param to: whom to mail: an address, or ``{"email": ..., "name": ...}``. For several people map the task:
        ``.expand(to=...)``. Airflow shows only how long it is; likewise ``subject``, ``html``, ``text``,
        ``variables``, ``reply_to``, ``attachments`` and ``headers``. (templated)
    :param subject: what is read first. (templated)
    :param html: the content. (templated)
    :param text: the content as plain text, alone or beside ``html``. (templated)
    :param template_id: or a template kept with the service. It may have a subject and a sender of its own, which are
        left out then; whether it has, differs from service to service. (templated)
    :param variables: values for the placeholders of the content or template. (templated)
    :param from_email: the address it is sent from; its domain must be verified with the service. (templated)
    :param from_name: the sender's name, by default the address. (templated)
    :param reply_to: where answers go, like ``to``. (templated)
    :param attachments: file name -> public address the service fetches the file from. (templated)
    :param headers: further headers of the mail. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, *_MAIL)
    to = UndisclosedParameter()
    subject = UndisclosedParameter()
    html = UndisclosedParameter()
    text = UndisclosedParameter()
    variables = UndisclosedParameter()
    reply_to = UndisclosedParameter()
    attachments = UndisclosedParameter()
    headers = UndisclosedParameter()

    def __init__(
        self,
        *,
        to: str | Mapping[str, Any] | XComArg | Callable[..., Any],
        subject: str | XComArg | None = None,
        html: str | XComArg | None = None,
        text: str | XComArg | None = None,
        template_id: str | XComArg | None = None,
        variables: Mapping[str, Any] | XComArg | Callable[..., Any] | None = None,
        from_email: str | XComArg | None = None,
        from_name: str | XComArg | None = None,
        reply_to: str | Mapping[str, Any] | XComArg | None = None,
        attachments: Mapping[str, str] | XComArg | None = None,
        headers: Mapping[str, str] | XComArg | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.subject = subject
        self.html = html
        self.text = text
        self.template_id = template_id
        self.variables = variables
        self.from_email = from_email
        self.from_name = from_name
        self.reply_to = reply_to
        self.attachments = attachments
        self.headers = headers

    def execute(self, context: Context) -> str | None:
        """Send the mail, and return the service's id of it."""
        from airflow_provider_sender.jobs.message import message_from, send_message_once

        with no_retry_when_final():
            self._check_rendered()
            service = self.service()
            message = message_from({name: revealed(getattr(self, name)) for name in _MAIL}, service)
            intents = NotedIntents(context, "sender_message")
            return send_message_once(service, message, tries_of(context), intents, run=run_of(context))
