from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.sdk import Asset

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.campaigns import CampaignDefinition
from airflow_provider_sender.operators import campaigns
from airflow_provider_sender.operators.reports import SenderExportCampaignReportOperator
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of

DEFINITION = CampaignDefinition("News", "Example Ltd", "news@example.com", html="<p>{$unsubscribe_link}</p>")


@pytest.fixture
def account(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sender_sandbox.reset(send_seconds=0)
    sender_sandbox.seed(rows=[{"email": f"p{number}@x.lt"} for number in range(300)])
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))
    return sender_sandbox


@pytest.fixture
def campaign(account: Sandbox) -> str:
    service = service_of(account)
    made = service.create_campaign(DEFINITION, "Newsletter")
    service.send_campaign(made)
    return made


def context() -> Any:
    return {"ti": MagicMock(dag_id="d", task_id="report", run_id="r", map_index=-1), "outlet_events": MagicMock()}


def report(given: Any = None, **parameters: Any) -> dict[str, Any]:
    operator = SenderExportCampaignReportOperator(task_id="report", **parameters)
    return operator.execute(context() if given is None else given)


def test_it_is_where_people_look_for_it() -> None:
    assert campaigns.SenderExportCampaignReportOperator is SenderExportCampaignReportOperator


def test_it_returns_figures_and_where_the_files_are(campaign: str, tmp_path: Path) -> None:
    path, html_path = str(tmp_path / "sub" / "e.csv"), str(tmp_path / "e.html")

    done = report(campaign_id=campaign, output_path=path, html_path=html_path, events=["click", "open", "click"])

    assert list(done["events"]) == ["click", "open"]
    assert done["rows"] == sum(done["events"].values()) == len(Path(path).read_text().splitlines()) - 1
    assert (done["path"], done["html_path"], done["state"]) == (path, html_path, "sent")
    assert (done["totals"]["sent"], done["totals"]["failed"]) == (300, None)
    assert len(json.dumps(done)) < 1_000
    assert "300" in Path(html_path).read_text()


def test_the_link_leads_to_the_campaign_even_when_the_report_fails(account: Sandbox) -> None:
    given = context()

    with pytest.raises(AirflowFailException):
        report(given, campaign_id="nothere")
    given["ti"].xcom_push.assert_called_once_with(key="campaign_url", value="https://app.sender.net/campaigns/nothere")


def test_openlineage_hears_of_the_campaign_and_the_files(campaign: str, tmp_path: Path) -> None:
    outlet = Asset("s3://bucket/events")
    given = context()
    operator = SenderExportCampaignReportOperator(
        task_id="report",
        campaign_id=campaign,
        output_path=str(tmp_path / "e.jsonl"),
        html_path=str(tmp_path / "e.html"),
        outlets=[outlet],
    )
    done = operator.execute(given)

    lineage = operator.get_openlineage_facets_on_complete(None)
    assert lineage is not None
    assert [(each.namespace, each.name) for each in lineage.inputs] == [("sender://127.0.0.1", f"campaigns/{campaign}")]
    assert [each.name for each in lineage.outputs] == [str(tmp_path / "e.jsonl"), str(tmp_path / "e.html")]
    given["outlet_events"][outlet].extra.update.assert_called_with(done)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"campaign_id": " "}, "campaign_id: is empty"),
        ({"output_path": "None"}, "output_path: is empty"),
        ({"output_path": "{tmp}/directory/"}, "output_path: .* is a directory"),
        ({"output_path": "{tmp}/e.txt"}, "output_path: the ending of 'e.txt'"),
        ({"output_path": "{tmp}/e.csv", "file_format": "xlsx"}, "file_format: 'xlsx' is not known"),
        ({"output_path": "{tmp}/e.csv", "html_path": "{tmp}/e.csv"}, "html_path: is the same file"),
        ({"output_path": "{tmp}/e.csv", "html_path": "{tmp}/"}, "html_path: .* is a directory"),
        ({"output_path": "{tmp}/e.csv", "events": ["opens"]}, "events: must be 'open' or .*; got 'opens'"),
        ({"output_path": "{tmp}/e.csv", "events": "open"}, "events: is a str, not a list of texts"),
        ({"events": ["open"]}, "output_path: is not given"),
        ({"output_path": "{tmp}/e.csv", "on_drift": "ignore"}, "on_drift: must be 'repair'"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_request(
    account: Sandbox, tmp_path: Path, parameters: dict[str, Any], said: str
) -> None:
    placed = {
        name: value.replace("{tmp}", str(tmp_path)) if isinstance(value, str) else value
        for name, value in parameters.items()
    }
    before = account.counters()["requests"]

    with pytest.raises(AirflowFailException, match=said):
        report(**{"campaign_id": "c", **placed})
    assert account.counters()["requests"] == before
    assert list(tmp_path.iterdir()) == []


def test_a_draft_is_not_reported(account: Sandbox, tmp_path: Path) -> None:
    draft = service_of(account).create_campaign(DEFINITION, "Newsletter")

    with pytest.raises(AirflowFailException, match=r"is draft and was not sent.*SenderCampaignSensor"):
        report(campaign_id=draft, output_path=str(tmp_path / "e.csv"))
    assert list(tmp_path.iterdir()) == []
