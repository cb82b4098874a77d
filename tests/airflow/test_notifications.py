"""Callbacks of DAGs and tasks, by a real Airflow, mail through the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow

DAGS = "tests.airflow.dags.notified"


def test_a_dag_that_succeeds_says_so(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    assert run(DAGS, "well").state == "success"

    (mail,) = sender_sandbox.messages()
    assert mail["to"] == {"email": "oncall@example.com"}
    assert mail["subject"] == "[Airflow] DAG well succeeded"
    assert "Run: manual__" in mail["text"]
    assert "Reason: success" in mail["text"]


def test_a_dag_that_fails_says_so_and_nothing_of_the_error(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    assert run(DAGS, "badly").state == "failed"

    (mail,) = sender_sandbox.messages()
    assert mail["subject"] == "[Airflow] DAG badly failed"
    assert "Reason: task_failure" in mail["text"]
    assert "12345" not in json.dumps(mail)


def test_a_notifier_that_serves_many_tasks_names_each(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    run(DAGS, "tasks")

    mails = sender_sandbox.messages()
    assert [(mail["to"]["email"], mail["subject"]) for mail in mails] == [
        ("oncall@example.com", "[Airflow] Task tasks.load succeeded"),
        ("oncall@example.com", "[Airflow] Task tasks.report failed"),
        ("boss@example.com", "[Airflow] Task tasks.report failed"),
    ]
    for line in ("DAG: tasks\n", "Task: report\n", "Try: 1\n", "/tasks/report?try_number=1\n"):
        assert line in mails[1]["text"]


def test_a_dags_own_words_are_rendered_and_everybody_gets_a_mail(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    run(DAGS, "in_words")

    first, second = sender_sandbox.messages()
    assert first["subject"] == second["subject"] == "report of manual: failed"
    assert first["html"].startswith("<p>Look at http")
    assert "text" not in first
    assert (first["to"], second["to"]) == (
        {"email": "oncall@example.com"},
        {"email": "boss@example.com", "name": "in_words"},
    )


def test_a_notification_that_fails_is_a_line_in_the_log_and_others_go_out(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    log = run(DAGS, "astray").log

    assert [mail["subject"] for mail in sender_sandbox.messages()] == ["This one"]
    assert log.count("A notification failed: ConfigurationError: to: is no e-mail address") == 1
    assert log.count("A notification failed: UndefinedError") == 1
    assert "Callback failed" not in log
