"""Single mails, workflows and events, by a real Airflow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airflow.sdk
import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.dags import messages
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow

DAGS = "tests.airflow.dags.messages"
KEEPS_NOTES = hasattr(airflow.sdk, "NEVER_EXPIRE")
POST = {"path": "/message/send", "method": "POST"}


def rendered_fields(dag_id: str) -> list[dict[str, Any]]:
    """Return what Airflow's database has of the last run's rendered fields."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id).all()
        return [dict(each.rendered_fields) for each in found]


def test_a_mail_is_sent_and_airflow_shows_nothing_of_it(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    done = run(DAGS, "mail")

    (posted,) = sender_sandbox.messages()
    assert (posted["to"], posted["subject"]) == ({"email": "ann@example.com"}, "Report of 2026-01-05")
    assert posted["html"] == "<p>Dear reader</p> {{ name }}"
    assert posted["variables"] == {"name": "Ann"}
    assert done.returned["job"].count("-") == 3
    (shown,) = rendered_fields("mail")
    assert shown["to"] == "<a text of 15 characters>"
    assert shown["variables"] == "<1 values>"
    assert shown["from_email"] == "shop@example.com"
    assert not [word for word in ("ann@", "Ann", "Dear", "Report") if word in json.dumps(shown)]


@pytest.mark.parametrize(("fault", "mails"), [("drop_after", 1), ("drop_before", 0)])
def test_a_lost_answer_fails_the_task_for_good_and_says_what_to_look_at(
    fault: str, mails: int, run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault(fault, **POST)
    lost = run(DAGS, "mail")

    assert (lost.state, lost.tries) == ("failed", {"job": 1})
    assert "Look at Sender's transactional mails." in lost.log
    assert len(sender_sandbox.messages()) == mails


def test_a_mail_that_outlasts_the_tasks_time_limit_is_not_sent_again(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("delay_after", **POST, seconds=3)
    lost = run(DAGS, "mail_slowly")

    assert (lost.state, lost.tries) == ("failed", {"job": 1})
    assert "The mail: the task was stopped while doing it." in lost.log
    assert len(sender_sandbox.messages()) == 1


@pytest.mark.skipif(not KEEPS_NOTES, reason="before 3.3 Airflow keeps nothing for a task's next try")
def test_a_task_that_fails_after_it_sent_the_mail_does_not_send_it_again(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    done = run(DAGS, "mail_and_fail")

    assert (done.state, done.tries) == ("success", {"job": 3})
    assert len(sender_sandbox.messages()) == 1
    assert done.returned["job"].count("-") == 3


def run_again(dag: Any, *, cleared: bool) -> str:
    """Run the task of a DAG's last run once more: its next try, or one that somebody asked for; return its state."""
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session

    with create_session() as session:
        ti = session.query(TaskInstance).filter_by(dag_id=dag.dag_id).one()
        if cleared:
            clear_task_instances([ti], session, dag_run_state=False)
        ti.try_number += 1
        session.commit()
        _run_task(ti=ti, task=dag.task_dict["job"])
        return str(getattr(ti.state, "value", ti.state))


def test_clearing_the_task_sends_the_mail(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("drop_before", **POST)
    assert run(DAGS, "mail").state == "failed"
    assert sender_sandbox.messages() == []

    assert run_again(messages.mail, cleared=True) == "success"

    assert len(sender_sandbox.messages()) == 1


@pytest.mark.skipif(not KEEPS_NOTES, reason="before 3.3 Airflow keeps nothing for a task's next try")
def test_a_worker_killed_while_it_waits_for_the_answer_is_followed_by_a_try_that_does_not_send(
    worker: Callable[..., subprocess.Popen[bytes]],
    sender_sandbox: Sandbox,
    tmp_path: Path,
    said: Callable[[], str],
) -> None:
    sender_sandbox.fault("delay_after", **POST, seconds=30)
    process = worker(DAGS, "mail", tmp_path / "results.json")
    deadline = time.monotonic() + 60
    while not sender_sandbox.faults()[0]["fired"]:
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    sender_sandbox.clear_faults()

    assert run_again(messages.mail, cleared=False) == "failed"
    assert "an earlier try of this task was about to do it" in said()
    assert len(sender_sandbox.messages()) == 1
    # Only who clears the task has it sent again.
    assert run_again(messages.mail, cleared=True) == "success"
    assert len(sender_sandbox.messages()) == 2


def test_a_refused_mail_is_tried_again_only_where_that_may_help(
    run: Callable[..., Run], connection: dict[str, Any], sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = {**connection, "extra": json.dumps({"max_retries": 0})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(hasty))
    sender_sandbox.fault("refuse", **POST, times=None, message="The domain is not verified")
    refused = run(DAGS, "mail")
    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert "The domain is not verified" in refused.log

    sender_sandbox.clear_faults()
    sender_sandbox.fault("rate_limit", **POST, times=1)
    held_up = run(DAGS, "mail")
    assert (held_up.state, held_up.tries) == ("success", {"job": 2})
    assert len(sender_sandbox.messages()) == 1


def test_an_address_that_is_none_is_refused_without_being_shown(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    refused = run(DAGS, "mail", to="ann at example.com")

    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert "to: is no e-mail address" in refused.log
    assert "ann at" not in refused.log.partition("DagRun Finished")[0].partition("Task failed")[2]
    assert sender_sandbox.counters()["requests"] == 0


def test_a_task_mapped_over_people_mails_each_of_them_once(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    people = ["ann@example.com", "{{ 7 * 7 }}@example.com"]
    done = run(DAGS, "mail_everybody", people=people[:1])

    assert done.state == "success"
    assert [each["to"]["email"] for each in sender_sandbox.messages()] == ["ann@example.com"]
    assert {fields["to"] for fields in rendered_fields("mail_everybody") if "to" in fields} == {
        "<a text of 15 characters>"
    }

    # What another task returned is data: nothing in it is a template.
    refused = run(DAGS, "mail_everybody", people=people[1:])
    assert "to: is no e-mail address" in refused.log
    assert len(sender_sandbox.messages()) == 1


def test_a_workflow_is_started_and_an_event_recorded(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    client = service_of(sender_sandbox).client
    (active,) = client.list_workflows(status="ACTIVE").data

    assert run(DAGS, "start_workflow", workflow=active.id).returned == {"job": active.id}
    assert run(DAGS, "record_event").state == "success"

    assert client.get_workflow(active.id).emails_sent == 1
    assert sender_sandbox.counters()["by_path"]["POST /events"] == 1


def test_a_workflow_that_is_not_active_fails_the_task_without_a_retry(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    (draft,) = service_of(sender_sandbox).client.list_workflows(status="DRAFT").data
    refused = run(DAGS, "start_workflow", workflow=draft.id)

    assert (refused.state, refused.tries) == ("failed", {"job": 1})
    assert "You must activate workflow first" in refused.log
