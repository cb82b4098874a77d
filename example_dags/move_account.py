"""An account moves from SendPulse to Sender, with everybody's consent, and the two are held against each other.

Everybody is exported, and joined to one row an address: whoever opted out of one mailing list is taken over as
unsubscribed. Whoever is on the blacklist is, too, in a list or not. Whoever never confirmed is left behind. The run
fails unless in the end everybody is there, nobody may be mailed who may not, and both accounts count the same people in
every state. Run again, it moves what has come since.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_sender.operators.subscribers import (
    SenderExportSubscribersOperator,
    SenderUpsertSubscribersOperator,
)

FROM, TO = "sendpulse_default", "sender_default"
# What Sender has no state for: people who were asked to confirm and did not.
LEFT_BEHIND = {"unconfirmed", "unknown"}


def rows_of(path: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, one at a time: it may have a million of them."""
    with ObjectStoragePath(path).open("r", encoding="utf-8", newline="") as file:  # type: ignore[no-untyped-call]
        yield from csv.DictReader(iter(file.readline, ""))


@dag(
    dag_id="sender_move_account",
    description="From SendPulse to Sender, consent kept, suppressions carried over, counts reconciled",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={"storage": Param("/tmp/sender", type="string", description="Where the files go")},
    default_args={"retries": 2},
)
def move_account() -> None:
    """Out of one account, into another."""
    export_people = SenderExportSubscribersOperator(
        task_id="export_people", sender_conn_id=FROM, output_path="{{ params.storage }}/move/exported.csv"
    )

    # [START howto_hook_sender]
    @task
    def make_fields_and_groups() -> dict[str, str]:
        """Make what the new account lacks; return its group for every mailing list of the old one."""
        from airflow_provider_sender.hooks.sender import SenderHook
        from airflow_provider_sender.hooks.sendpulse import SendPulseHook

        old, new = SendPulseHook(FROM).service, SenderHook(TO)
        known = {field.name.lower() for field in new.service.fields()}
        for field in old.fields():
            if field.name.lower() not in known | {"name"}:
                new.create_field(field.name, field.type.value)
        groups = {group.title: group.id for group in new.service.groups()}
        return {each.id: groups.get(each.title) or new.create_group(each.title).id for each in old.groups()}

    # [END howto_hook_sender]

    @task
    def prepare_people(groups: dict[str, str], params: dict[str, Any] | None = None) -> dict[str, int]:
        """Write the rows to be moved: the old account's, in the new one's groups, and the blacklist."""
        from airflow_provider_sender.hooks.sendpulse import SendPulseHook

        storage = (params or {})["storage"]
        blacklist = {email.lower() for email in SendPulseHook(FROM).list_blacklist()}
        counts: Counter[str] = Counter()
        with ObjectStoragePath(f"{storage}/move/people.jsonl").open("w", encoding="utf-8") as file:  # type: ignore[no-untyped-call]
            for row in rows_of(f"{storage}/move/exported.csv"):
                email = row["email"].lower()
                if email in blacklist:
                    row["status"] = "unsubscribed"
                    blacklist.remove(email)
                counts[row["status"]] += 1
                if row["status"] in LEFT_BEHIND:
                    continue
                fields = {name: value for name, value in row.items() if name.startswith("fields.") and value}
                person = {
                    "email": row["email"],
                    # SendPulse keeps numbers with their country code, and without the plus.
                    "phone": f"+{row['phone'].lstrip('+')}" if row["phone"] else None,
                    "status": row["status"],
                    "groups": [groups[group] for group in json.loads(row["groups"])],
                    **fields,
                }
                file.write(json.dumps(person) + "\n")
            for email in sorted(blacklist):
                counts["unsubscribed"] += 1
                file.write(json.dumps({"email": email, "status": "unsubscribed"}) + "\n")
        return dict(counts)

    # [START howto_operator_sender_upsert_moved]
    push_people = SenderUpsertSubscribersOperator(
        task_id="push_people",
        sender_conn_id=TO,
        input_path="{{ params.storage }}/move/people.jsonl",
        columns={"fields.name": "firstname"},
        rejects_path="{{ params.storage }}/move/rejected.jsonl",
    )
    # [END howto_operator_sender_upsert_moved]

    export_moved = SenderExportSubscribersOperator(
        task_id="export_moved", sender_conn_id=TO, output_path="{{ params.storage }}/move/moved.csv"
    )

    @task
    def reconcile(counts: dict[str, int], params: dict[str, Any] | None = None) -> dict[str, int]:
        """Hold the new account against what was to be moved; return how many people there are in each state."""
        storage = (params or {})["storage"]
        there = {row["email"].lower(): row["status"] for row in rows_of(f"{storage}/move/moved.csv")}
        lost = mailed_again = 0
        found: Counter[str] = Counter()
        with ObjectStoragePath(f"{storage}/move/people.jsonl").open("r", encoding="utf-8") as file:  # type: ignore[no-untyped-call]
            for line in iter(file.readline, ""):
                person = json.loads(line)
                status = there.get(person["email"].lower())
                lost += status is None
                mailed_again += status == "active" != person["status"]
                found[status or "lost"] += 1
        wanted = {state: count for state, count in counts.items() if state not in LEFT_BEHIND}
        if lost or mailed_again or dict(found) != wanted:
            raise ValueError(
                f"The accounts differ: {lost} people are missing, {mailed_again} could be mailed who must not be; "
                f"wanted {wanted}, found {dict(found)}."
            )
        return dict(found)

    counts: Any = prepare_people(cast("Any", make_fields_and_groups()))
    export_people >> counts >> push_people >> export_moved >> reconcile(counts)


move_account_dag = move_account()

if __name__ == "__main__":
    move_account_dag.test()
