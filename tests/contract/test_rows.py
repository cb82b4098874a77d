"""Rows of all kinds written into an account, and read out of it again: what holds for every service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.subscribers import Consent
from airflow_provider_sender.operators.subscribers import (
    SenderExportSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.transfers.sender_to_sql import SenderToSqlOperator
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator
from tests.contract.accounts import ACTIVE, OUT, VIPS, Account
from tests.databases import Database

EVERYBODY = {*ACTIVE, *OUT}
CREATED = [f"new{number}@x.lt" for number in range(300)]


def upsert(account: Account, rows: list[dict[str, Any]], **how: Any) -> dict[str, Any]:
    returned: dict[str, Any] = account.run(SenderUpsertSubscribersOperator, subscribers=rows, **how)
    return {name: count for name, count in returned.items() if count and name not in ("requests", "rejects_path")}


def reasons(path: Path) -> dict[str, tuple[str | None, str]]:
    """Return the field and the reason of every reject, by address."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["row"]["email"]: (row["field"], row["reason"]) for row in rows}


def test_hundreds_of_rows_with_fields_groups_and_duplicates_end_as_they_say(account: Account) -> None:
    everyone, vip = account.group("All"), account.group("VIP")
    new = [{"email": email, "City": "Riga", "Visits": 2, "groups": [everyone]} for email in CREATED]
    known = [{"email": email, "City": "Vilnius", "Visits": 3, "groups": [vip]} for email in ACTIVE[20:120]]
    counts = upsert(account, [{"email": CREATED[0].upper(), "City": "Tartu"}, *new, *known])
    assert counts == {"sent": 400, "duplicates": 1}
    found = account.service.find_subscribers([*CREATED[:50], *ACTIVE[20:70]])
    assert {str(found[email].fields["City"]) for email in CREATED[:50]} == {"Riga"}
    assert {float(str(found[email].fields["Visits"])) for email in ACTIVE[20:70]} == {3.0}
    assert account.members("VIP") == {*VIPS, *ACTIVE[20:120]}
    assert account.members("All") == {*EVERYBODY, *CREATED}
    # Which lists somebody is in Sendara tells of no contact, so without a ledger it is asked to put them there again.
    again = [{name: value for name, value in row.items() if name != "groups"} for row in new + known]
    assert upsert(account, again) == {"unchanged": 400}


def test_a_row_that_names_a_group_there_is_not_stops_no_other(account: Account, tmp_path: Path) -> None:
    rows = [
        {"email": "new@x.lt", "groups": ["99999999"]},
        {"email": ACTIVE[100], "groups": ["99999999"]},
        *({"email": email, "groups": [account.group("VIP")]} for email in (CREATED[0], ACTIVE[101])),
    ]
    path = tmp_path / "rejects.jsonl"
    assert upsert(account, rows, on_reject="warn", rejects_path=str(path)) == {"sent": 2, "rejected": 2}
    assert {CREATED[0], ACTIVE[101]} <= account.members("VIP")
    assert set(reasons(path)) == {"new@x.lt", ACTIVE[100]}
    assert all((field or "").startswith("groups") for field, _ in reasons(path).values())


def test_a_rejected_row_fails_the_task_unless_told_otherwise_and_the_others_stay_written(
    account: Account, tmp_path: Path
) -> None:
    rows = [{"email": "nobody"}, {"email": ACTIVE[0], "firstname": "Ann"}]
    with pytest.raises(AirflowFailException, match=r"1 .*rejects.jsonl"):
        upsert(account, rows, rejects_path=f"{tmp_path}/rejects.jsonl")
    assert account.service.find_subscribers(ACTIVE[:1])[ACTIVE[0]].firstname == "Ann"


def test_only_overwrite_makes_active_and_where_the_service_does_not_the_row_is_rejected(
    account: Account, tmp_path: Path
) -> None:
    rows = [{"email": OUT[0], "status": "active"}, {"email": OUT[1], "firstname": "Eve"}]
    assert upsert(account, rows) == {"held": 2}
    path = tmp_path / "rejects.jsonl"
    counts = upsert(account, rows, consent="overwrite", on_reject="warn", rejects_path=str(path))
    found = account.service.find_subscribers(OUT[:2])
    if account.kind.name == "SendPulse":
        assert counts == {"rejected": 2}
        assert {reason for _, reason in reasons(path).values()} == {
            "SendPulse leaves whoever is out as they are; they have to subscribe again themselves."
        }
        assert {each.consent for each in found.values()} == {Consent.UNSUBSCRIBED}
        return
    assert counts == {"sent": 2}
    assert {each.consent for each in found.values()} == {Consent.ACTIVE}


def test_whoever_is_out_for_any_reason_is_never_left_active(account: Account) -> None:
    states = ("unsubscribed", "bounced", "complained")
    rows = [
        *({"email": f"{state}@x.lt", "status": state} for state in states),
        *({"email": email, "status": state} for email, state in zip(ACTIVE, states, strict=False)),
    ]
    assert upsert(account, rows, group_ids=[account.group("All")]) == {"sent": 6}
    found = account.service.find_subscribers([row["email"] for row in rows])
    # SendPulse finds out for itself who bounced or complained; to be told, it has "unsubscribed" only.
    can_tell = account.kind.name != "SendPulse"
    assert {email: each.consent for email, each in found.items()} == {
        row["email"]: row["status"] if can_tell else "unsubscribed" for row in rows
    }
    assert upsert(account, rows) == {"unchanged": 6}
    assert upsert(account, [{"email": row["email"], "firstname": "Ann"} for row in rows]) == {"held": 6}


def test_hundreds_of_members_are_mirrored_and_a_second_time_costs_no_writes(account: Account) -> None:
    wanted = [{"email": email} for email in [*ACTIVE[:200], "nobody@x.lt"]]
    group = account.group("VIP")
    counts = account.run(SenderSyncGroupOperator, group_id=group, subscribers=wanted)
    assert (counts["added"], counts["removed"], counts["unchanged"], counts["missing"]) == (170, 0, 30, 1)
    assert account.members("VIP") == set(ACTIVE[:200])
    counts = account.run(SenderSyncGroupOperator, group_id=group, subscribers=wanted[:20], mode="remove")
    assert (counts["added"], counts["removed"]) == (0, 20)
    counts = account.run(SenderSyncGroupOperator, group_id=group, subscribers=wanted[10:30], mode="add")
    # Sender calls those added, too, who were there already.
    assert (counts["added"] + counts["unchanged"], counts["removed"], counts["missing"]) == (20, 0, 0)
    assert account.members("VIP") == set(ACTIVE[10:200])
    assert account.members("All") == EVERYBODY


def test_a_parquet_export_is_typed_and_says_the_same(account: Account, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    account.run(SenderExportSubscribersOperator, output_path=f"{tmp_path}/all.parquet")
    table = parquet.read_table(tmp_path / "all.parquet")
    rows = {row["email"]: row for row in table.to_pylist()}
    assert (len(rows), table.num_rows) == (len(EVERYBODY), len(EVERYBODY))
    assert str(table.schema.field("created").type).startswith("timestamp[us, tz=UTC")
    assert {email for email, row in rows.items() if row["status"] == "unsubscribed"} == set(OUT)
    assert rows[ACTIVE[-1]]["fields.City"] == "Riga"
    assert float(rows[ACTIVE[-1]]["fields.Visits"]) == 1


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_table_holds_everybody_once_and_follows_the_account(account: Account, warehouse: Database, mode: str) -> None:
    load: dict[str, Any] = {"table": "people", "sql_conn_id": "warehouse", "mode": mode}
    assert account.run(SenderToSqlOperator, **load)["rows"] == len(EVERYBODY)
    upsert(account, [{"email": ACTIVE[0], "firstname": "Ann"}, {"email": ACTIVE[1], "status": "unsubscribed"}])
    account.service.delete_subscribers([ACTIVE[2]])
    done = account.run(SenderToSqlOperator, **load)
    rows = warehouse.rows("people", key="email")
    assert set(rows) == EVERYBODY - {ACTIVE[2]}
    assert (rows[ACTIVE[0]]["firstname"], rows[ACTIVE[1]]["status"]) == ("Ann", "unsubscribed")
    if mode == "merge":
        assert (done["inserted"], done["updated"], done["deleted"]) == (0, 2, 1)


def test_a_querys_rows_go_into_the_account_and_only_the_changed_ones_again(
    account: Account, warehouse: Database, tmp_path: Path
) -> None:
    people = ", ".join(f"('{email}', 'Ann', 'Riga', 1)" for email in CREATED[:120])
    warehouse.run(
        "create table people (email text, first text, city text, plan int)", f"insert into people values {people}"
    )
    push: dict[str, Any] = {
        "sql": "select email, first, city from people where plan = :plan",
        "parameters": {"plan": 1},
        "sql_conn_id": "warehouse",
        "columns": {"first": "firstname", "city": "fields.City"},
        "group_ids": [account.group("VIP")],
        "ledger_path": f"{tmp_path}/ledger.sqlite",
    }
    assert account.run(SqlToSenderOperator, **push)["sent"] == 120
    found = account.service.find_subscribers(CREATED[:90])
    assert {(each.firstname, each.fields["City"]) for each in found.values()} == {("Ann", "Riga")}
    assert {*VIPS, *CREATED[:120]} == account.members("VIP")
    warehouse.run("update people set first = 'Zoe' where email = 'new7@x.lt'")
    again = account.run(SqlToSenderOperator, **push)
    assert (again["sent"], again["unchanged"]) == (1, 119)
    assert account.service.find_subscribers(["new7@x.lt"])["new7@x.lt"].firstname == "Zoe"
