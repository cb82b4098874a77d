"""The example DAGs do what they say, in a real Airflow."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_sender.client.campaigns import CampaignDefinition
from airflow_provider_sender.hooks.services import service_for
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run
from tests.jobs.accounts import service_of

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


def test_what_became_of_a_campaign_is_a_table_and_a_picture(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.seed(count=400)
    service = service_of(sender_sandbox)
    definition = CampaignDefinition("News", "Example Ltd", "news@example.com", html="<p>{$unsubscribe_link}</p>")
    campaign = service.create_campaign(definition, "Newsletter")
    service.send_campaign(campaign)

    done = run("example_dags.campaign_report", "campaign_report_dag", storage=str(tmp_path), campaign=campaign)

    assert done.state == "success"
    found = done.returned["report"]
    rows = pq.read_table(tmp_path / "events" / f"{campaign}.parquet").to_pylist()
    assert found["rows"] == len(rows) > 0
    assert found["totals"]["sent"] == sender_sandbox.counters()["mails"]
    assert found["totals"]["opened"] == found["events"]["open"] == sum(row["event"] == "open" for row in rows)
    assert found["state"] == "sent"
    page = (tmp_path / "reports" / f"{campaign}.html").read_text()
    assert f"{found['totals']['opened']}" in page
    assert "Newsletter" in page


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


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """The database of the connection ``warehouse``, with a table of customers."""
    database = sqlite3.connect(tmp_path / "warehouse.sqlite")
    database.execute("create table customers (email text, first_name text, plan text, revenue real, wants_mail int)")
    people = [(f"c{number}@example.org", f"N{number}", "pro", 100.0 * number, number % 5 > 0) for number in range(50)]
    database.executemany("insert into customers values (?, ?, ?, ?, ?)", people)
    database.commit()
    connection = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.sqlite")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
    return database


def test_a_warehouse_table_goes_into_the_account_and_then_only_what_changed(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path, warehouse: sqlite3.Connection
) -> None:
    sender_sandbox.seed(count=5)  # with them comes the field
    first = run("example_dags.warehouse_to_account", storage=str(tmp_path))
    assert first.returned["push_customers"]["sent"] == 40
    before = sender_sandbox.counters()["requests"]
    again = run("example_dags.warehouse_to_account", storage=str(tmp_path))
    assert again.returned["push_customers"]["unchanged"] == 40
    assert sender_sandbox.counters()["requests"] == before
    warehouse.execute("update customers set plan = 'free' where email = 'c1@example.org'")
    warehouse.commit()
    changed = run("example_dags.warehouse_to_account", storage=str(tmp_path))
    assert (changed.returned["push_customers"]["sent"], changed.returned["push_customers"]["unchanged"]) == (1, 39)


def test_a_group_is_made_equal_to_a_query(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path, warehouse: sqlite3.Connection
) -> None:
    people = [{"email": f"c{number}@example.org", "groups": ["VIP"] if number < 15 else []} for number in range(50)]
    sender_sandbox.seed(rows=people)
    person = sender_sandbox.subscriber("c0@example.org")
    assert person is not None
    done = run("example_dags.vip_group", storage=str(tmp_path), group=person["subscriber_tags"][0]["id"])
    counts = done.returned["mirror_vips"]
    assert (counts["added"], counts["removed"], counts["unchanged"], counts["missing"]) == (35, 11, 4, 0)


def test_a_sendpulse_newsletter_reaches_its_lists_once(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [{"email": f"p{number}@example.org", "groups": ["VIP"] if number < 3 else ["Rest"]} for number in range(9)]
    sender_sandbox.seed(rows=[*people, {"email": "else@example.org", "groups": ["Else"]}])
    connection = {**sender_sandbox.sendpulse_connection, "extra": json.dumps({"settle_time": 0.3})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDPULSE_DEFAULT", json.dumps(connection))
    lists = {group.title: group.id for group in service_for("sendpulse_default").groups()}
    conf = {"lists": [lists["VIP"], lists["Rest"]], "from_email": "shop@example.com", "storage": str(tmp_path)}

    runs = [run("example_dags.sendpulse_newsletter", **conf) for _ in range(2)]

    assert [each.state for each in runs] == ["success", "success"]
    (campaign,) = sender_sandbox.counters()["campaigns"]
    assert sender_sandbox.mails(campaign) == {person["email"]: 1 for person in people}
    assert runs[1].returned["report"]["totals"]["sent"] == 9
    assert "<html" in (tmp_path / "newsletter-2026-01-05.html").read_text()


def test_customers_get_a_sendara_broadcast_and_its_figures_are_mailed(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender_sandbox.seed(rows=[{"email": f"p{number}@example.org", "groups": ["News"]} for number in range(4)])
    monkeypatch.setenv(
        "AIRFLOW_CONN_SENDARA_DEFAULT",
        json.dumps({**sender_sandbox.sendara_connection, "extra": json.dumps({"settle_time": 0.3})}),
    )
    (news,) = service_for("sendara_default").groups()
    customers = tmp_path / "customers.csv"
    customers.write_text('email,first_name,plan,segments\nann@example.org,Ann,pro,"b, a"\nnobody,No,free,\n')

    done = run("example_dags.sendara_broadcast", list=news.id, storage=str(tmp_path), customers=str(customers))

    assert done.state == "success"
    assert (done.returned["upsert_customers"]["sent"], done.returned["upsert_customers"]["rejected"]) == (1, 1)
    ann = service_for("sendara_default").find_subscribers(["ann@example.org"])["ann@example.org"]
    assert (ann.firstname, ann.fields["plan"], ann.fields["tags"]) == ("Ann", "pro", "a,b")
    assert sender_sandbox.counters()["mails"] == 5
    (mail,) = sender_sandbox.messages()
    assert mail["idempotency_key"]
    assert "5 were sent" in str(mail)
