"""Workflows: started for a subscriber, or set off by an event that is recorded of one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_sender._compat import NotedIntents
from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final, tries_of
from airflow_provider_sender.operators.parameters import given
from airflow_provider_sender.operators.undisclosed import UndisclosedParameter, revealed

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class _SubscriberOperator(SenderOperator):
    """Does something about one subscriber, who must be named.

    Not by ``email``: that is a parameter of every operator, the address Airflow mails its alerts to.
    """

    names_of_subscriber: ClassVar[tuple[str, ...]] = ("subscriber_email",)

    @classmethod
    def check_arguments(cls, names: Collection[str]) -> None:
        """Check what a task is made with while the DAG file is read, or the alert of its failure goes to a stranger.

        :raises TypeError: when the subscriber is not named.
        """
        if not any(name in names for name in cls.names_of_subscriber):
            either = " or ".join(cls.names_of_subscriber)
            raise TypeError(
                f"{cls.__name__}: name the subscriber by {either}. email is the address Airflow mails its alerts to."
            )


class SenderStartWorkflowOperator(_SubscriberOperator):
    """Starts a workflow for one subscriber.

    The call is made once. When its answer is lost nobody can tell whether the workflow was started: the task fails for
    good, whatever its ``retries``, and says what to look at. On Airflow 3.3 and newer this holds for a worker that is
    killed, too. Clearing the task starts it again.

    Returns the workflow's id.

    .. seealso:: :ref:`howto/operator:SenderStartWorkflowOperator`

    :param workflow_id: the workflow, which must be active. (templated)
    :param subscriber_email: the subscriber's address. Airflow shows only how long it is; likewise ``variables``.
        (templated)
    :param variables: what else the call is to say. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, "workflow_id", "subscriber_email", "variables")
    subscriber_email = UndisclosedParameter()
    variables = UndisclosedParameter()

    def __init__(
        self,
        *,
        workflow_id: str | XComArg,
        subscriber_email: str | XComArg,
        variables: Mapping[str, Any] | XComArg | Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.subscriber_email = subscriber_email
        self.variables = variables

    def execute(self, context: Context) -> str:
        """Start the workflow, and return its id."""
        from airflow_provider_sender.jobs.message import address
        from airflow_provider_sender.jobs.workflow import start_workflow_once, workflow_variables

        with no_retry_when_final():
            self._check_rendered()
            workflow_id = str(given(self.workflow_id, "workflow_id"))
            email = address(revealed(self.subscriber_email), "subscriber_email")
            values = workflow_variables(revealed(self.variables))
            intents = NotedIntents(context, "sender_workflow")
            start_workflow_once(self.service(), workflow_id, email, values, tries_of(context), intents)
        return workflow_id


# The parameters that make up the event.
_EVENT = ("event", "subscriber_email", "phone", "subscriber_id", "value", "currency", "properties")


class SenderCreateEventOperator(_SubscriberOperator):
    """Records that a subscriber did something: a custom event, which may set workflows off.

    The call is made once. When its answer is lost nobody can tell whether the event was recorded: the task fails for
    good, whatever its ``retries``, and says what to look at. On Airflow 3.3 and newer this holds for a worker that is
    killed, too. Clearing the task records it again.

    .. seealso:: :ref:`howto/operator:SenderCreateEventOperator`

    :param event: the event's name; the service must know it. (templated)
    :param subscriber_email: the subscriber's address. Airflow shows only how long it is; likewise ``phone`` and
        ``properties``. (templated)
    :param phone: or phone. (templated)
    :param subscriber_id: or id. (templated)
    :param value: what it was worth. (templated)
    :param currency: in which currency, as ``EUR``. (templated)
    :param properties: what else is known of it: texts and numbers by name. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, *_EVENT)
    names_of_subscriber = ("subscriber_email", "phone", "subscriber_id")
    subscriber_email = UndisclosedParameter()
    phone = UndisclosedParameter()
    properties = UndisclosedParameter()

    def __init__(
        self,
        *,
        event: str | XComArg,
        subscriber_email: str | XComArg | None = None,
        phone: str | XComArg | None = None,
        subscriber_id: str | XComArg | None = None,
        value: float | str | XComArg | None = None,
        currency: str | XComArg | None = None,
        properties: Mapping[str, Any] | XComArg | Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.event = event
        self.subscriber_email = subscriber_email
        self.phone = phone
        self.subscriber_id = subscriber_id
        self.value = value
        self.currency = currency
        self.properties = properties
        if not self.is_from_mapped:  # of a mapped task that is known when its DAG file is read
            self.check_arguments([name for name in self.names_of_subscriber if getattr(self, name) is not None])

    def execute(self, context: Context) -> None:
        """Record the event."""
        from airflow_provider_sender.jobs.workflow import event_from, record_event_once

        with no_retry_when_final():
            self._check_rendered()
            given(self.event, "event")
            event = event_from({name: revealed(getattr(self, name)) for name in _EVENT})
            record_event_once(self.service(), event, tries_of(context), NotedIntents(context, "sender_event"))
