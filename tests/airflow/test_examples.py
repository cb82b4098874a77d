"""The example DAGs do what they say, in a real Airflow."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow


def test_the_nightly_export_holds_the_account(run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.seed(count=250)
    assert run("example_dags.nightly_export", storage=str(tmp_path)).state == "success"
    directory = tmp_path / "subscribers" / "2026-01-05"
    parts = json.loads((directory / "_manifest.json").read_text())["parts"]
    lines = [line for part in parts for line in gzip.decompress((directory / part["name"]).read_bytes()).splitlines()]
    assert sorted(lines) == sorted(sender_sandbox.subscribers())
    csv_lines = (tmp_path / "subscribers-2026-01-05.csv").read_text().splitlines()
    assert csv_lines[0] == "E-mail,First name,Status,Since"
    assert len(csv_lines) == 251


def test_the_newsletter_reaches_everybody_once_however_often_it_is_run(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.seed(count=60)
    customers = tmp_path / "customers.csv"
    customers.write_text("email,first_name,last_name,plan\nann@example.org,Ann,Lee,pro\nnobody,No,Body,free\n")
    first = run("example_dags.newsletter", "newsletter_dag", storage=str(tmp_path), customers=str(customers))
    second = run("example_dags.newsletter", "newsletter_dag", storage=str(tmp_path), customers=str(customers))
    assert (first.state, second.state) == ("success", "success")
    assert first.returned["upsert_customers"]["sent"] == 1
    assert second.returned["upsert_customers"]["unchanged"] == 1
    assert json.loads((tmp_path / "rejected-2026-01-05.jsonl").read_text())["row"]["email"] == "nobody"
    counters = sender_sandbox.counters()
    assert len(counters["campaigns"]) == 1
    assert counters["max_mails_per_recipient"] == 1
    assert second.returned["wait_until_sent"]["state"] == "sent"
    assert second.returned["wait_until_sent"]["sent"] == counters["mails"]


def test_newcomers_are_exported_without_the_rest(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.seed(count=5_000)
    sender_sandbox.seed(rows=[{"email": "new@example.org", "created": "2099-01-05 00:00:00"}])
    before = sender_sandbox.counters()["requests"]
    done = run("example_dags.newcomers", storage=str(tmp_path))
    (path,) = (tmp_path / "newcomers").iterdir()
    (line,) = gzip.decompress(path.read_bytes()).splitlines()
    assert json.loads(line)["email"] == "new@example.org"
    assert done.returned["export_newcomers"]["rows"] == 1
    assert sender_sandbox.counters()["requests"] - before <= 4
    with create_session() as session:
        extra = session.scalars(select(AssetEvent.extra).order_by(AssetEvent.id.desc())).first()
    assert extra is not None
    assert extra["rows"] == 1


def test_every_group_gets_a_task_and_a_file(run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path) -> None:
    people = [{"email": f"p{number}@example.org", "groups": ["VIP"] if number < 3 else ["Rest"]} for number in range(9)]
    sender_sandbox.seed(rows=people)
    done = run("example_dags.export_by_group", storage=str(tmp_path))
    assert done.state == "success"
    files = list((tmp_path / "groups").iterdir())
    assert sorted(len(path.read_text().splitlines()) - 1 for path in files) == [3, 6]


def test_a_report_is_mailed_and_who_is_on_call_hears_when_there_is_none(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    assert run("example_dags.notify_on_failure").state == "success"
    (report,) = sender_sandbox.messages()
    assert report["to"] == {"email": "boss@example.com"}
    assert report["text"] == "There were 2 orders."

    assert run("example_dags.notify_on_failure", orders=[]).state == "failed"
    mails = [(mail["to"]["email"], mail["subject"]) for mail in sender_sandbox.messages()[1:]]
    assert mails == [
        ("oncall@example.com", "No orders on 2026-01-05"),
        ("shop@example.com", "No orders on 2026-01-05"),
        ("oncall@example.com", "[Airflow] DAG sender_notify_on_failure failed"),
    ]
