"""A workflow started for one subscriber, and an event recorded of one: checked before, and done once."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.messages import Event
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.jobs.finding import Intents
from airflow_provider_sender.jobs.message import address, variables
from airflow_provider_sender.jobs.once import Deed, do_once

_CURRENCY_CODE = 3


def start_workflow_once(
    service: Service, workflow_id: str, email: str, values: Mapping[str, Json], tries: str, intents: Intents
) -> None:
    """Start a workflow for a subscriber, or find that an earlier try of the task did.

    :param tries: see :class:`~airflow_provider_sender.jobs.once.Deed`.
    :raises OutcomeUnknownError: when it cannot be told whether it was started.
    """
    deed = Deed("The workflow's start", tries, f"Look at the subscriber's activity in {service.name}.")
    do_once(deed, lambda: service.start_workflow(workflow_id, email, values), intents)


def record_event_once(service: Service, event: Event, tries: str, intents: Intents) -> None:
    """Record an event, or find that an earlier try of the task did.

    :param tries: see :class:`~airflow_provider_sender.jobs.once.Deed`.
    :raises OutcomeUnknownError: when it cannot be told whether it was recorded.
    """
    deed = Deed("The event", tries, f"Look at the subscriber's activity in {service.name}.")
    do_once(deed, lambda: service.record_event(event), intents)


def workflow_variables(given: object) -> Mapping[str, Json]:
    """Return what is to be said to a workflow beside the subscriber.

    :raises ConfigurationError: when it is no dictionary, or names the subscriber itself.
    """
    values = variables(given, "variables")
    if "email" in values:
        raise ConfigurationError("variables: cannot be called email; that is the subscriber. Use another name.")
    return values


def event_from(given: Mapping[str, object]) -> Event:
    """Return the event that parameters describe; None is the same as not there.

    :param given: ``event``, ``subscriber_email``, ``phone``, ``subscriber_id``, ``value``, ``currency``,
        ``properties``.
    :raises ConfigurationError: when it is not known of whom, or a value is of the wrong kind.
    """
    who = {"email": given.get("subscriber_email"), "phone": given.get("phone"), "id": given.get("subscriber_id")}
    subscriber = {name: str(value).strip() for name, value in who.items() if value is not None}
    if not subscriber:
        raise ConfigurationError("Give the subscriber by subscriber_email, phone or subscriber_id.")
    if "email" in subscriber:
        subscriber["email"] = address(given["subscriber_email"], "subscriber_email")
    return Event(
        name=str(given["event"]).strip(),
        subscriber=subscriber,
        value=_number(given.get("value")),
        currency=_currency(given.get("currency")),
        properties=_flat(given.get("properties")),
    )


def _number(given: object) -> float | None:
    if given is None:
        return None
    try:
        number = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not abs(number) < float("inf"):
        raise ConfigurationError("value: must be a number; a template may give it as a text.")
    return number


def _currency(given: object) -> str | None:
    if given is None:
        return None
    code = str(given).strip().upper()
    if len(code) != _CURRENCY_CODE or not (code.isascii() and code.isalpha()):
        raise ConfigurationError("currency: must be a code of three letters (ISO 4217), as EUR.")
    return code


def _flat(given: object) -> Mapping[str, str | int | float | bool | None]:
    properties = variables(given, "properties")
    if not all(value is None or isinstance(value, str | int | float) for value in properties.values()):
        raise ConfigurationError("properties: holds a list or a dictionary. Give texts, numbers, True, False or None.")
    return properties
