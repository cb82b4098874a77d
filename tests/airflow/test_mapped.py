"""Mapped tasks in a real Airflow: what they are given, and what Airflow keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run
from tests.airflow.test_messages import rendered_fields
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow

DAGS = "tests.airflow.dags.mapped"
SECRET = "the-secret"


@pytest.fixture
def group(connection: dict[str, Any], sender_sandbox: Sandbox) -> str:
    """A group of three people."""
    sender_sandbox.seed(rows=[{"email": f"p{number}@example.org", "groups": ["News"]} for number in range(3)])
    (found,) = service_of(sender_sandbox).groups()
    return found.id


@pytest.mark.parametrize(
    ("dag", "field", "given"),
    [
        ("send_kwargs", "send_at", [{"send_key": "k1", "send_at": None}]),
        ("send_kwargs", "max_recipients", [{"send_key": "k1", "max_recipients": ""}]),
        ("send_expanded", "max_recipients", [None]),
        ("send_literally", "max_recipients", None),
        ("send_kwargs_literally", "send_at", None),
    ],
)
def test_a_limit_or_time_that_came_out_as_nothing_sends_nothing(
    dag: str, field: str, given: Any, group: str, run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    done = run(DAGS, dag, group=group, **({} if given is None else {"given": given}))

    assert (done.state, done.tries["job"]) == ("failed", 1)
    assert f"{field}: is empty" in done.log
    assert sender_sandbox.counters()["mails"] == 0
    assert sender_sandbox.counters()["campaigns"] == {}


def test_what_is_given_holds_for_each_mapped_task(group: str, run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    done = run(DAGS, "send_kwargs", group=group, given=[{"send_key": "k1", "max_recipients": 3}])

    assert done.state == "success"
    assert sender_sandbox.counters()["mails"] == 3
    (shown,) = [fields for fields in rendered_fields("send_kwargs") if "campaign" in fields]
    assert shown["campaign"]["html"].startswith("<a text of ")
    assert (shown["campaign"]["subject"], shown["campaign"]["group_ids"]) == ("What is new", [group])


@pytest.mark.parametrize("dag", ["export_groups", "load_groups"])
def test_a_group_that_came_out_as_nothing_is_not_everybody(
    dag: str, group: str, run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    before = sender_sandbox.counters()["requests"]
    path = {"path": str(tmp_path / "all.csv")} if dag == "export_groups" else {}
    done = run(DAGS, dag, given=[None], **path)

    assert (done.state, done.tries["job"]) == ("failed", 1)
    assert "group_id: is empty" in done.log
    assert list(tmp_path.iterdir()) == []
    assert sender_sandbox.counters()["requests"] == before


def test_a_sensor_without_an_account_is_not_one_with_the_default(run: Callable[..., Run]) -> None:
    done = run(DAGS, "wait_for_each", given=[{"sender_conn_id": None}])

    assert (done.state, done.tries["job"]) == ("failed", 1)
    assert "sender_conn_id: is empty" in done.log


def test_a_strangers_name_is_not_a_template(
    run: Callable[..., Run], sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SECRET", SECRET)
    name = "{{ var.value.secret }}"
    to = {"email": "ann@example.com", "name": name}
    done = run(DAGS, "mail_kwargs", given=[{"to": to, "variables": {"name": name, "all": [{"deep": name}]}}])

    assert done.state == "success"
    (mail,) = sender_sandbox.messages()
    assert mail["to"] == to
    assert mail["variables"] == {"name": name, "all": [{"deep": name}]}
    assert SECRET not in done.log
    with create_session() as session:
        found = session.query(TaskInstance).filter_by(dag_id="mail_kwargs", task_id="job").all()
        assert [each.rendered_map_index for each in found] == ["<2 values>"]


def test_rows_of_a_mapped_task_are_not_templates(
    run: Callable[..., Run], sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SECRET", SECRET)
    name = "{{ var.value.secret }}"
    done = run(DAGS, "upsert_each", given=[[{"email": "ann@example.org", "firstname": name}]])

    assert done.state == "success"
    person = sender_sandbox.subscriber("ann@example.org")
    assert person is not None
    assert person["firstname"] == name


def test_people_written_into_a_mapped_task_are_mailed_and_shown_to_nobody(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    assert run(DAGS, "mail_literally").state == "success"

    assert sorted((each["to"]["email"], each["to"].get("name")) for each in sender_sandbox.messages()) == [
        ("ann@example.com", None),
        ("bob@example.com", "Bob 2026-01-05"),
    ]
    assert {each["variables"]["name"] for each in sender_sandbox.messages()} == {"Ann Lee"}
    with create_session() as session:
        stored = json.dumps(
            [each.data for each in session.query(SerializedDagModel).filter_by(dag_id="mail_literally")]
        )
    shown = json.dumps(rendered_fields("mail_literally"))
    assert "mail_literally" in stored
    assert "<a text of 15 characters>" in shown
    for word in ("ann@", "bob@", "Ann", "Dear reader"):
        assert word not in stored
        assert word not in shown


def test_a_function_of_the_context_gives_rows_as_they_are(run: Callable[..., Run], sender_sandbox: Sandbox) -> None:
    row = {"email": "ann@example.org", "firstname": "1e3", "lastname": "+37060000000"}
    assert run(DAGS, "upsert_by_function", rows=[row]).returned["job"]["sent"] == 1

    person = sender_sandbox.subscriber("ann@example.org")
    assert person is not None
    assert (person["firstname"], person["lastname"]) == ("1e3", "+37060000000")


def test_a_directory_may_be_a_path_object(
    group: str, run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    done = run(DAGS, "export_to_path_object", path=str(tmp_path).removeprefix("/"))

    assert done.state == "success"
    assert (tmp_path / "all" / "_manifest.json").exists()
    assert done.returned["job"]["path"].endswith("/all/")
