from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset, BaseOperator, ObjectStoragePath

from airflow_provider_sender.operators.lineage import place_of_path
from airflow_provider_sender.operators.subscribers import SenderExportSubscribersOperator
from airflow_provider_sender.sandbox.remote import Sandbox


class OutletEvent:
    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}


class OutletEvents(dict[str, OutletEvent]):
    """Makes an event for whatever asset is asked for, as Airflow's accessor does."""

    def __getitem__(self, asset: Asset) -> OutletEvent:  # type: ignore[override]
        return self.setdefault(asset.uri, OutletEvent())


class Instance:
    dag_id, task_id, run_id, map_index = "dag", "task", "run", -1


@pytest.fixture
def context() -> Any:
    return {"ti": Instance(), "outlet_events": OutletEvents()}


@pytest.fixture
def account(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sender_sandbox.reset(subscribers=250)
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))
    return sender_sandbox


class Collector:
    """Keeps what it is told, as Airflow's does where somebody listens."""

    def __init__(self) -> None:
        self.inputs: list[tuple[BaseOperator, str]] = []
        self.outputs: list[tuple[BaseOperator, str]] = []

    def add_input_asset(self, context: BaseOperator, *, uri: str) -> None:
        self.inputs.append((context, uri))

    def add_output_asset(self, context: BaseOperator, *, uri: str) -> None:
        self.outputs.append((context, uri))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    found = Collector()
    monkeypatch.setattr("airflow.providers.common.compat.lineage.hook.get_hook_lineage_collector", lambda: found)
    return found


def test_the_counts_are_in_the_event_of_every_asset_the_task_makes(
    account: Sandbox, context: Any, tmp_path: Path
) -> None:
    assets = [Asset("s3://bucket/subscribers"), Asset("x-sender://made-up")]
    export = SenderExportSubscribersOperator(task_id="t", output_path=f"{tmp_path}/out/", outlets=assets)

    returned = export.execute(context)

    assert [context["outlet_events"][asset].extra for asset in assets] == [returned, returned]
    assert returned["rows"] == 250


def test_openlineage_is_told_what_was_read_and_written(account: Sandbox, context: Any, tmp_path: Path) -> None:
    export = SenderExportSubscribersOperator(task_id="t", output_path=f"{tmp_path}/out.jsonl")
    assert export.get_openlineage_facets_on_complete(None) is None

    export.execute(context)

    lineage = export.get_openlineage_facets_on_complete(None)
    assert lineage is not None
    assert [(each.namespace, each.name) for each in lineage.inputs] == [("sender://127.0.0.1", "subscribers")]
    (output,) = lineage.outputs
    assert (output.namespace, output.name) == ("file", str(tmp_path / "out.jsonl"))
    statistics = output.outputFacets["outputStatistics"]
    assert (statistics.rowCount, statistics.fileCount) == (250, 1)


def test_the_account_is_an_input_once_a_listing(
    account: Sandbox, context: Any, tmp_path: Path, collector: Collector
) -> None:
    export = SenderExportSubscribersOperator(task_id="t", output_path=f"{tmp_path}/out.jsonl")

    export.execute(context)

    assert collector.inputs == [(export, "sender://127.0.0.1/subscribers")]
    assert collector.outputs == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/data/out.csv", ("file", "/data/out.csv")),
        ("file:///data/out.csv", ("file", "/data/out.csv")),
        ("memory://bucket/a/b.csv", ("memory://bucket", "a/b.csv")),
        ("memory://some_connection@bucket/a", ("memory://bucket", "a")),
    ],
)
def test_a_path_is_named_as_openlineage_names_it(path: str, place: tuple[str, str]) -> None:
    assert place_of_path(ObjectStoragePath(path)) == place  # type: ignore[arg-type]
