"""Files, XComs and events are what the guides say: made by real runs against the sandbox."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import msgspec
import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.sender.campaign_records import CAMPAIGN_STATES
from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from airflow_provider_sender.hooks import services
from airflow_provider_sender.jobs.columns import STANDARD_COLUMNS
from airflow_provider_sender.jobs.consent import ConsentMode, Decision, decide
from airflow_provider_sender.jobs.mapping import _STATUSES, _WRITABLE
from airflow_provider_sender.operators.campaigns import SenderCreateCampaignOperator
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderExportSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from airflow_provider_sender.triggers import shared_poll
from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger
from tests.docs.rst import literals, page

SUBSCRIBERS = page("operators/subscribers")
LEDGER = page("ledger")
CAMPAIGNS = page("operators/campaigns")
WAITING = page("sensors/campaigns")


@pytest.fixture
def account(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account of ``sender_default``, with some people on it."""
    sender_sandbox.seed(count=20)
    connection = {**sender_sandbox.connection, "extra": json.dumps({"settle_time": 0.1})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))
    return sender_sandbox


@pytest.fixture
def context() -> Any:
    """What a task is given, as far as the operators use it."""
    ti = MagicMock()
    ti.start_date = datetime.now(UTC)
    return {"ti": ti}


@pytest.fixture
def draft(account: Sandbox, context: Any) -> str:
    """A draft, made by the operator that makes drafts."""
    campaign = {
        "subject": "News",
        "from_name": "Example Ltd",
        "from_email": "news@example.com",
        "html": "<a href='{$unsubscribe_link}'>Unsubscribe</a>",
        "to_everyone": True,
    }
    return SenderCreateCampaignOperator(task_id="draft", campaign=campaign, send_key="docs").execute(context)


def keys(guide: Any, title: str) -> list[str]:
    return list(guide.column(title))


def test_what_an_export_returns_and_its_manifest(account: Sandbox, context: Any, tmp_path: Path) -> None:
    export = SenderExportSubscribersOperator(task_id="export", output_path=f"{tmp_path}/all/", file_format="csv.gz")
    returned = export.execute(context)
    manifest = json.loads((tmp_path / "all" / "_manifest.json").read_text())

    assert list(returned) == keys(SUBSCRIBERS, "Return value of SenderExportSubscribersOperator")
    assert list(manifest) == keys(SUBSCRIBERS, "Keys of the manifest")
    assert list(manifest["listing"]) == keys(SUBSCRIBERS, "Keys of listing")
    for key in ("columns", "parts"):
        (stated,) = (text for text in literals(SUBSCRIBERS.column("Keys of the manifest")[key]["Value"]) if "{" in text)
        assert list(manifest[key][0]) == [name for name in stated.split('"') if name.isidentifier()]
    assert {column["type"] for column in manifest["columns"]} == set(keys(SUBSCRIBERS, "Types of columns"))


def test_columns_of_a_flat_export(account: Sandbox, context: Any, tmp_path: Path) -> None:
    SenderExportSubscribersOperator(task_id="export", output_path=f"{tmp_path}/all.csv").execute(context)
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        header, first = list(csv.reader(file))[:2]

    documented = {name: row["Type"] for name, row in SUBSCRIBERS.column("Columns of a flat export").items()}
    assert documented == {column.name: column.type for column in STANDARD_COLUMNS}
    assert header[: len(documented)] == list(documented)
    assert all(name.startswith("fields.") for name in header[len(documented) :])
    row = dict(zip(header, first, strict=True))
    assert row["created"].endswith("Z")
    assert isinstance(json.loads(row["groups"]), list)
    assert (tmp_path / "all.csv").read_bytes().count(b"\r\n") == 21


def test_a_csv_export_is_read_as_the_guide_says(
    account: Sandbox, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    SenderExportSubscribersOperator(task_id="export", output_path=f"{tmp_path}/subscribers.csv.gz").execute(context)
    (example,) = (block for block in SUBSCRIBERS.code("python") if "duckdb" in block.text)
    made: dict[str, Any] = {}
    exec(example.text, made)

    people = {row["id"]: row for row in map(json.loads, account.subscribers())}
    by_pandas = made["frame"].to_dict("records")
    by_duckdb = [dict(zip(made["table"].columns, row, strict=True)) for row in made["table"].fetchall()]
    for rows in (by_pandas, by_duckdb):
        assert {row["id"]: row["created"] for row in rows} == {
            id: datetime.fromisoformat(person["created"]) for id, person in people.items()
        }
    assert {row["id"]: row["groups"] for row in by_duckdb} == {
        id: [tag["id"] for tag in person["subscriber_tags"]] for id, person in people.items()
    }


def test_every_status_of_an_export_is_documented() -> None:
    stated = set(literals(SUBSCRIBERS.column("Columns of a flat export")["status"]["Value"]))

    assert stated == {consent.value for consent in Consent}


def test_what_an_upsert_returns_and_its_rejects_file(account: Sandbox, context: Any, tmp_path: Path) -> None:
    person = json.loads(account.subscribers()[0])
    account.seed(rows=[{"email": "left@example.com", "status": "unsubscribed"}])
    rows = [
        {"email": "new@example.com"},
        {"email": "NEW@example.com", "firstname": "Ada"},
        {"email": person["email"]},
        {"email": "left@example.com"},
        {"email": "nobody"},
    ]
    rejects = tmp_path / "rejects.jsonl"
    documented = keys(SUBSCRIBERS, "Return value of SenderUpsertSubscribersOperator")
    planned = SenderUpsertSubscribersOperator(task_id="plan", subscribers=rows, on_reject="warn", dry_run=True).execute(
        context
    )
    assert list(planned) == documented
    assert list(planned["plan"]) == keys(SUBSCRIBERS, "Keys of plan")

    returned = SenderUpsertSubscribersOperator(
        task_id="upsert", subscribers=rows, rejects_path=str(rejects), on_reject="warn"
    ).execute(context)
    assert list(returned) == [key for key in documented if key != "plan"]
    counts = {name: returned[name] for name in ("sent", "unchanged", "rejected", "held", "duplicates")}
    assert sum(counts.values()) == len(rows)
    (rejected,) = (json.loads(line) for line in rejects.read_text().splitlines())
    assert list(rejected) == keys(SUBSCRIBERS, "Keys of a rejected row")
    (example,) = SUBSCRIBERS.code("json")
    assert rejected | {"line": 1, "row": {}} == json.loads(example.text) | {"row": {}}


def test_a_ledger_is_as_its_page_says(account: Sandbox, context: Any, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    account.seed(rows=[{"email": "left@example.com", "status": "unsubscribed"}])
    SenderUpsertSubscribersOperator(
        task_id="upsert",
        subscribers=[{"email": "new@example.com"}, {"email": "left@example.com"}],
        ledger_path=str(ledger),
    ).execute(context)
    with closing(sqlite3.connect(ledger)) as database:
        columns = [name for _, name, *_ in database.execute("pragma table_info(subscriber)")]
        names = [name for (name,) in database.execute("select name from about")]
        ((application_id,),) = database.execute("pragma application_id")
        digests = [digest for (digest,) in database.execute("select fingerprint from subscriber")]
        outcomes = [outcome for (outcome,) in database.execute("select outcome from subscriber order by outcome")]

    assert columns == keys(LEDGER, "Columns of subscriber")
    assert sorted(names) == sorted(keys(LEDGER, "Names in about"))
    assert f"0x{application_id:X}" in LEDGER.text
    assert {len(digest) for digest in digests} == {32}
    assert outcomes == literals(LEDGER.column("Columns of subscriber")["outcome"]["Value"]) == ["accepted", "held"]


def test_what_a_group_s_mirror_and_an_erasure_return(
    account: Sandbox, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.seed(rows=[{"email": "member@example.com", "groups": ["VIP"]}])
    group_id = json.loads(account.subscribers()[-1])["subscriber_tags"][0]["id"]
    rejects = tmp_path / "rejects.jsonl"
    sync = SenderSyncGroupOperator(
        task_id="sync",
        group_id=group_id,
        subscribers=[{"email": "stranger@example.com"}, {"email": "member@example.com"}, {"email": "nobody"}],
        rejects_path=str(rejects),
        on_reject="warn",
    )
    documented = keys(SUBSCRIBERS, "Return value of SenderSyncGroupOperator")
    assert list(sync.execute(context)) == [key for key in documented if key not in ("created", "held")]
    written = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [list(row) for row in written] == [keys(SUBSCRIBERS, "Keys of a rejected row")] * 2
    assert "the account knows nobody of this address" in {row["reason"] for row in written}
    sync.create_missing = True
    assert list(sync.execute(context)) == [key for key in documented if key != "held"]

    account.seed(rows=[{"email": "out@example.com", "groups": ["Other"], "status": "unsubscribed"}])
    monkeypatch.setenv("AIRFLOW_CONN_SENDPULSE_DEFAULT", json.dumps(account.sendpulse_connection))
    sync.sender_conn_id = "sendpulse_default"
    sync.group_id = next(
        group.id for group in services.service_for("sendpulse_default").groups() if group.title == "VIP"
    )
    sync.subscribers = [{"email": "out@example.com"}, {"email": "nobody"}]
    sync.mode = "add"
    counts = sync.execute(context)
    assert list(counts) == documented
    assert (counts["held"], counts["added"]) == (1, 0)

    erase = SenderDeleteSubscribersOperator(task_id="erase", emails=["member@example.com"])
    assert list(erase.execute(context)) == keys(SUBSCRIBERS, "Return value of SenderDeleteSubscribersOperator")


def test_columns_and_statuses_of_a_row() -> None:
    rows = SUBSCRIBERS.column("Columns of a row")

    assert set(rows) == set(_WRITABLE)
    assert literals(rows["status"]["Meaning"]) == list(_STATUSES)


IN_THE_ACCOUNT: dict[str, list[Consent | None]] = {
    "not there": [None],
    "active": [Consent.ACTIVE],
    "unsubscribed, bounced or complained": [Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED],
    "unconfirmed or unknown": [Consent.UNCONFIRMED, Consent.UNKNOWN],
}
WANTED: dict[str, list[Consent | None]] = {
    "none or active": [None, Consent.ACTIVE],
    "active": [Consent.ACTIVE],
    "none": [None],
    "any other": [Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED],
}


def outcome_of(current: Consent | None, wanted: Consent | None, mode: ConsentMode) -> set[str]:
    """Return which of the table's outcomes is true of a row that changes a name as well."""
    change = SubscriberChange("a@example.com", email="a@example.com", firstname="New", consent=wanted)
    there = None if current is None else Subscriber("1", email="a@example.com", firstname="Old", consent=current)
    decision, asked = decide(change, there, mode)
    if decision is Decision.HOLD:
        return {"**held**: nothing of the row is written", "**held**"}
    if decision is Decision.CREATE:
        is_plain = asked.consent in (None, Consent.ACTIVE)
        return {"created, as the service creates people" if is_plain else "created and set to it at once"}
    assert decision is Decision.UPDATE
    if asked.consent in (None, current):
        return {"the rest is written", "the rest is written, the status stays"}
    return {"**made active**"} if asked.consent is Consent.ACTIVE else {"set to it"}


def test_what_a_row_does_to_whom() -> None:
    met = []
    for row in SUBSCRIBERS.table("What a row does to whom"):
        for current in IN_THE_ACCOUNT[row["In the account"]]:
            for wanted in WANTED[row["The row's status"]]:
                met.append((current, wanted))
                for mode in ConsentMode:
                    assert row[f"``{mode.value}``"] in outcome_of(current, wanted, mode), (current, wanted, mode)
    # Nobody, and each state in the account, with none and each state a row can ask for.
    assert len(met) == len(set(met)) == (1 + len(Consent)) * (1 + len(set(_STATUSES.values())))


def test_keys_of_a_campaign_definition() -> None:
    rows = CAMPAIGNS.column("Keys of a campaign definition")

    assert list(rows) == list(CampaignDefinition.__struct_fields__)
    required = {field.name for field in msgspec.structs.fields(CampaignDefinition) if field.required}
    assert {name for name, row in rows.items() if row["Required"] == "yes"} == required


def test_states_of_a_campaign() -> None:
    documented = {
        service_state: state
        for row in WAITING.table("States")
        for service_state in literals(row["In Sender"])
        for state in literals(row["State"])
    }

    assert documented == {name: state.value for name, state in CAMPAIGN_STATES.items()}
    # What Sender has no word for comes from nowhere else.
    assert {state for row in WAITING.table("States") for state in literals(row["State"])} <= set(CampaignState)


def test_what_a_sensor_returns(draft: str, context: Any) -> None:
    looked = SenderCampaignSensor(task_id="wait", campaign_id=draft).poke(context)

    assert looked.xcom_value is not None
    assert list(looked.xcom_value) == keys(WAITING, "Return value of SenderCampaignSensor")


async def test_keys_of_the_event(draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Outside of a triggerer, Airflow 3.1 cannot read a connection in an event loop.
    monkeypatch.setattr(shared_poll, "service_for_trigger", AsyncMock(side_effect=services.service_for))
    now = time.time()
    trigger = SenderCampaignTrigger(
        campaign_id=draft,
        sender_conn_id="sender_default",
        poll_interval=60,
        began=now,
        end_time=now,
        draft_timeout=600,
    )
    event = await anext(trigger.run())

    assert list(event.payload) == keys(WAITING, "Keys of the event")
    assert event.payload["status"] == "timeout"
    assert "timeout" in literals(WAITING.column("Keys of the event")["status"]["Value"])


class Deferred(Exception):
    """Stands for Airflow's own, which is not in the same place in all versions."""


def test_whether_a_deferred_sensor_is_ended_by_its_timeout(
    draft: str, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    defer = MagicMock(side_effect=Deferred)
    monkeypatch.setattr(SenderCampaignSensor, "defer", defer)
    sensor = SenderCampaignSensor(task_id="wait", campaign_id=draft, timeout=5, deferrable=True)
    with pytest.raises(Deferred):
        sensor.execute(context)

    asked = defer.call_args.kwargs
    is_ended = asked.get("timeout") is not None or asked["trigger"].end_time is not None
    assert is_ended != ("A deferred sensor is not ended by ``timeout``" in WAITING.text)
