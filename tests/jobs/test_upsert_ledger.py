"""Runs one after the other with one ledger: only what changed is sent, and nobody is forgotten or reactivated."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, ServiceFailureError
from airflow_provider_sender.client.subscribers import Consent, Field, Group, Membership, Subscriber
from airflow_provider_sender.jobs import ledger_lock
from airflow_provider_sender.jobs.consent import ConsentMode
from airflow_provider_sender.jobs.formats import read_rows
from airflow_provider_sender.jobs.upsert import Upsert, Upserted, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

KEEP = Upsert()
OVERWRITE = Upsert(consent=ConsentMode.OVERWRITE)
OUT = [Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED]

Row = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "ledger.sqlite")


@pytest.fixture
def rejects_path(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "rejects.jsonl")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let taking a lock on object storage take no time."""
    monkeypatch.setattr(ledger_lock, "READ_BACK_AFTER", 0.0)


def run(service: Any, rows: Any, path: UPath, how: Upsert = KEEP, **more: Any) -> Upserted:
    return upsert(service, rows, how, ledger_path=path, owner="dag/task/run/-1", **more)


def counts(outcome: Upserted) -> dict[str, int]:
    names = ("sent", "created", "updated", "unchanged", "rejected", "held", "duplicates")
    return {name: getattr(outcome, name) for name in names if getattr(outcome, name)}


def known(path: UPath, what: str = "outcome") -> dict[str, Any]:
    with closing(sqlite3.connect(path.path)) as database:
        return dict(database.execute(f"select key, {what} from subscriber"))


class Account:
    """The sandbox's account, and what a run asks of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def __call__(self, rows: Any, path: UPath, how: Upsert = KEEP, **more: Any) -> tuple[Upserted, dict[str, int]]:
        """Run, and return what it made of the rows and the calls by route."""
        before = self.sandbox.counters()["by_path"]
        outcome = run(service_of(self.sandbox), rows, path, how, **more)
        after = self.sandbox.counters()["by_path"]
        made = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
        assert sum(made.values()) == outcome.requests
        return outcome, made

    def person(self, email: str) -> dict[str, Any]:
        found = self.sandbox.subscriber(email)
        assert found is not None, email
        return found

    def groups(self, email: str) -> set[str]:
        return {tag["id"] for tag in self.person(email)["subscriber_tags"]}

    def status(self, email: str) -> str:
        return str(self.person(email)["status"]["email"])

    def patch(self, email: str, **body: Any) -> None:
        service_of(self.sandbox).client.update_subscriber(email, body)

    def delete(self, email: str) -> None:
        service_of(self.sandbox).client.delete_subscribers([email])

    def group(self, title: str) -> str:
        return service_of(self.sandbox).client.create_group(title).id


@pytest.fixture
def account(sender_sandbox: Sandbox) -> Account:
    service_of(sender_sandbox).client.create_field("Plan")
    service_of(sender_sandbox).client.create_field("Visits", "number")
    return Account(sender_sandbox)


def people(count: int, **values: Any) -> list[Row]:
    return [{"email": f"p{number}@x.lt", "firstname": f"P{number}", **values} for number in range(count)]


# Nothing changed


class Query:
    """Rows of a database, asked for anew whenever they are gone through."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        cursor = self.database.execute("select email, firstname, visits from customer order by email")
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, values, strict=True)) for values in cursor)


class Reread:
    def __init__(self, path: Path) -> None:
        self.path = UPath(path)

    def __iter__(self) -> Iterator[Any]:
        return iter(read_rows(self.path, None, parameter="input_path"))


def test_the_same_rows_again_cost_no_request_wherever_they_come_from(
    account: Account, path: UPath, tmp_path: Path
) -> None:
    rows = people(30, visits=7)
    database = sqlite3.connect(":memory:")
    database.execute("create table customer (email text, firstname text, visits integer)")
    database.executemany("insert into customer values (:email, :firstname, :visits)", rows)
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outcome, _ = account(rows, path)
    assert counts(outcome) == {"sent": 30, "created": 30}
    before = path.read_bytes()
    for source in (rows, Reread(tmp_path / "rows.csv"), Reread(tmp_path / "rows.jsonl"), Query(database)):
        outcome, made = account(source, path)
        assert (counts(outcome), made) == ({"unchanged": 30}, {})
    assert path.read_bytes() == before


@pytest.mark.usefixtures("memory", "quick")
@pytest.mark.parametrize("place", ["memory://bucket/deep/ledger.sqlite", None])
def test_a_ledger_works_on_any_storage(account: Account, path: UPath, place: str | None) -> None:
    where = UPath(place) if place else path
    rows = people(5)
    account(rows, where)
    rows[2]["firstname"] = "Changed"
    outcome, made = account(rows, where)
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 4}
    assert made["PATCH /subscribers/{key}"] == 1
    assert account(rows, where)[1] == {}


def test_what_the_account_has_already_is_noted_without_a_write(account: Account, path: UPath) -> None:
    rows = people(200, fields={"Plan": "pro"})
    account.sandbox.seed(rows=rows)
    outcome, made = account(rows, path)
    assert counts(outcome) == {"unchanged": 200}
    assert not [name for name in made if not name.startswith("GET")]
    assert account(rows, path)[1] == {}


def test_a_file_and_a_database_that_say_the_same_are_the_same(account: Account, path: UPath) -> None:
    account([{"email": "A@x.lt", "Visits": "7", "Plan": "5", "firstname": " Ann "}], path)
    outcome, made = account([{"firstname": "Ann", "Plan": 5, "Visits": 7, "email": "a@X.lt"}], path)
    assert (counts(outcome), made) == ({"unchanged": 1}, {})


def test_rows_that_can_be_gone_through_only_once_cost_the_look_at_the_fields(account: Account, path: UPath) -> None:
    rows = people(5)
    account(iter(rows), path)
    outcome, made = account(iter(rows), path)
    assert (counts(outcome), set(made)) == ({"unchanged": 5}, {"GET /fields", "GET /groups"})
    rows[0]["firstname"] = "Changed"
    assert counts(account(iter(rows), path)[0]) == {"sent": 1, "updated": 1, "unchanged": 4}


# Something changed


def test_one_in_a_hundred_changed_costs_a_request_each_and_a_handful(account: Account, path: UPath) -> None:
    count = 2_000
    rows = people(count, Plan="pro")
    account.sandbox.seed(rows=[{"email": row["email"]} for row in rows])
    account(rows, path)
    for number in range(0, count, 100):
        rows[number]["firstname"] = "Changed"
    outcome, made = account(rows, path)
    assert counts(outcome) == {"sent": count // 100, "updated": count // 100, "unchanged": count - count // 100}
    assert made["PATCH /subscribers/{key}"] == count // 100
    assert sum(made.values()) <= count // 100 + 5
    assert account.person("p100@x.lt")["firstname"] == "Changed"
    assert account(rows, path)[1] == {}


def test_somebody_new_gets_groups_and_fields_in_the_call_that_creates_them(account: Account, path: UPath) -> None:
    group = account.group("All")
    rows = people(3)
    account(rows, path, Upsert(group_ids=[group]))
    rows.append({"email": "new@x.lt", "Plan": "pro"})
    outcome, made = account(rows, path, Upsert(group_ids=[group]))
    assert counts(outcome) == {"sent": 1, "created": 1, "unchanged": 3}
    assert made["POST /subscribers"] == 1
    assert not [name for name in made if name.startswith(("POST /subscribers/groups", "PATCH"))]
    assert account.groups("new@x.lt") == {group}


def test_where_most_rows_changed_the_account_is_read_rather_than_written_blindly(account: Account, path: UPath) -> None:
    rows = people(300, Plan="pro")
    account(rows, path)
    for row in rows:
        del row["Plan"]
    outcome, made = account(rows, path)
    assert counts(outcome) == {"unchanged": 300}
    assert sum(made.values()) <= 3 + 7
    assert account(rows, path)[1] == {}


def test_what_was_changed_back_in_the_account_is_sent_when_the_row_changes(account: Account, path: UPath) -> None:
    rows = people(1)
    account(rows, path)
    account.patch("p0@x.lt", firstname="By hand")
    assert account(rows, path)[1] == {}
    rows[0]["lastname"] = "L"
    account(rows, path)
    assert (account.person("p0@x.lt")["firstname"], account.person("p0@x.lt")["lastname"]) == ("P0", "L")


@pytest.mark.parametrize("changed", [{"firstname": "Changed"}, {"groups": True}])
def test_who_was_deleted_in_the_account_is_created_anew_when_the_row_changes(
    account: Account, path: UPath, changed: Row
) -> None:
    one, two = account.group("One"), account.group("Two")
    rows = people(3, groups=[one])
    account(rows, path)
    account.delete("p1@x.lt")
    assert account(rows, path)[1] == {}
    rows[1] |= {"groups": [one, two]} if "groups" in changed else changed
    outcome, _ = account(rows, path)
    assert counts(outcome) == {"sent": 1, "created": 1, "unchanged": 2}
    assert account.groups("p1@x.lt") == ({one, two} if "groups" in changed else {one})
    assert account(rows, path)[1] == {}


def test_a_row_that_names_somebody_who_is_gone_by_id_is_rejected_and_tried_again(
    account: Account, path: UPath, rejects_path: UPath
) -> None:
    account.sandbox.seed(rows=[{"email": "a@x.lt", "phone": "+37060000001"}])
    rows = [{"id": account.person("a@x.lt")["id"], "firstname": "A"}, {"phone": "+37060000001", "lastname": "B"}]
    assert counts(account(rows, path)[0]) == {"sent": 2, "updated": 2}
    assert account(rows, path)[1] == {}
    account.delete("a@x.lt")
    rows[0]["firstname"] = rows[1]["lastname"] = "C"
    for _ in range(2):
        assert counts(account(rows, path, rejects_path=rejects_path)[0]) == {"rejected": 2}
        assert known(path) == {}
    account.sandbox.seed(rows=[{"email": "b@x.lt", "phone": "+37060000001"}])
    assert counts(account(rows, path)[0]) == {"sent": 1, "updated": 1, "rejected": 1}


# Groups only


@pytest.mark.parametrize("keys", ["reference", "pipedream"])
def test_rows_whose_only_change_is_groups_go_in_calls_for_many(account: Account, path: UPath, keys: str) -> None:
    account.sandbox.settings(membership_keys=keys, patch_groups="replace")
    one, two = account.group("One"), account.group("Two")
    rows = people(250, groups=[one])
    account(rows, path)
    account.patch("p7@x.lt", subscriber_status="UNSUBSCRIBED")
    for row in rows:
        row["groups"] = [one, two]
    outcome, made = account(rows, path, Upsert(group_ids=[one]))
    assert counts(outcome) == {"sent": 250, "updated": 250}
    assert made["POST /subscribers/groups/{id}"] == math.ceil(250 / 100)
    assert not [name for name in made if name.startswith("PATCH") or name == "POST /subscribers"]
    assert all(account.groups(row["email"]) == {one, two} for row in rows)
    assert account.status("p7@x.lt") == "unsubscribed"
    assert account(rows, path, Upsert(group_ids=[one]))[1] == {}


@pytest.mark.parametrize("keys", ["reference", "pipedream"])
def test_new_groups_of_a_changed_row_are_not_in_the_update_call(account: Account, path: UPath, keys: str) -> None:
    account.sandbox.settings(membership_keys=keys, patch_groups="replace")
    one, two = account.group("One"), account.group("Two")
    by_hand = account.group("By hand")
    rows = people(3, groups=[one])
    account(rows, path)
    service_of(account.sandbox).client.add_to_group(by_hand, ["p1@x.lt"])
    rows[1] |= {"firstname": "Changed", "groups": [two]}
    outcome, made = account(rows, path)
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 2}
    assert (made["PATCH /subscribers/{key}"], made["POST /subscribers/groups/{id}"]) == (1, 1)
    assert account.groups("p1@x.lt") == {one, two, by_hand}
    rows[1]["groups"] = [one]
    assert account(rows, path)[1] == {}


def test_of_people_found_by_looking_up_only_the_missing_groups_are_asked_for(account: Account, path: UPath) -> None:
    account.sandbox.settings(patch_groups="replace")
    account.sandbox.seed(rows=[{"email": f"p{number}@x.lt", "groups": ["One", "Old"]} for number in range(150)])
    one = next(group.id for group in service_of(account.sandbox).groups() if group.title == "One")
    two = account.group("Two")
    rows = [{"email": f"p{number}@x.lt", "groups": [one, two]} for number in range(150)]
    outcome, made = account(rows, path)
    assert counts(outcome) == {"sent": 150, "updated": 150}
    assert made["POST /subscribers/groups/{id}"] == 2
    assert not [name for name in made if name.startswith("PATCH")]
    assert {len(account.groups(f"p{number}@x.lt")) for number in range(150)} == {3}


def test_who_the_group_call_does_not_know_yet_is_put_there_alone_and_loses_no_group(
    account: Account, path: UPath
) -> None:
    one, two = account.group("One"), account.group("Two")
    rows = people(3, groups=[one])
    account.sandbox.settings(group_visibility_seconds=3600, patch_groups="replace")
    account(rows, path)
    for row in rows:
        row["groups"] = [two]
    outcome, made = account(rows, path)
    assert counts(outcome) == {"sent": 3, "updated": 3}
    assert made["POST /subscribers/groups/{id}"] == 1
    assert all(account.groups(row["email"]) == {one, two} for row in rows)
    assert account(rows, path)[1] == {}


def test_a_group_that_is_not_there_rejects_the_rows_that_ask_for_it_and_no_others(
    account: Account, path: UPath, rejects_path: UPath
) -> None:
    one = account.group("One")
    rows = people(250)
    account(rows, path)
    for number, row in enumerate(rows):
        row["groups"] = [one, "nope"] if number < 240 else [one]
    for _ in range(2):
        outcome, made = account(rows, path, rejects_path=rejects_path)
        told = [json.loads(line) for line in rejects_path.read_bytes().splitlines()]
        assert {(each["field"], each["reason"]) for each in told} == {("groups", "the account has no such group")}
        assert sorted(each["line"] for each in told) == list(range(1, 241))
        assert made["POST /subscribers/groups/{id}"] <= 3 + 1
        assert outcome.rejected == 240
    for row in rows:
        row["groups"] = [one]
    assert account(rows, path)[0].rejected == 0


class Odd(MemoryService):
    """An account whose group call says odd things."""

    def __init__(self, answer: Any, people: list[Subscriber]) -> None:
        super().__init__(people)
        self.answer = answer

    def groups(self) -> list[Group]:
        return [Group("g", "G")]

    def add_to_group(self, group_id: str, emails: Any, *, trigger_automation: bool) -> Membership:
        super().add_to_group(group_id, [email for email in emails if self.answer.adds(email)], trigger_automation=False)
        found: Membership = self.answer.tells(emails)
        return found


class Untold:
    """Says nothing about anybody, and has added every other one."""

    def adds(self, email: str) -> bool:
        return int(email[1 : email.index("@")]) % 2 == 0

    def tells(self, emails: list[str]) -> Membership:
        return Membership(untold=tuple(emails))


class Invalid:
    """Takes every other address for none."""

    def adds(self, email: str) -> bool:
        return int(email[1 : email.index("@")]) % 2 == 0

    def tells(self, emails: list[str]) -> Membership:
        added = tuple(email for email in emails if self.adds(email))
        return Membership(changed=added, invalid=tuple(email for email in emails if email not in added))


class Picky:
    """Refuses a call with one address in it."""

    def adds(self, email: str) -> bool:
        return True

    def tells(self, emails: list[str]) -> Membership:
        if "p13@x.lt" in emails:
            raise InvalidRequestError("No.", errors={"subscribers": ["p13@x.lt is odd"]})
        return Membership(changed=tuple(emails))


def members(count: int) -> list[Subscriber]:
    return [
        Subscriber(str(number), email=f"p{number}@x.lt", firstname=f"P{number}", consent=Consent.ACTIVE)
        for number in range(count)
    ]


def test_whom_the_answer_does_not_tell_of_is_looked_at(path: UPath) -> None:
    service = Odd(Untold(), members(30))
    outcome = run(service, people(30), path, Upsert(group_ids=["g"]))
    assert counts(outcome) == {"sent": 30, "updated": 30}
    assert all(each.groups == ("g",) for each in service.people.values())
    assert set(known(path, "groups").values()) == {'["g"]'}


def test_whose_address_the_service_takes_for_none_is_rejected_and_tried_again(path: UPath) -> None:
    service = Odd(Invalid(), members(30))
    for sent in (15, 0):
        outcome = run(service, people(30), path, Upsert(group_ids=["g"]))
        assert (outcome.sent, outcome.rejected, outcome.unchanged) == (sent, 15, 15 - sent)
        assert outcome.reasons == {"email: the service takes it for no address": 15}
    service.answer = Untold()
    assert counts(run(service, people(30), path, Upsert(group_ids=["g"]))) == {
        "sent": 15,
        "updated": 15,
        "unchanged": 15,
    }


def test_one_address_the_service_refuses_does_not_keep_the_others_out(path: UPath, rejects_path: UPath) -> None:
    service = Odd(Picky(), members(30))
    outcome = run(service, people(30), path, Upsert(group_ids=["g"]), rejects_path=rejects_path)
    assert (outcome.sent, outcome.rejected) == (29, 1)
    (told,) = [json.loads(line) for line in rejects_path.read_bytes().splitlines()]
    assert (told["line"], told["field"]) == (14, "subscribers")


def test_somebody_without_an_address_is_put_into_groups_with_all_they_are_in(path: UPath) -> None:
    service = Odd(Picky(), [Subscriber("1", phone="+37060000001", consent=Consent.ACTIVE, groups=("old",))])
    rows: list[Row] = [{"phone": "+37060000001", "firstname": "A"}]
    run(service, rows, path)
    rows[0]["groups"] = ["g"]
    assert counts(run(service, rows, path)) == {"sent": 1, "updated": 1}
    assert service.people["1"].groups == ("old", "g")
    assert "add_to_group" not in service.calls
    service.calls.clear()
    assert counts(run(service, rows, path)) == {"unchanged": 1}
    assert service.calls == []


# Rejected and held rows


def test_rejected_rows_are_tried_again_and_accepted_ones_are_not(
    account: Account, path: UPath, rejects_path: UPath
) -> None:
    account.sandbox.fault("reject", email="p3@*", times=None)
    rows: list[Row] = [*people(6), {"email": "bad"}]
    for sent in (5, 0):
        outcome, made = account(rows, path, rejects_path=rejects_path)
        assert (outcome.sent, outcome.rejected, outcome.unchanged) == (sent, 2, 5 - sent)
        assert [json.loads(line)["line"] for line in rejects_path.read_bytes().splitlines()] == [7, 4]
        assert made["POST /subscribers"] == sent + 1
    assert "p3@x.lt" not in known(path)
    account.sandbox.clear_faults()
    assert counts(account(rows, path)[0]) == {"sent": 1, "created": 1, "unchanged": 5, "rejected": 1}
    outcome, made = account(rows, path)
    assert (counts(outcome), made) == ({"unchanged": 6, "rejected": 1}, {})


def test_a_change_that_is_refused_leaves_what_was_accepted_before_in_the_ledger(account: Account, path: UPath) -> None:
    rows = people(2)
    account(rows, path)
    accepted = known(path, "fingerprint")
    account.sandbox.fault("reject", "/subscribers/*", "PATCH", times=None)
    rows[0]["firstname"] = "Refused"
    assert counts(account(rows, path)[0]) == {"rejected": 1, "unchanged": 1}
    assert known(path, "fingerprint") == accepted
    assert account(people(2), path)[1] == {}


def test_held_rows_are_remembered_until_they_change_or_a_week_has_passed(account: Account, path: UPath) -> None:
    account.sandbox.seed(rows=[{"email": f"p{number}@x.lt", "status": "unsubscribed"} for number in range(2)])
    rows = people(4)
    assert counts(account(rows, path)[0]) == {"held": 2, "sent": 2, "created": 2}
    outcome, made = account(rows, path)
    assert (counts(outcome), made) == ({"held": 2, "unchanged": 2}, {})
    rows[0]["firstname"] = "Changed"
    outcome, made = account(rows, path)
    assert counts(outcome) == {"held": 2, "unchanged": 2}
    assert made["GET /subscribers/{key}"] == 1
    account.patch("p1@x.lt", subscriber_status="ACTIVE")
    assert account(rows, path)[1] == {}
    with closing(sqlite3.connect(path.path)) as database, database:
        database.execute("update subscriber set accepted_at = '2020-01-01T00:00:00Z' where key = 'p1@x.lt'")
    outcome, made = account(rows, path)
    assert counts(outcome) == {"held": 1, "sent": 1, "updated": 1, "unchanged": 2}
    assert account.person("p1@x.lt")["firstname"] == "P1"
    assert account(rows, path)[1] == {}


def test_held_rows_are_looked_at_again_when_the_account_is_read_anyway(account: Account, path: UPath) -> None:
    account.sandbox.seed(rows=[{"email": f"p{number}@x.lt", "status": "bounced"} for number in range(3)])
    account(people(3), path)
    account.patch("p1@x.lt", subscriber_status="ACTIVE")
    outcome, _ = account([*people(3), *({"email": f"new{number}@x.lt"} for number in range(40))], path)
    assert counts(outcome) == {"held": 2, "sent": 41, "created": 40, "updated": 1}


# Consent


def test_another_status_than_last_time_is_decided_with_a_look_at_the_person(account: Account, path: UPath) -> None:
    rows = people(3)
    account(rows, path)
    rows[0]["status"] = rows[1]["status"] = "unsubscribed"
    account.patch("p1@x.lt", subscriber_status="SPAM_REPORTED")
    outcome, made = account(rows, path)
    assert made["GET /subscribers/{key}"] == 2
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 2}
    assert [account.status(row["email"]) for row in rows] == ["unsubscribed", "spam_reported", "active"]
    del rows[0]["status"], rows[1]["status"]
    assert counts(account(rows, path)[0]) == {"held": 2, "unchanged": 1}
    assert [account.status(row["email"]) for row in rows] == ["unsubscribed", "spam_reported", "active"]


@pytest.mark.parametrize("asked", [{}, {"status": "active"}])
@pytest.mark.parametrize("out", OUT)
def test_who_opted_out_since_last_time_stays_out_when_the_row_changes(
    account: Account, path: UPath, asked: Row, out: Consent
) -> None:
    rows = people(3, **asked)
    account(rows, path)
    words = {"unsubscribed": "UNSUBSCRIBED", "bounced": "BOUNCED", "complained": "SPAM_REPORTED"}
    account.patch("p1@x.lt", subscriber_status=words[out])
    was = account.status("p1@x.lt")
    rows[1]["firstname"] = "Changed"
    outcome, made = account(rows, path)
    assert account.status("p1@x.lt") == was != "active"
    assert made["PATCH /subscribers/{key}"] == 1
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 2}


def test_who_opted_out_and_was_deleted_and_came_back_out_stays_out(account: Account, path: UPath) -> None:
    rows = people(2)
    account(rows, path)
    account.delete("p0@x.lt")
    account.sandbox.seed(rows=[{"email": "p0@x.lt", "status": "unsubscribed"}])
    rows[0]["firstname"] = "Changed"
    account(rows, path)
    assert account.status("p0@x.lt") == "unsubscribed"


@pytest.mark.parametrize("asked", [{}, {"status": "active"}])
def test_overwrite_makes_people_active_again_when_it_is_new_or_the_row_changes(
    account: Account, path: UPath, asked: Row
) -> None:
    account.sandbox.seed(rows=[{"email": "p0@x.lt", "status": "unsubscribed"}])
    rows = people(3, **asked)
    assert counts(account(rows, path)[0]) == {"held": 1, "sent": 2, "created": 2}
    account.patch("p1@x.lt", subscriber_status="BOUNCED")
    outcome, _ = account(rows, path, OVERWRITE)
    assert (outcome.held, [account.status(row["email"]) for row in rows]) == (0, ["active"] * 3)
    assert account(rows, path, OVERWRITE)[1] == {}
    account.patch("p2@x.lt", subscriber_status="UNSUBSCRIBED")
    rows[2]["firstname"] = "Changed"
    outcome, made = account(rows, path, OVERWRITE)
    assert made["PATCH /subscribers/{key}"] == 1
    assert account.status("p2@x.lt") == "active"
    account.patch("p0@x.lt", subscriber_status="UNSUBSCRIBED")
    assert counts(account(rows, path, KEEP)[0]) == {"held": 1, "unchanged": 2}
    assert account.status("p0@x.lt") == "unsubscribed"


NAMES = [f"p{number}@x.lt" for number in range(5)]
SOME_ROWS = st.lists(
    st.fixed_dictionaries(
        {"email": st.sampled_from(NAMES)},
        optional={
            "firstname": st.sampled_from(["A", "B", ""]),
            "status": st.sampled_from(["active", "unsubscribed", "complained", ""]),
            "groups": st.lists(st.sampled_from(["g1", "g2"]), max_size=2),
            "Plan": st.sampled_from(["pro", "free", 5]),
        },
    ),
    max_size=6,
)
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["out", "back", "delete", "add", "add out"]), st.sampled_from(NAMES), st.sampled_from(OUT)
    ),
    max_size=4,
)


class WorstCase(MemoryService):
    """An account that makes people active wherever a service might, and is sometimes away."""

    def __init__(self) -> None:
        super().__init__(fields=[Field("Plan")])
        self.away_after: int | None = None
        self.before = self.count_down

    def count_down(self, call: str) -> None:
        if self.away_after is not None:
            self.away_after -= 1
            if self.away_after < 0:
                raise ServiceFailureError("Away.")

    def groups(self) -> list[Group]:
        return [Group("g1", ""), Group("g2", "")]

    def move(self, what: str, email: str, out: Consent) -> None:
        there = self._find(email)
        if what == "delete" and there:
            del self.people[there.id]
        elif what in ("out", "back") and there:
            consent = out if what == "out" else Consent.ACTIVE
            self.people[there.id] = msgspec.structs.replace(there, consent=consent)
        elif what.startswith("add") and not there:
            consent = out if what == "add out" else Consent.ACTIVE
            self.people[f"by hand {email}"] = Subscriber(f"by hand {email}", email=email, consent=consent)

    def those_out(self) -> set[str]:
        return {each.email or "" for each in self.people.values() if each.consent in OUT}


@given(st.lists(st.tuples(MOVES, SOME_ROWS, st.none() | st.integers(0, 12)), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_between_runs_whoever_opted_out_stays_out_and_every_row_is_accounted_for(
    memory: str, quick: None, story: list[tuple[list[tuple[str, str, Consent]], list[Row], int | None]]
) -> None:
    path = UPath(f"{memory}/ledger.sqlite")
    path.fs.store.clear()
    service, moved = WorstCase(), set[str]()
    for moves, rows, away_after in story:
        for move in moves:
            service.move(*move)
            moved.add(move[1])
        out_before = service.those_out()
        service.away_after = away_after
        try:
            outcome = run(service, rows, path)
        except ServiceFailureError:
            assert away_after is not None
            assert out_before <= service.those_out()
            service.away_after = None
            outcome = run(service, rows, path)
        service.away_after = None
        assert out_before <= service.those_out()
        assert outcome.sent + outcome.unchanged + outcome.held + outcome.rejected + outcome.duplicates == len(rows)
        assert outcome.rejected == 0
        service.calls.clear()
        again = run(service, rows, path)
        assert service.calls == []
        assert (again.sent, again.held, again.duplicates) == (0, outcome.held, outcome.duplicates)
        for email, row in {row["email"]: row for row in rows}.items():
            person = service._find(email)
            assert person is not None or email in moved  # who is deleted in the account stays so until the row changes
            if person is not None and email not in moved and not again.held:
                assert (row.get("firstname", person.firstname) or "") == (person.firstname or "")
                assert set(row.get("groups", ())) <= set(person.groups)


# What a column means


def test_a_field_that_was_created_since_is_found(account: Account, path: UPath) -> None:
    rows = people(3)
    account(rows, path)
    rows[1]["Level"] = "gold"
    with pytest.raises(ConfigurationError, match=r"^columns: 'Level' has no place"):
        account(rows, path)
    service_of(account.sandbox).client.create_field("Level")
    outcome, _ = account(rows, path)
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 2}
    columns = {column["title"]: column["value"] for column in account.person("p1@x.lt")["columns"]}
    assert columns["Level"] == "gold"
    assert account(rows, path)[1] == {}


def test_a_field_that_is_of_another_type_now_is_checked_as_what_it_is_now(path: UPath) -> None:
    service = MemoryService(fields=[Field("Level", msgspec.convert("number", type(Field("x").type)))])
    rows = [{"email": "a@x.lt", "Level": "5"}, {"email": "b@x.lt", "Level": "gold"}]
    assert counts(run(service, rows, path)) == {"sent": 1, "created": 1, "rejected": 1}
    service.account_fields = [Field("Level")]
    assert counts(run(service, rows, path)) == {"sent": 1, "created": 1, "unchanged": 1}


def test_a_row_no_field_can_hold_costs_a_look_at_the_fields_and_nothing_more(account: Account, path: UPath) -> None:
    rows = [*people(3), {"email": "bad@x.lt", "Visits": "many"}]
    group = account.group("All")
    account(rows, path, Upsert(group_ids=[group]))
    outcome, made = account(rows, path, Upsert(group_ids=[group]))
    assert (counts(outcome), made) == ({"unchanged": 3, "rejected": 1}, {"GET /fields": 1})


def test_when_there_is_work_the_fields_are_looked_at_before_anything_is_sent(path: UPath) -> None:
    service = MemoryService(fields=[Field("Plan")])
    rows = [{"email": "a@x.lt", "Plan": "pro"}, {"email": "b@x.lt", "Plan": "pro"}]
    run(service, rows, path)
    service.account_fields = []
    service.calls.clear()
    assert counts(run(service, rows, path)) == {"unchanged": 2}
    assert service.calls == []
    rows[0]["Plan"] = "free"
    with pytest.raises(ConfigurationError, match=r"^columns: 'Plan' has no place"):
        run(service, rows, path)
    assert service.calls == ["fields"]


def test_groups_are_checked_only_when_something_is_to_be_sent_and_before_that(account: Account, path: UPath) -> None:
    group = account.group("All")
    rows = people(3)
    account(rows, path, Upsert(group_ids=[group]))
    service_of(account.sandbox).client.delete_group(group)
    assert account(rows, path, Upsert(group_ids=[group]))[1] == {}
    rows[0]["firstname"] = "Changed"
    writes = account.sandbox.counters()["by_path"].get("PATCH /subscribers/{key}", 0)
    with pytest.raises(ConfigurationError, match=r"^group_ids: the account has no group"):
        account(rows, path, Upsert(group_ids=[group]))
    assert account.sandbox.counters()["by_path"].get("PATCH /subscribers/{key}", 0) == writes


@pytest.mark.parametrize("is_known", [True, False])
def test_custom_fields_that_did_not_change_are_neither_sent_nor_looked_at(
    account: Account, path: UPath, is_known: bool
) -> None:
    rows = people(30, fields={"Plan": "pro", "Visits": 3})
    account.sandbox.seed(rows=rows)
    if is_known:
        account(rows, path)
        account.patch("p0@x.lt", fields={"{$plan}": "by hand"})
    for row in rows[:8]:
        row["firstname"] = "Changed"
    outcome, made = account(rows, path)
    assert outcome.sent == made["PATCH /subscribers/{key}"] == 8
    assert "GET /subscribers/{key}" not in made
    plan = {column["title"]: column["value"] for column in account.person("p0@x.lt")["columns"]}["Plan"]
    assert (account.person("p0@x.lt")["firstname"], plan) == ("Changed", "by hand" if is_known else "pro")
    rows[0] = {**rows[0], "fields": {"Plan": "pro", "Visits": 4}}
    account(rows, path)
    values = {column["title"]: column["value"] for column in account.person("p0@x.lt")["columns"]}
    assert (values["Plan"], values["Visits"]) == ("pro", 4)


# When it fails half-way


@pytest.mark.parametrize("written", [0, 1, 7])
def test_after_a_failure_half_way_the_next_try_does_the_rest_and_no_row_twice(
    account: Account, path: UPath, rejects_path: UPath, written: int
) -> None:
    account.sandbox.fault("reject", email="p5@*", times=None)
    account.sandbox.fault("status", "/subscribers", "POST", status=500, skip=written, times=None)
    rows = people(20)
    with pytest.raises(ServiceFailureError):
        run(service_of(account.sandbox, max_retries=1), rows, path, rejects_path=rejects_path)
    kept = known(path) if path.exists() else {}
    assert len(kept) == (written if written < 5 else written - 1)
    account.sandbox.clear_faults()
    account.sandbox.fault("reject", email="p5@*", times=None)
    outcome, made = account(rows, path, rejects_path=rejects_path)
    assert counts(outcome)["unchanged"] == len(kept) if kept else "unchanged" not in counts(outcome)
    assert outcome.sent + outcome.unchanged + outcome.rejected == 20
    assert made["POST /subscribers"] == 20 - len(kept)
    assert len(account.sandbox.subscribers()) == 19
    assert [json.loads(line)["line"] for line in rejects_path.read_bytes().splitlines()] == [6]


def test_groups_that_were_not_reached_are_added_by_the_next_try_without_writing_the_rest_again(
    account: Account, path: UPath
) -> None:
    one = account.group("One")
    rows = people(5)
    account(rows, path)
    for row in rows:
        row |= {"firstname": "Changed", "groups": [one]}
    account.sandbox.fault("status", "/subscribers/groups/*", "POST", status=500, times=None)
    with pytest.raises(ServiceFailureError):
        run(service_of(account.sandbox, max_retries=1), rows, path)
    account.sandbox.clear_faults()
    outcome, made = account(rows, path)
    assert counts(outcome) == {"sent": 5, "updated": 5}
    assert made["POST /subscribers/groups/{id}"] == 1
    assert not [name for name in made if name.startswith("PATCH")]
    assert all(account.groups(row["email"]) == {one} for row in rows)


def test_the_rejects_of_a_run_are_not_replaced_by_a_try_that_fails_before_there_are_any(
    account: Account, path: UPath, rejects_path: UPath
) -> None:
    rejects_path.write_bytes(b"of the run before\n")
    account.sandbox.fault("status", "*", "GET", status=500, times=None)
    with pytest.raises(ServiceFailureError):
        run(service_of(account.sandbox, max_retries=1), [{"email": "bad"}], path, rejects_path=rejects_path)
    assert rejects_path.read_bytes() == b"of the run before\n"


def test_a_source_that_breaks_half_way_leaves_ledger_and_rejects_as_they_are(
    account: Account, path: UPath, rejects_path: UPath
) -> None:
    account(people(3), path)
    before = path.read_bytes()
    rejects_path.write_bytes(b"old\n")

    class Breaking:
        def __iter__(self) -> Iterator[Row]:
            yield {"email": "bad"}
            yield {"email": "new@x.lt"}
            raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        account(Breaking(), path, rejects_path=rejects_path)
    assert (path.read_bytes(), rejects_path.read_bytes()) == (before, b"old\n")
