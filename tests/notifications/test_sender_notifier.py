"""The notifier against the sandbox; in a real Airflow's callbacks it is in tests/airflow."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_provider_sender.client.errors import ConfigurationError, OutcomeUnknownError, SenderError
from airflow_provider_sender.notifications.sender import SenderNotifier
from airflow_provider_sender.sandbox.remote import Sandbox

POST = {"path": "/message/send", "method": "POST"}
FAILED = {"dag_run": {"dag_id": "sales", "dag_run_id": "r", "state": "failed"}}
MISSED = {"dag_run": {"dag_id": "sales", "dag_run_id": "r"}, "deadline": {"id": 1, "deadline_time": "noon"}}


@pytest.fixture(autouse=True)
def _connection(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {**sender_sandbox.connection, "extra": json.dumps({"max_retries": 1})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))

    # Before 3.3 Airflow finds no connection asynchronously outside a triggerer.
    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)


def notifier(**options: Any) -> SenderNotifier:
    return SenderNotifier(**{"to": "oncall@example.com", "from_email": "airflow@example.com", **options})


def callback_trigger() -> Any:
    """Return Airflow's trigger that runs the callbacks of deadlines."""
    try:
        return importlib.import_module("airflow.triggers.callback").CallbackTrigger
    except ImportError:  # before 3.2
        return importlib.import_module("airflow.triggers.deadline").DeadlineCallbackTrigger


async def missed(callback_kwargs: dict[str, Any]) -> str:
    """Run a deadline's callback as the triggerer does; return what it reports at the end."""
    path = f"{SenderNotifier.__module__}.{SenderNotifier.__qualname__}"
    kwargs = {"to": "oncall@example.com", "from_email": "airflow@example.com", **callback_kwargs, "context": MISSED}
    events = [event.payload async for event in callback_trigger()(path, kwargs).run()]
    return str(events[-1]["state"]).rpartition(".")[2].lower()


async def test_a_missed_deadline_is_mailed_from_the_triggerer(sender_sandbox: Sandbox) -> None:
    assert await missed({}) == "success"

    (mail,) = sender_sandbox.messages()
    assert mail["subject"] == "[Airflow] DAG sales missed its deadline"
    assert "Deadline: noon" in mail["text"]


async def test_a_deadlines_mail_has_templates_too(sender_sandbox: Sandbox) -> None:
    assert (
        await missed({"subject": "{{ dag_run.dag_id }} is late", "text": "{{ deadline.deadline_time }}"}) == "success"
    )

    (mail,) = sender_sandbox.messages()
    assert (mail["subject"], mail["text"]) == ("sales is late", "noon")


async def test_a_deadlines_mail_that_cannot_be_sent_is_a_line_in_the_log(
    sender_sandbox: Sandbox, said: Callable[[], str]
) -> None:
    sender_sandbox.fault("refuse", **POST, times=None)

    assert await missed({}) == "success"
    assert said().count("A notification failed: InvalidRequestError") == 1
    assert await missed({"raise_on_error": True}) == "failed"


async def test_the_event_loop_goes_on_while_the_service_takes_its_time(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("delay", **POST, seconds=0.5)
    pauses = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            pauses.append(time.monotonic() - began)

    watching = asyncio.create_task(watch())
    await notifier(context=MISSED)
    watching.cancel()

    assert len(sender_sandbox.messages()) == 1
    assert len(pauses) > 100
    assert max(pauses) < 0.25  # 0.02 on a machine that does nothing else


def test_a_notifier_can_be_made_for_airflows_callback_of_deadlines() -> None:
    async_callback = importlib.import_module("airflow.sdk.definitions.deadline").AsyncCallback

    callback = async_callback(SenderNotifier, kwargs={"to": "oncall@example.com"})
    assert callback.path == "airflow_provider_sender.notifications.sender.SenderNotifier"


def test_everybody_gets_a_mail_though_one_cannot_be_sent(sender_sandbox: Sandbox, said: Callable[[], str]) -> None:
    sender_sandbox.fault("refuse", **POST, skip=1, message="b@example.com is suppressed")

    notifier(to=[f"{name}@example.com" for name in "abc"])(dict(FAILED))

    assert [mail["to"]["email"][0] for mail in sender_sandbox.messages()] == ["a", "c"]
    (line,) = [line for line in said().splitlines() if "notification failed" in line]
    assert "A notification failed: SenderError: 1 of 3 mails: " in line
    assert "@" not in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "oncall"}, "to: is no e-mail address"),
        ({"to": []}, "to: is empty"),
        ({"to": ["a@example.com", "b"]}, "to: is no e-mail address"),
        ({"to": 7}, "to: is a int"),
        ({"from_email": None}, "from_email: is missing"),
        ({"template_id": "t", "subject": "Own"}, "a template has that of its own"),
    ],
)
def test_what_cannot_be_meant_is_a_line_in_the_log_or_an_error_if_wanted(
    options: dict[str, Any], words: str, sender_sandbox: Sandbox, said: Callable[[], str]
) -> None:
    notifier(**options)(dict(FAILED))
    log = said()
    assert log.count(words) == 1
    assert "@example.com" not in log

    with pytest.raises(ConfigurationError, match=words):
        notifier(**options, raise_on_error=True)(dict(FAILED))
    assert sender_sandbox.counters()["requests"] == 0


def test_a_lost_answer_is_no_reason_to_mail_again(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("drop_after", **POST)

    with pytest.raises(OutcomeUnknownError):
        notifier(raise_on_error=True).notify(FAILED)  # type: ignore[arg-type]

    assert len(sender_sandbox.messages()) == 1


def test_a_service_that_is_down_is_a_line_in_the_log(
    sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    gone = {**sender_sandbox.connection, "host": "http://127.0.0.1:9/v2", "extra": json.dumps({"max_retries": 0})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(gone))

    notifier()(dict(FAILED))

    assert "A notification failed: ServiceFailureError: Sender at 127.0.0.1 could not be reached" in said()


def test_a_full_request_window_is_waited_for(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("rate_limit", **POST)

    notifier(raise_on_error=True)(dict(FAILED))

    assert len(sender_sandbox.messages()) == 1


def test_a_template_of_the_services_brings_its_own_words(sender_sandbox: Sandbox) -> None:
    from airflow_provider_sender.hooks.sender import SenderHook

    template = SenderHook().create_transactional_campaign(
        {"subject": "Alarm", "from": "Airflow", "reply_to": "airflow@example.com", "editor": "html"}
    )
    SenderNotifier(to="oncall@example.com", template_id=template.id, variables={"dag": "{{ dag_run.dag_id }}"})(
        dict(FAILED)
    )

    (mail,) = sender_sandbox.messages()
    assert (mail["subject"], mail["variables"]) == ("Alarm", {"dag": "sales"})
    assert "text" not in mail


def test_a_mail_that_says_less_is_better_than_none(sender_sandbox: Sandbox) -> None:
    notifier(subject="{{ dag_run.dag_id }}\n  is late", html=" ", text="")(dict(FAILED))
    notifier(subject="", html="")(dict(FAILED))

    first, second = sender_sandbox.messages()
    assert first["subject"] == "sales is late"
    assert second["subject"] == "[Airflow] DAG sales failed"
    assert first["text"] == second["text"]
    assert first["text"].startswith("DAG sales failed.")


def test_a_notifier_is_used_again_with_its_templates_as_they_were(sender_sandbox: Sandbox) -> None:
    for_all = notifier(subject="{{ dag_run.dag_id }}", variables={"dags": ["{{ dag_run.dag_id }}"]})
    for dag_id in ("sales", "stock"):
        for_all({"dag_run": {"dag_id": dag_id, "state": "failed"}})

    assert [(mail["subject"], mail["variables"]["dags"]) for mail in sender_sandbox.messages()] == [
        ("sales", ["sales"]),
        ("stock", ["stock"]),
    ]


def test_a_bug_in_a_callback_is_not_hidden_where_errors_are_wanted() -> None:
    with pytest.raises((SenderError, TypeError)):
        notifier(variables={"a": object()}, raise_on_error=True)(dict(FAILED))


def test_a_template_that_renders_to_nothing_is_not_mailed_as_it_is(sender_sandbox: Sandbox) -> None:
    notifier(html="{{ nothing }}", text="{{ nothing }}", subject="{{ nothing }}")({**FAILED, "nothing": ""})

    (mail,) = sender_sandbox.messages()
    assert mail["subject"] == "[Airflow] DAG sales failed"
    assert "{{" not in str(mail)


def test_a_template_that_cannot_be_rendered_is_a_line_in_the_log_that_names_nobody(
    sender_sandbox: Sandbox, said: Callable[[], str]
) -> None:
    notifier(variables={"name": "Ann Lee", "share": "{{ 1 / 0 }}"})(FAILED)

    line = said()
    assert line.count("A notification failed: ZeroDivisionError") == 1
    assert "Ann" not in line
    assert "oncall" not in line
    assert sender_sandbox.messages() == []


def test_what_a_template_gives_is_not_rendered_again(sender_sandbox: Sandbox) -> None:
    notifier(text="{{ exception }}")({**FAILED, "exception": "{{ 7 * 7 }}"})

    (mail,) = sender_sandbox.messages()
    assert mail["text"] == "{{ 7 * 7 }}"
