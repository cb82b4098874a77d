"""Campaigns that are sent reach runs of the DAGs that wait for them, in an Airflow with all of its processes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version

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


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox.start(send_seconds=0) as started:
        started.seed(rows=[{"email": "ann@example.com"}])
        yield started


@pytest.fixture(scope="module")
def whole(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAirflow]:
    connections = {"sender_default": box.connection}
    dags = {"on_campaign_sent.py": EXAMPLE, "alike.py": ALIKE}
    environment = {"SENDER_EXAMPLE_POKE_INTERVAL": "1"}
    with WholeAirflow(tmp_path_factory.mktemp("airflow"), connections, dags, environment) as airflow:
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


def test_five_campaigns_that_are_sent_in_the_same_second_all_reach_a_run(whole: WholeAirflow, box: Sandbox) -> None:
    client = service_of(box).client
    made = drafts(client, "The newsletter", 5)
    before = looks(box)
    whole.until(lambda: looks(box) >= before + 4, "looks at the drafts")
    for campaign_id in made:
        client.send_campaign(campaign_id)
    whole.until(reached(whole, "sender_on_campaign_sent", made), "a run of each of the five")
    assert told(whole, "sender_on_campaign_sent") == dict.fromkeys(made, 1)


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps things for assets from 3.3 on")
def test_assets_with_equal_watchers_are_both_told_of_what_was_sent_while_no_triggerer_ran(
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
