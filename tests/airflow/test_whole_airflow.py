"""What only an Airflow with all of its processes shows: campaigns reach runs of DAGs, and deadlines are mailed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.sandbox.remote import Sandbox
from scripts.local_airflow import ROOT
from tests.airflow.whole_airflow import WholeAirflow
from tests.jobs.accounts import service_of

pytestmark = pytest.mark.airflow

AIRFLOW = tuple(int(part) for part in version("apache-airflow-core").split(".")[:2])

EXAMPLE = (ROOT / "example_dags" / "on_campaign_sent.py").read_text()

# Two assets whose watchers have the same parameters, and so one trigger in Airflow.
ALIKE = """
from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_sender.assets import campaigns_sent
from airflow_provider_sender.triggers.campaigns import SenderCampaignEventTrigger


def make(name: str) -> None:
    trigger = SenderCampaignEventTrigger(title_contains="offer", poll_interval=1)
    asset = Asset(name, watchers=[AssetWatcher(name=name, trigger=trigger)])

    @dag(dag_id=name, schedule=[asset], max_active_runs=1)
    def watching() -> None:
        @task
        def look(triggering_asset_events: Any = None) -> list[str]:
            return [campaign["id"] for campaign in campaigns_sent(triggering_asset_events[asset])]

        look()

    watching()


make("shop")
make("blog")
"""


DEADLINES = """
from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference, SyncCallback

from airflow_provider_sender.notifications.sender import SenderNotifier


def make(name: str, callback: Any, conn_id: str) -> None:
    mail = {"to": "oncall@example.com", "from_email": "airflow@example.com", "sender_conn_id": conn_id}
    deadline = DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(seconds=1),
        callback=callback(SenderNotifier, kwargs={**mail, "subject": name, "raise_on_error": True}),
    )

    @dag(dag_id=name, schedule=None, deadline=deadline)
    def late() -> None:
        @task
        def wait() -> None:
            time.sleep(15)

        wait()

    late()


make("in_the_triggerer", AsyncCallback, "in_the_database")
"""

# Airflow 3.1 refuses such a callback where the DAG is parsed.
if AIRFLOW >= (3, 3):
    DEADLINES += 'make("in_the_executor", SyncCallback, "in_the_database")\n'


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.start(send_seconds=0) as started:
        started.seed(rows=[{"email": "ann@example.com"}])
        yield started


@pytest.fixture
def whole(box: Sandbox, tmp_path: Path) -> Iterator[WholeAirflow]:
    connections = {"sender_default": box.connection}
    dags = {"on_campaign_sent.py": EXAMPLE, "alike.py": ALIKE, "deadlines.py": DEADLINES}
    environment = {"SENDER_EXAMPLE_POKE_INTERVAL": "1"}
    with WholeAirflow(tmp_path / "airflow", connections, dags, environment) as airflow:
        airflow.until(lambda: len(airflow.rows("select id from trigger")) == 2, "both watchers being there")
        airflow.until(lambda: looks(box) >= 4, "the first looks")
        yield airflow


def looks(box: Sandbox) -> int:
    return sum(request["path"] == "/campaigns" for request in box.requests())


def drafts(client: SenderClient, title: str, count: int) -> list[str]:
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    campaign = {**body, "title": title, "content": "<a>unsubscribe</a>"}
    return [client.create_campaign(campaign) for _ in range(count)]


def told(airflow: WholeAirflow, dag_id: str) -> Counter[str]:
    """Return how often each campaign reached a run of a DAG."""
    rows = airflow.rows(f"select value from xcom where key = 'return_value' and dag_id = '{dag_id}'")
    return Counter(campaign for (value,) in rows for campaign in json.loads(value))


def reached(airflow: WholeAirflow, dag_id: str, campaigns: list[str]) -> Callable[[], bool]:
    return lambda: told(airflow, dag_id).keys() >= set(campaigns)


def subjects(box: Sandbox) -> set[str]:
    return {mail["subject"] for mail in box.messages()}


def five_campaigns_that_are_sent_in_the_same_second_all_reach_a_run(whole: WholeAirflow, box: Sandbox) -> None:
    client = service_of(box).client
    made = drafts(client, "The newsletter", 5)
    before = looks(box)
    whole.until(lambda: looks(box) >= before + 4, "looks at the drafts")
    for campaign_id in made:
        client.send_campaign(campaign_id)
    whole.until(reached(whole, "sender_on_campaign_sent", made), "a run of each of the five")
    assert told(whole, "sender_on_campaign_sent") == dict.fromkeys(made, 1)


def assets_with_equal_watchers_are_both_told_of_what_was_sent_while_no_triggerer_ran(
    whole: WholeAirflow, box: Sandbox
) -> None:
    client = service_of(box).client
    made = drafts(client, "An offer", 2)
    before = looks(box)
    whole.until(lambda: looks(box) >= before + 4, "looks at the drafts")
    kept = "select count(*) from asset_state_store"
    whole.until(lambda: whole.rows(kept) and whole.rows(kept)[0][0] >= 3, "what was seen being kept with each asset")
    whole.stop("triggerer")
    for campaign_id in made:
        client.send_campaign(campaign_id)
    whole.start("triggerer")
    for dag_id in ("shop", "blog"):
        whole.until(reached(whole, dag_id, made), f"a run of {dag_id}")
        assert told(whole, dag_id) == dict.fromkeys(made, 1)


def a_deadline_is_mailed_by_an_async_callback_and_not_by_a_sync_one(whole: WholeAirflow, box: Sandbox) -> None:
    """What the guide says of the two. When it fails for the second, Airflow has been corrected and the guide can be."""
    whole.run("connections", "add", "in_the_database", "--conn-json", json.dumps(box.connection))
    whole.until(lambda: whole.rows("select 1 from dag where dag_id = 'in_the_triggerer'"), "the DAG being known")
    whole.run("dags", "trigger", "in_the_triggerer")
    whole.until(lambda: "in_the_triggerer" in subjects(box), "a mail about the deadline")
    if AIRFLOW < (3, 3):
        return
    whole.run("dags", "trigger", "in_the_executor")
    failed = "select 1 from callback where type = 'executor' and state = 'failed'"
    whole.until(lambda: whole.rows(failed), "the callback failing")
    assert "in_the_executor" not in subjects(box)


# One test, since starting such an Airflow takes longer than all of what it shows.
def test_every_campaign_reaches_a_run_and_a_deadline_is_mailed(whole: WholeAirflow, box: Sandbox) -> None:
    five_campaigns_that_are_sent_in_the_same_second_all_reach_a_run(whole, box)
    if AIRFLOW >= (3, 3):  # older Airflow keeps nothing for an asset
        assets_with_equal_watchers_are_both_told_of_what_was_sent_while_no_triggerer_ran(whole, box)
    a_deadline_is_mailed_by_an_async_callback_and_not_by_a_sync_one(whole, box)
