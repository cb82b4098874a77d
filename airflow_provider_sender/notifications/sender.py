"""Mails about what became of a DAG or a task."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import importlib
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_provider_sender.notifications.wording import subject_of, text_of

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import DAG, Context

    from airflow_provider_sender.client.messages import Message
    from airflow_provider_sender.client.service import Service

# The parameters that make up the mail, but for whom it goes to.
_MAIL = ("subject", "html", "text", "template_id", "variables", "from_email", "from_name", "reply_to")


class SenderNotifier(BaseNotifier):
    """Mails somebody when a DAG or task succeeds, fails or is tried again, or when a DAG misses its deadline.

    It never makes anything fail: what goes wrong with the mail is one line in the log. Each mail is sent once, or not
    at all.

    .. seealso:: :ref:`howto/notifier:SenderNotifier`

    :param to: whom to mail: an address, ``{"email": ..., "name": ...}``, or a list of those, each of whom gets a mail
        of their own. (templated)
    :param from_email: the address it is sent from; its domain must be verified with the service. (templated)
    :param from_name: the sender's name, by default the address. (templated)
    :param subject: by default what happened to what. (templated)
    :param html: the content. (templated)
    :param text: the content as plain text. Where there is neither, it says what happened, in which run, and where the
        log is. (templated)
    :param template_id: or a template kept with the service. It may have a subject and a sender of its own, which are
        left out then; whether it has, differs from service to service. (templated)
    :param variables: values for the placeholders of the content or template. (templated)
    :param reply_to: where answers go. (templated)
    :param sender_conn_id: connection to the account. (templated)
    :param raise_on_error: let it be an error of the callback when a mail cannot be sent.
    """

    template_fields: Sequence[str] = ("sender_conn_id", "to", *_MAIL)

    def __init__(
        self,
        *,
        to: str | Mapping[str, str] | Sequence[str | Mapping[str, str]],
        from_email: str | None = None,
        from_name: str | None = None,
        subject: str | None = None,
        html: str | None = None,
        text: str | None = None,
        template_id: str | None = None,
        variables: Mapping[str, Any] | None = None,
        reply_to: str | Mapping[str, str] | None = None,
        sender_conn_id: str = "sender_default",
        raise_on_error: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.from_email = from_email
        self.from_name = from_name
        self.subject = subject
        self.html = html
        self.text = text
        self.template_id = template_id
        self.variables = variables
        self.reply_to = reply_to
        self.sender_conn_id = sender_conn_id
        self.raise_on_error = raise_on_error

    # Airflow calls or awaits a notifier, and renders its templates then, in place: so each time a copy does the work.

    def __call__(self, *args: Any) -> None:
        """Send the mails; Airflow calls this for a DAG's and a task's callbacks."""
        notifier = copy.copy(self)
        with notifier._at_most_a_line_in_the_log():
            BaseNotifier.__call__(notifier, *args)

    def __await__(self) -> Generator[Any, None, None]:
        """Send the mails; Airflow awaits this in the triggerer, for a deadline."""
        notifier = copy.copy(self)
        with notifier._at_most_a_line_in_the_log():
            yield from BaseNotifier.__await__(notifier)

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return what templates are rendered with."""
        # ``dag.test()`` of 3.3 gives the callbacks of a DAG its serialized form, which cannot render.
        return super().get_template_env(dag if hasattr(dag, "get_template_env") else None)

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:
        """Render the templates.

        Airflow 3.1 would leave one that renders to nothing as it is, to be mailed; 3.3 would write one that cannot be
        rendered into the log, with whoever is named in it.
        """
        env = jinja_env or self.get_template_env(context.get("dag"))
        for name in self.template_fields:
            value = getattr(self, name)
            is_function = callable(value)
            rendered = (
                value(context=context, jinja_env=env) if is_function else self.render_template(value, context, env)
            )
            setattr(self, name, rendered)

    def notify(self, context: Context) -> None:
        """Send the mails."""
        with self._at_most_a_line_in_the_log():
            from airflow_provider_sender.hooks.services import service_for

            self._send(service_for(self.sender_conn_id), context)

    async def async_notify(self, context: Context) -> None:
        """Send the mails, without holding up the event loop."""
        with self._at_most_a_line_in_the_log():
            # Loading an HTTP client takes longer than the loop should be kept.
            services = await asyncio.to_thread(importlib.import_module, "airflow_provider_sender.hooks.services")
            service = await services.aservice_for(self.sender_conn_id)
            await asyncio.to_thread(self._send, service, context)

    def _send(self, service: Service, context: Context) -> None:
        """Send each mail, also when another one could not be.

        :raises SenderError: when one could not be.
        """
        from airflow_provider_sender.client.errors import SenderError

        failures: list[SenderError] = []
        messages = self._messages(service, context)
        for message in messages:
            try:
                service.send_message(message)
            except SenderError as error:
                failures.append(error)
        if len(messages) == 1 and failures:
            raise failures[0]
        if failures:
            raise SenderError(f"{len(failures)} of {len(messages)} mails: {failures[-1]}") from failures[-1]

    def _messages(self, service: Service, context: Context) -> list[Message]:
        from airflow_provider_sender.client.errors import ConfigurationError
        from airflow_provider_sender.jobs.message import message_from

        # Where a template renders to nothing, a mail that says less is better than none.
        mail = {name: value for name in _MAIL if (value := getattr(self, name)) and str(value).strip()}
        facts: Mapping[str, Any] = dict(context)
        if "template_id" not in mail or "subject" in service.template_needs:
            mail["subject"] = " ".join(str(mail.get("subject") or subject_of(facts)).split())
        if not mail.keys() & {"template_id", "html", "text"}:
            mail["text"] = text_of(facts)
        several = isinstance(self.to, Collection) and not isinstance(self.to, str | Mapping)
        everybody = list(self.to) if several else [self.to]
        if not everybody:
            raise ConfigurationError("to: is empty. Name somebody, or leave the notifier out.")
        return [message_from({**mail, "to": each}, service) for each in everybody]

    @contextlib.contextmanager
    def _at_most_a_line_in_the_log(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self.raise_on_error:
                raise
            from airflow_provider_sender.client.errors import without_addresses

            # A notification is about something that matters more than the notification.
            reason = " ".join(without_addresses(str(error)).split())
            self.log.error("A notification failed: %s: %s", type(error).__name__, reason)
