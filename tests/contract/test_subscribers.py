"""Subscribers: what holds for every service."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderExportSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from tests.contract.accounts import ACTIVE, OUT, VIPS, Account, addresses

EVERYBODY = {*ACTIVE, *OUT}


def exported(path: Path) -> list[str]:
    """Return the addresses in a JSONL export, in its order."""
    return [json.loads(line)["email"] for line in path.read_text().splitlines()]


def test_everybody_is_exported_once(account: Account, tmp_path: Path) -> None:
    returned = account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.jsonl")
    found = exported(tmp_path / "all.jsonl")
    assert (len(found), set(found)) == (len(EVERYBODY), EVERYBODY)
    assert returned["rows"] == len(EVERYBODY)


def test_a_group_is_exported(account: Account, tmp_path: Path) -> None:
    account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/vip.jsonl", group_id=account.group("VIP"))
    assert sorted(exported(tmp_path / "vip.jsonl")) == sorted(VIPS)


def test_a_flat_export_has_the_standard_columns_and_says_who_may_be_mailed(account: Account, tmp_path: Path) -> None:
    account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.csv")
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"id", "email", "firstname", "lastname", "phone", "status", "created", "groups"} <= set(rows[0])
    assert {row["email"] for row in rows if row["status"] == "active"} == set(ACTIVE)
    assert {row["email"] for row in rows if row["status"] == "unsubscribed"} == set(OUT)


def test_a_directory_is_exported_in_parts(account: Account, tmp_path: Path) -> None:
    returned = account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all/", file_format="jsonl")
    manifest = json.loads((tmp_path / "all" / "_manifest.json").read_text())
    found = [email for part in manifest["parts"] for email in exported(tmp_path / "all" / part["name"])]
    assert sorted(found) == sorted(EVERYBODY)
    assert manifest["rows"] == returned["rows"] == len(EVERYBODY)


@pytest.mark.parametrize("kind", ["delete_subscribers", "add_subscribers"])
@pytest.mark.parametrize("where", ["first", "last", "random"])
def test_whoever_is_there_from_first_to_last_is_exported_once_whatever_moves(
    account: Account, tmp_path: Path, kind: str, where: str
) -> None:
    account.sandbox.fault(kind, path=account.kind.listing, method="GET", count=2, where=where, times=3)
    account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.jsonl")
    found = exported(tmp_path / "all.jsonl")
    assert len(found) == len(set(found))
    account.sandbox.clear_faults()
    still_there = addresses(account.service) & EVERYBODY
    assert still_there <= set(found)
    assert len(still_there) >= len(EVERYBODY) - 6


def test_failing_answers_cost_nothing_but_requests(account: Account, tmp_path: Path) -> None:
    account.sandbox.fault("status", path=account.kind.listing, method="GET", status=503, times=2)
    account.sandbox.fault("truncate", path=account.kind.listing, method="GET", times=1)
    account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.jsonl")
    assert sorted(exported(tmp_path / "all.jsonl")) == sorted(EVERYBODY)


def test_a_wrong_token_fails_the_task_for_good_and_is_not_shown(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", account.connection(password="wrong-token"))
    with pytest.raises(AirflowFailException) as told:
        account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.jsonl")
    assert "wrong-token" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_created_updated_held_and_rejected(account: Account, tmp_path: Path) -> None:
    rows = [
        {"email": ACTIVE[0], "firstname": "Ann"},
        {"email": "new@x.lt", "firstname": "Bob"},
        {"email": OUT[0], "firstname": "Eve", "status": "active"},
        {"email": "no address", "firstname": "Nobody"},
    ]
    returned = account.run(
        SenderUpsertSubscribersOperator,
        subscribers=rows,
        group_ids=[account.group("All")],
        rejects_path=f"{tmp_path}/rejects.jsonl",
        on_reject="warn",
    )
    assert {name: returned[name] for name in ("sent", "unchanged", "rejected", "held", "unconfirmed")} == {
        "sent": 2,
        "unchanged": 0,
        "rejected": 1,
        "held": 1,
        "unconfirmed": 0,
    }
    found = account.service.find_subscribers([ACTIVE[0], "new@x.lt", OUT[0]])
    assert [found[email].firstname for email in (ACTIVE[0], "new@x.lt")] == ["Ann", "Bob"]
    assert found["new@x.lt"].consent == "active"
    assert found[OUT[0]].consent == "unsubscribed"
    assert "new@x.lt" in account.members("All")
    assert json.loads((tmp_path / "rejects.jsonl").read_text())["row"]["email"] == "no address"


def test_with_a_ledger_only_what_changed_is_sent(account: Account, tmp_path: Path) -> None:
    rows = [{"email": email, "firstname": "Ann"} for email in [*ACTIVE[:150], "new@x.lt"]]
    known: dict[str, Any] = {"group_ids": [account.group("All")], "ledger_path": f"{tmp_path}/ledger.sqlite"}
    first = account.run(SenderUpsertSubscribersOperator, subscribers=rows, **known)
    assert (first["sent"], first["unchanged"]) == (151, 0)
    before = account.sandbox.counters()["requests"]
    again = account.run(SenderUpsertSubscribersOperator, subscribers=rows, **known)
    assert (again["sent"], again["unchanged"]) == (0, 151)
    assert account.sandbox.counters()["requests"] == before
    rows[7]["firstname"] = "Zoe"
    changed = account.run(SenderUpsertSubscribersOperator, subscribers=rows, **known)
    assert (changed["sent"], changed["unchanged"]) == (1, 150)
    assert account.service.find_subscribers([ACTIVE[7]])[ACTIVE[7]].firstname == "Zoe"


def test_people_can_always_be_unsubscribed(account: Account) -> None:
    rows = [{"email": ACTIVE[3], "status": "unsubscribed"}]
    assert account.run(SenderUpsertSubscribersOperator, subscribers=rows)["sent"] == 1
    assert account.service.find_subscribers([ACTIVE[3]])[ACTIVE[3]].consent == "unsubscribed"


def test_a_dry_run_writes_nothing(account: Account) -> None:
    rows = [{"email": "new@x.lt", "firstname": "Bob"}, {"email": ACTIVE[0], "firstname": "Ann"}]
    group = account.group("All")
    plan = account.run(SenderUpsertSubscribersOperator, subscribers=rows, group_ids=[group], dry_run=True)["plan"]
    assert (plan["creates"], plan["updates"]) == (1, 1)
    assert "new@x.lt" not in account.service.find_subscribers(["new@x.lt"])


def test_a_group_is_mirrored(account: Account) -> None:
    wanted = [*VIPS[5:], *ACTIVE[100:120]]
    counts = account.run(
        SenderSyncGroupOperator, group_id=account.group("VIP"), subscribers=[{"email": email} for email in wanted]
    )
    assert (counts["added"], counts["removed"], counts["unchanged"]) == (20, 5, 25)
    assert account.members("VIP") == set(wanted)
    assert account.members("All") == EVERYBODY
    again = account.run(
        SenderSyncGroupOperator, group_id=account.group("VIP"), subscribers=[{"email": email} for email in wanted]
    )
    assert (again["added"], again["removed"], again["unchanged"]) == (0, 0, 45)


def test_an_unknown_group_is_refused_before_anything_is_written(account: Account) -> None:
    with pytest.raises(AirflowFailException):
        account.run(SenderSyncGroupOperator, group_id="99999999", subscribers=[{"email": ACTIVE[0]}])
    with pytest.raises(AirflowFailException, match="group_ids"):
        account.run(SenderUpsertSubscribersOperator, subscribers=[{"email": ACTIVE[0]}], group_ids=["99999999"])


def test_people_are_erased_and_deleting_the_absent_succeeds(account: Account) -> None:
    emails = [*ACTIVE[:3], "nobody@x.lt"]
    counts = account.run(SenderDeleteSubscribersOperator, emails=emails)
    assert (counts["deleted"], counts["missing"]) == (3, 1)
    assert addresses(account.service) == EVERYBODY - set(emails)
