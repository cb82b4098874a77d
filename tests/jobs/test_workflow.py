from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, OutcomeUnknownError
from airflow_provider_sender.client.messages import Event
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.jobs.workflow import (
    event_from,
    record_event_once,
    start_workflow_once,
    workflow_variables,
)
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.test_message import Notes

EVENT: dict[str, Any] = {"event": "order", "subscriber_email": "ann@example.com"}


def workflow(service: SenderService, status: str) -> str:
    """Return the id of a workflow of the sandbox's."""
    return service.client.list_workflows(status=status).data[0].id


def started(service: SenderService, workflow_id: str) -> int | None:
    return service.client.get_workflow(workflow_id).emails_sent


def test_a_workflow_is_started_once_by_however_many_tries(service: SenderService) -> None:
    active, notes = workflow(service, "ACTIVE"), Notes()

    for _ in range(2):
        start_workflow_once(service, active, "ann@example.com", {"plan": "gold"}, "2", notes)

    assert started(service, active) == 1


@pytest.mark.parametrize(("fault", "times"), [("drop_after", 1), ("drop_before", 0)])
def test_a_lost_answer_starts_no_workflow_twice(
    fault: str, times: int, service: SenderService, sender_sandbox: Sandbox
) -> None:
    active, notes = workflow(service, "ACTIVE"), Notes()
    sender_sandbox.fault(fault, path="/workflows/*/start")

    for _ in range(2):
        with pytest.raises(OutcomeUnknownError, match="Look at the subscriber's activity in Sender"):
            start_workflow_once(service, active, "ann@example.com", {}, "2", notes)

    assert started(service, active) == times


def test_a_workflow_that_is_not_active_is_not_started(service: SenderService) -> None:
    with pytest.raises(InvalidRequestError, match="You must activate workflow first"):
        start_workflow_once(service, workflow(service, "DRAFT"), "ann@example.com", {}, "2", Notes())


def test_a_variable_cannot_take_the_subscribers_place() -> None:
    with pytest.raises(ConfigurationError, match="cannot be called email"):
        workflow_variables({"email": "bob@example.com"})
    assert workflow_variables({"workflow_id": "x", "self": 1}) == {"workflow_id": "x", "self": 1}


def test_an_event_is_recorded_once_by_however_many_tries(service: SenderService, sender_sandbox: Sandbox) -> None:
    event, notes = (
        event_from({**EVENT, "value": "12.5", "currency": "eur", "properties": {"sku": "a", "n": 2}}),
        Notes(),
    )
    assert event == Event("order", {"email": "ann@example.com"}, 12.5, "EUR", {"sku": "a", "n": 2})

    for _ in range(2):
        record_event_once(service, event, "2", notes)

    assert sender_sandbox.counters()["by_path"]["POST /events"] == 1


@pytest.mark.parametrize("subscriber", [{"phone": "+37060000000"}, {"subscriber_id": "eKKmYg"}])
def test_an_event_is_of_somebody_known_by_phone_or_id(subscriber: dict[str, str], service: SenderService) -> None:
    record_event_once(service, event_from({"event": "order", **subscriber}), "2", Notes())


def test_a_lost_answer_records_no_event_twice(service: SenderService, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("drop_after", path="/events", times=None)
    notes = Notes()

    for _ in range(2):
        with pytest.raises(OutcomeUnknownError, match="clear the task"):
            record_event_once(service, event_from(EVENT), "2", notes)

    assert sender_sandbox.counters()["by_path"]["POST /events"] == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"subscriber_email": None}, "Give the subscriber by subscriber_email, phone or subscriber_id"),
        ({"subscriber_email": "ann"}, "subscriber_email: is no e-mail address"),
        ({"value": "much"}, "value: must be a number"),
        ({"value": True}, "value: must be a number"),
        ({"value": "nan"}, "value: must be a number"),
        ({"value": float("inf")}, "value: must be a number"),
        ({"value": 10**400}, "value: must be a number"),
        ({"currency": "Euro"}, "currency: must be a code of three letters"),
        ({"properties": "a"}, "properties: is a str"),
        ({"properties": {"a": [1]}}, "properties: holds a list or a dictionary"),
    ],
)
def test_an_event_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        event_from({**EVENT, **given})
    assert "@" not in str(refused.value)
