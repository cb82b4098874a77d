"""Account webhooks, made and deleted on the sandbox."""

from __future__ import annotations

import json

import pytest

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, OutcomeUnknownError
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.sandbox.remote import Sandbox

URL = "https://hooks.example.com/sender"


@pytest.fixture
def hook(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SenderHook:
    sender_sandbox.seed(rows=[{"email": "ann@example.com", "groups": ["VIP"]}])
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))
    return SenderHook()


def listed(hook: SenderHook) -> list[str]:
    return [each["topic"] for each in hook.list_webhooks()["data"]]


def test_a_webhook_is_made_listed_and_deleted(hook: SenderHook) -> None:
    made = hook.create_webhook(URL, "subscribers/unsubscribed")
    assert (made.url, made.topic, made.status) == (URL, "subscribers/unsubscribed", "ACTIVE")
    assert listed(hook) == ["subscribers/unsubscribed"]

    hook.delete_webhook(made.id)
    assert listed(hook) == []
    with pytest.raises(NotFoundError):
        hook.delete_webhook(made.id)


def test_a_groups_topic_names_the_group(hook: SenderHook) -> None:
    (group,) = hook.service.groups()
    assert hook.create_webhook(URL, "groups/new-subscriber", relation_id=group.id).topic == "groups/new-subscriber"
    with pytest.raises(InvalidRequestError, match="relation_id"):
        hook.create_webhook(URL, "groups/unsubscribed")


def test_an_address_in_clear_is_refused_by_the_service(hook: SenderHook) -> None:
    with pytest.raises(InvalidRequestError, match="url"):
        hook.create_webhook("http://hooks.example.com", "subscribers/new")


@pytest.mark.parametrize(("fault", "made"), [("drop_after", 1), ("drop_before", 0)])
def test_a_lost_answer_makes_no_second_webhook(
    fault: str, made: int, hook: SenderHook, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault(fault, path="/account/webhooks", method="POST")
    with pytest.raises(OutcomeUnknownError, match="It was not repeated"):
        hook.create_webhook(URL, "subscribers/new")
    assert len(listed(hook)) == made
