from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ServiceFailureError,
)
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.subscribers import Consent, Field, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.consent import ConsentMode
from airflow_provider_sender.jobs.export import Export, export_to_file
from airflow_provider_sender.jobs.formats import UnreadableRow, read_rows
from airflow_provider_sender.jobs.upsert import RowsRejectedError, Upsert, Upserted, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

KEEP = Upsert()
OVERWRITE = Upsert(consent=ConsentMode.OVERWRITE)
OUT = ["unsubscribed", "bounced", "spam_reported"]


def rejects(path: UPath) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def counts(outcome: Upserted) -> dict[str, int]:
    names = ("sent", "created", "updated", "unchanged", "rejected", "held", "duplicates")
    return {name: getattr(outcome, name) for name in names if getattr(outcome, name)}


def writes(sandbox: Sandbox) -> int:
    by_path = sandbox.counters()["by_path"]
    return sum(count for name, count in by_path.items() if name.startswith(("POST", "PATCH", "DELETE", "PUT")))


def person(sandbox: Sandbox, email: str) -> dict[str, Any]:
    found = sandbox.subscriber(email)
    assert found is not None, email
    return found


def values(sandbox: Sandbox, email: str) -> dict[str, Any]:
    return {column["title"]: column["value"] for column in person(sandbox, email)["columns"]}


def status(sandbox: Sandbox, email: str) -> str:
    return str(person(sandbox, email)["status"]["email"])


def group(sandbox: Sandbox, title: str) -> str:
    return service_of(sandbox).client.create_group(title).id


@pytest.fixture
def rejects_path(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "rejects.jsonl")


@pytest.fixture
def fields(sender_sandbox: Sandbox) -> None:
    """Give the account its custom fields."""
    client = service_of(sender_sandbox).client
    client.create_field("Plan")
    client.create_field("Visits", "number")
    client.create_field("Renewal date", "datetime")


# Good rows, bad rows


@pytest.mark.usefixtures("fields")
def test_good_rows_are_in_and_each_bad_one_is_accounted_for(sender_sandbox: Sandbox, rejects_path: UPath) -> None:
    sender_sandbox.seed(rows=[{"email": "old@x.lt", "firstname": "Old", "fields": {"Plan": "free"}}])
    sender_sandbox.fault("reject", email="refused*", times=None, errors={"email": ["Domain is blocked: refused@x.lt"]})
    rows: list[dict[str, Any] | UnreadableRow] = [
        {"email": "new@x.lt", "firstname": "New", "plan": "pro", "Visits": 3},
        {"email": "old@x.lt", "plan": "pro"},
        {"email": "bad"},
        {"firstname": "Nobody"},
        {"email": "twice@x.lt", "firstname": "First"},
        {"email": "refused@x.lt"},
        {"email": "v@x.lt", "visits": "many"},
        UnreadableRow('{"email": ', "the line is not JSON"),
        {"email": "TWICE@x.lt", "firstname": "Last"},
        {"phone": "+37060000009"},
    ]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP, rejects_path=rejects_path)
    assert counts(outcome) == {"sent": 3, "created": 2, "updated": 1, "rejected": 6, "duplicates": 1}
    assert person(sender_sandbox, "new@x.lt")["firstname"] == "New"
    assert values(sender_sandbox, "new@x.lt") == {"Plan": "pro", "Visits": 3, "Renewal date": None}
    assert values(sender_sandbox, "old@x.lt")["Plan"] == "pro"
    assert person(sender_sandbox, "old@x.lt")["firstname"] == "Old"
    assert person(sender_sandbox, "twice@x.lt")["firstname"] == "Last"
    assert len(sender_sandbox.subscribers()) == 3
    told = {each["line"]: (each["field"], each["row"]) for each in rejects(rejects_path)}
    assert told == {
        3: ("email", {"email": "bad"}),
        4: ("email", {"firstname": "Nobody"}),
        6: ("email", {"email": "refused@x.lt"}),
        7: ("fields.Visits", {"email": "v@x.lt", "visits": "many"}),
        8: (None, '{"email": '),
        10: ("email", {"phone": "+37060000009"}),
    }
    reasons = {each["line"]: each["reason"] for each in rejects(rejects_path)}
    assert reasons[6] == "Domain is blocked: <address>"
    assert all(reasons.values())
    assert sum(outcome.reasons.values()) == 6


def test_the_error_says_how_many_why_and_where(rejects_path: UPath) -> None:
    rows = [{"email": "bad"}, {"email": "worse"}, {"email": "good@x.lt"}, {}]
    outcome = upsert(MemoryService(), rows, KEEP, rejects_path=rejects_path)
    told = str(RowsRejectedError(outcome))
    assert told.startswith("3 rows were rejected (2 x email: malformed address; 1 x email: missing), 1 were sent.")
    assert str(rejects_path) in told
    assert "Give rejects_path" in str(RowsRejectedError(upsert(MemoryService(), rows, KEEP)))


def test_a_second_run_sends_what_is_left(sender_sandbox: Sandbox, rejects_path: UPath) -> None:
    sender_sandbox.fault("reject", email="c*", times=1)
    rows = [{"email": f"{name}@x.lt", "firstname": name} for name in "abcde"]
    service = service_of(sender_sandbox)
    assert counts(upsert(service, rows, KEEP, rejects_path=rejects_path)) == {"sent": 4, "created": 4, "rejected": 1}
    outcome = upsert(service, rows, KEEP, rejects_path=rejects_path)
    assert counts(outcome) == {"sent": 1, "created": 1, "unchanged": 4}
    assert rejects(rejects_path) == []
    assert counts(upsert(service, rows, KEEP)) == {"unchanged": 5}


class Odd:
    def __str__(self) -> str:
        return "odd"


def test_rejected_rows_of_any_type_can_be_written_down(rejects_path: UPath) -> None:
    rows: list[dict[str, Any]] = [
        {"email": Odd()},
        {"email": "bad", "phone": b"\xff"},
        {"email": "\ud800"},
        {"email": 10**30},
    ]
    outcome = upsert(MemoryService(), rows, KEEP, rejects_path=rejects_path)
    assert outcome.rejected == len(rejects(rejects_path)) == 4
    assert rejects(rejects_path)[0]["row"] == {"email": "odd"}


def test_one_row_nobody_expected_does_not_stop_the_others() -> None:
    service = MemoryService(fields=[Field("Plan")])
    rows: list[dict[str, Any]] = [
        {"email": "a@x.lt"},
        {"email": "b@x.lt", "Plan": Odd()},
        {"email": "c@x.lt", "Plan": 2**70},
    ]
    assert counts(upsert(service, rows, KEEP)) == {"sent": 2, "created": 2, "rejected": 1}


def test_no_rows_are_no_work(sender_sandbox: Sandbox, rejects_path: UPath) -> None:
    assert counts(upsert(service_of(sender_sandbox), [], KEEP, rejects_path=rejects_path)) == {}
    assert rejects(rejects_path) == []
    assert set(sender_sandbox.counters()["by_path"]) <= {"GET /fields"}


# Before anything is sent


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        ([{"email": "a@x.lt"}, {"email": "b@x.lt", "nope": 1}], KEEP),
        ([{"email": "a@x.lt"}], Upsert(columns={"x": "fields.nope"})),
        ([{"email": "a@x.lt"}], Upsert(group_ids=["nope"])),
    ],
)
def test_what_the_account_has_no_place_for_is_refused_before_anything_is_sent(
    sender_sandbox: Sandbox, rows: list[dict[str, Any]], how: Upsert
) -> None:
    with pytest.raises(ConfigurationError, match=r"^(columns|group_ids): .*'?nope"):
        upsert(service_of(sender_sandbox), rows, how)
    assert writes(sender_sandbox) == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.csv", None),
        ("a.parquet", b"PAR1"),
        ("a.csv", "email\nž@x.lt\n".encode("utf-16")),
        ("a.csv", b"email,email\na@x.lt,b@x.lt\n"),
        ("a.csv", b'email,firstname\na@x.lt,"Ann\n'),
        ("a.csv", b"email;firstname\na@x.lt;Ann\n"),
        ("a.jsonl.gz", b'{"email": "a@x.lt"}\n'),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_before_anything_is_sent(
    sender_sandbox: Sandbox, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError):
        upsert(service_of(sender_sandbox), read_rows(UPath(tmp_path / name), None, parameter="input_path"), KEEP)
    assert writes(sender_sandbox) == 0


def test_a_source_that_breaks_half_way_is_found_out_before_anything_is_sent(sender_sandbox: Sandbox) -> None:
    def rows() -> Iterable[Mapping[str, Any]]:
        yield {"email": "a@x.lt"}
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        upsert(service_of(sender_sandbox), rows(), KEEP)
    assert writes(sender_sandbox) == 0


def test_a_rejects_path_nothing_can_be_written_to_is_refused_before_the_first_request(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = UPath(tmp_path / "file" / "rejects.jsonl")
    with pytest.raises(ConfigurationError, match=r"^rejects_path: "):
        upsert(service_of(sender_sandbox), [{"email": "a@x.lt"}], KEEP, rejects_path=path)
    assert sender_sandbox.counters()["requests"] == 0


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
def test_an_export_can_be_edited_and_brought_back(
    sender_sandbox: Sandbox, tmp_path: Path, memory: str, name: str, path_class: type[UPath]
) -> None:
    sender_sandbox.reset(subscribers=150)
    service = service_of(sender_sandbox)
    path = path_class(f"{memory}/{name}")
    exported = path_class(f"{memory}/export.csv")
    export_to_file(service, Export(), exported)
    rows = list(csv.DictReader(exported.read_bytes().decode().splitlines()))
    changed = next(row for row in rows if row["status"] == "active")
    changed["firstname"] = "Somebody else"
    if name == "a.jsonl":
        filled = ({key: value for key, value in row.items() if value} for row in rows)
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in filled))
    else:
        local = tmp_path / "a.csv"
        with open(local, "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        content = local.read_bytes()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    out = sum(row["status"] != "active" for row in rows)
    before = writes(sender_sandbox)
    outcome = upsert(service, read_rows(path, None, parameter="input_path"), KEEP)
    assert counts(outcome) == {"sent": 1, "updated": 1, "unchanged": 149}
    assert out > 5
    assert writes(sender_sandbox) - before == 1
    assert person(sender_sandbox, changed["email"])["firstname"] == "Somebody else"


# Columns, fields and groups


@pytest.mark.usefixtures("fields")
def test_columns_rename_nest_and_drop(sender_sandbox: Sandbox) -> None:
    how = Upsert(columns={"mail": "email", "first_name": "firstname", "tier": "fields.plan", "internal": None})
    rows = [{"mail": "a@x.lt", "first_name": "Ann", "tier": "pro", "internal": 5, "RENEWAL_DATE": "2026-01-02"}]
    upsert(service_of(sender_sandbox), rows, how)
    assert person(sender_sandbox, "a@x.lt")["firstname"] == "Ann"
    assert values(sender_sandbox, "a@x.lt") == {"Plan": "pro", "Visits": None, "Renewal date": "2026-01-02 00:00:00"}


@pytest.mark.parametrize("knobs", [{}, {"post_fields": False}, {"post_conflict": True}, {"post_status": 201}])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_fields_are_kept_whatever_the_create_call_does_with_them(
    sender_sandbox: Sandbox, knobs: dict[str, Any], count: int
) -> None:
    sender_sandbox.reset(subscribers=20, **knobs)
    rows = [{"email": f"new-{number}@x.lt", "Plan": f"p{number}", "Visits": number} for number in range(count)]
    rows.append({"email": "subscriber-000003@example.com", "Plan": "changed"})
    upsert(service_of(sender_sandbox), rows, OVERWRITE)
    for number in range(count):
        kept = values(sender_sandbox, f"new-{number}@x.lt")
        assert (kept["Plan"], kept["Visits"]) == (f"p{number}", number)
    assert values(sender_sandbox, "subscriber-000003@example.com")["Plan"] == "changed"


@pytest.mark.parametrize("post_groups", ["merge", "replace"])
@pytest.mark.parametrize("as_text", [False, True])
def test_rows_join_their_groups_and_those_of_the_job(
    sender_sandbox: Sandbox, tmp_path: Path, post_groups: str, as_text: bool
) -> None:
    sender_sandbox.reset(post_groups=post_groups)
    one, two, all_rows = (group(sender_sandbox, title) for title in ("One", "Two", "All"))
    groups: Any = json.dumps([one, two]) if as_text else [one, two]
    rows = [{"email": "a@x.lt", "groups": groups}, {"email": "b@x.lt"}]
    outcome = upsert(service_of(sender_sandbox), rows, Upsert(group_ids=[all_rows]))
    assert {tag["id"] for tag in person(sender_sandbox, "a@x.lt")["subscriber_tags"]} == {one, two, all_rows}
    assert {tag["id"] for tag in person(sender_sandbox, "b@x.lt")["subscriber_tags"]} == {all_rows}
    assert outcome.sent == 2
    assert counts(upsert(service_of(sender_sandbox), rows, Upsert(group_ids=[all_rows]))) == {"unchanged": 2}


@pytest.mark.parametrize("patch_groups", ["merge", "replace"])
def test_nobody_is_taken_out_of_a_group(sender_sandbox: Sandbox, patch_groups: str) -> None:
    sender_sandbox.reset(patch_groups=patch_groups)
    sender_sandbox.seed(rows=[{"email": "a@x.lt", "groups": ["Before"]}])
    new = group(sender_sandbox, "New")
    upsert(service_of(sender_sandbox), [{"email": "a@x.lt", "groups": [new]}], KEEP)
    upsert(service_of(sender_sandbox), [{"email": "a@x.lt", "groups": [new], "firstname": "A"}], KEEP)
    assert person(sender_sandbox, "a@x.lt")["firstname"] == "A"
    assert {tag["title"] for tag in person(sender_sandbox, "a@x.lt")["subscriber_tags"]} == {"Before", "New"}


def test_an_unknown_group_of_a_row_rejects_that_row(sender_sandbox: Sandbox, rejects_path: UPath) -> None:
    rows: list[dict[str, Any]] = [{"email": "a@x.lt", "groups": ["nope"]}, {"email": "b@x.lt"}]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP, rejects_path=rejects_path)
    assert counts(outcome) == {"sent": 1, "created": 1, "rejected": 1}
    assert "groups" in rejects(rejects_path)[0]["field"]


def test_automations_start_only_where_that_is_asked_for() -> None:
    told: list[bool] = []

    class Service(MemoryService):
        def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
            told.append(trigger_automation)

        def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
            told.append(trigger_automation)

    for how in (KEEP, Upsert(trigger_automation=True)):
        rows = [{"email": "a@x.lt", "firstname": "A"}, {"email": "new@x.lt"}]
        upsert(Service([Subscriber("1", email="a@x.lt", consent=Consent.ACTIVE)]), rows, how)
    assert told == [False, False, True, True]


# Consent


@pytest.mark.parametrize("asked", [{}, {"status": "active"}])
@pytest.mark.parametrize("others", [0, 300])
@pytest.mark.parametrize("knobs", [{}, {"post_conflict": True}])
def test_nobody_who_is_out_is_made_active(
    sender_sandbox: Sandbox, asked: dict[str, str], others: int, knobs: dict[str, Any]
) -> None:
    sender_sandbox.reset(subscribers=0, post_reactivates=True, **knobs)
    sender_sandbox.seed(rows=[{"email": f"{each}@x.lt", "status": each} for each in OUT])
    rows = [{"email": f"{each}@X.lt", "firstname": "Changed", **asked} for each in OUT]
    rows += [{"email": f"new-{number}@x.lt", **asked} for number in range(others)]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP)
    assert [status(sender_sandbox, f"{each}@x.lt") for each in OUT] == OUT
    assert (outcome.held, outcome.sent) == (3, others)


def test_people_are_made_active_again_where_that_is_spelled_out(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(rows=[{"email": f"{each}@x.lt", "status": each} for each in OUT])
    outcome = upsert(service_of(sender_sandbox), [{"email": f"{each}@x.lt"} for each in OUT], OVERWRITE)
    assert [status(sender_sandbox, f"{each}@x.lt") for each in OUT] == ["active"] * 3
    assert counts(outcome) == {"sent": 3, "updated": 3}


@pytest.mark.parametrize("how", [KEEP, OVERWRITE])
def test_unsubscribing_is_always_allowed_and_never_softens_a_complaint(sender_sandbox: Sandbox, how: Upsert) -> None:
    everybody = ["active", *OUT]
    sender_sandbox.seed(rows=[{"email": f"{each}@x.lt", "status": each} for each in everybody])
    rows = [{"email": f"{each}@x.lt", "status": "unsubscribed", "firstname": "New name"} for each in everybody]
    outcome = upsert(service_of(sender_sandbox), rows, how)
    found = [status(sender_sandbox, f"{each}@x.lt") for each in everybody]
    assert found == ["unsubscribed", "unsubscribed", "bounced", "spam_reported"]
    assert counts(outcome) == {"sent": 4, "updated": 4}


@pytest.mark.parametrize("asked", ["unsubscribed", "bounced", "complained"])
@pytest.mark.parametrize("knobs", [{}, {"post_fields": False}, {"post_conflict": True}])
def test_who_is_created_as_not_active_is_not_active_and_keeps_fields_and_groups(
    sender_sandbox: Sandbox, asked: str, knobs: dict[str, Any]
) -> None:
    sender_sandbox.reset(subscribers=1, **knobs)
    joined = group(sender_sandbox, "Joined")
    rows = [{"email": "new@x.lt", "status": asked, "groups": [joined], "Plan": "pro"}]
    assert counts(upsert(service_of(sender_sandbox), rows, KEEP)) == {"sent": 1, "created": 1}
    expected = "spam_reported" if asked == "complained" else asked
    assert status(sender_sandbox, "new@x.lt") == expected
    assert values(sender_sandbox, "new@x.lt")["Plan"] == "pro"
    assert [tag["title"] for tag in person(sender_sandbox, "new@x.lt")["subscriber_tags"]] == ["Joined"]
    assert counts(upsert(service_of(sender_sandbox), rows, KEEP)) == {"unchanged": 1}


@pytest.mark.parametrize("asked", [{}, {"status": "active"}])
@pytest.mark.parametrize("rows_more", [0, 30])
def test_who_unsubscribes_between_the_reading_and_the_write_stays_unsubscribed(
    sender_sandbox: Sandbox, asked: dict[str, str], rows_more: int
) -> None:
    sender_sandbox.seed(rows=[{"email": "a@x.lt", "firstname": "Old"}])

    class Unsubscribing(SenderService):
        def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
            if change.key == "a@x.lt":
                self.client.update_subscriber("a@x.lt", {"subscriber_status": "UNSUBSCRIBED"})
            super().update_subscriber(change, trigger_automation=trigger_automation)

    rows = [{"email": "a@x.lt", "firstname": "New", **asked}]
    rows += [{"email": f"{number}@x.lt"} for number in range(rows_more)]
    upsert(Unsubscribing(service_of(sender_sandbox).client), rows, KEEP)
    assert status(sender_sandbox, "a@x.lt") == "unsubscribed"
    assert person(sender_sandbox, "a@x.lt")["firstname"] == "New"


def test_who_comes_and_leaves_while_the_account_is_read_stays_unsubscribed(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=100)
    rows = [{"email": f"subscriber-{number:06}@example.com", "firstname": "Same"} for number in range(50)]
    rows.append({"email": "late@x.lt", "firstname": "Late"})

    class Late(SenderService):
        def fields(self) -> list[Field]:
            return []

        def read_subscriber(self, raw: bytes) -> Subscriber:
            if sender_sandbox.subscriber("late@x.lt") is None:
                sender_sandbox.seed(rows=[{"email": "late@x.lt", "status": "unsubscribed"}])
            return super().read_subscriber(raw)

    outcome = upsert(Late(service_of(sender_sandbox).client), rows, KEEP)
    assert status(sender_sandbox, "late@x.lt") == "unsubscribed"
    assert outcome.held >= 1


@pytest.mark.parametrize("asked", [{}, {"status": "active"}])
def test_who_is_there_after_all_when_created_is_not_made_active(sender_sandbox: Sandbox, asked: dict[str, str]) -> None:
    sender_sandbox.reset(post_conflict=True)

    class Blind(SenderService):
        def find_subscriber(self, key: str) -> Subscriber | None:
            return None

    sender_sandbox.seed(rows=[{"email": "a@x.lt", "status": "unsubscribed"}])
    upsert(Blind(service_of(sender_sandbox).client), [{"email": "a@x.lt", "firstname": "A", **asked}], KEEP)
    assert status(sender_sandbox, "a@x.lt") == "unsubscribed"


def test_who_is_deleted_after_having_been_read_is_not_created_active_against_the_row() -> None:
    service = MemoryService([Subscriber("1", email="a@x.lt", consent=Consent.COMPLAINED)])
    service.before = lambda call: service.people.clear() if call == "update_subscriber" else None
    outcome = upsert(service, [{"email": "a@x.lt", "status": "unsubscribed", "firstname": "A"}], KEEP)
    assert [(call, change.consent) for call, change in service.writes] == [
        ("update", None),
        ("create", Consent.UNSUBSCRIBED),
    ]
    assert counts(outcome)["sent"] == 1


PEOPLE = [f"{each}@x.lt" for each in ("active", *OUT, "new", "newer")]
ROWS = st.fixed_dictionaries(
    {"email": st.sampled_from([*PEOPLE, *(address.upper() for address in PEOPLE)])},
    optional={
        "firstname": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        "status": st.sampled_from(["active", "unsubscribed", "bounced", "complained", ""]),
        "phone": st.sampled_from(["+370 600 00001", "0037060000002", "bad"]),
        "Plan": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.integers(),
        "Visits": st.none() | st.integers() | st.floats() | st.text("0123456789.e-", max_size=5),
        "Renewal date": st.none() | st.dates() | st.datetimes(timezones=st.none() | st.timezones()),
    },
)


@given(st.lists(ROWS, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_rows_ask_for_nobody_is_made_active_and_a_second_run_has_nothing_left_to_send(
    sender_sandbox: Sandbox, rows: list[dict[str, Any]]
) -> None:
    sender_sandbox.reset(subscribers=1)
    sender_sandbox.seed(rows=[{"email": f"{each}@x.lt", "status": each} for each in ["active", *OUT]])
    outcome = upsert(service_of(sender_sandbox), rows, KEEP)
    assert [status(sender_sandbox, f"{each}@x.lt") for each in OUT] == OUT
    assert outcome.sent + outcome.unchanged + outcome.held + outcome.rejected + outcome.duplicates == len(rows)
    again = upsert(service_of(sender_sandbox), rows, KEEP)
    assert (again.sent, again.rejected) == (0, outcome.rejected)


# No more requests than it takes


def test_rows_the_account_has_as_they_are_cost_no_write(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=1_000)
    service = service_of(sender_sandbox)
    people = [service.read_subscriber(raw) for raw in sender_sandbox.subscribers()]
    active = [each for each in people if each.consent is Consent.ACTIVE]
    rows = [{"email": each.email, "firstname": each.firstname, "fields": dict(each.fields)} for each in active]
    outcome = upsert(service, rows, KEEP)
    assert counts(outcome) == {"unchanged": len(active)}
    assert writes(sender_sandbox) == 0
    assert sender_sandbox.counters()["requests"] == outcome.requests <= 10 + 5


def test_few_rows_are_looked_up_and_many_read_with_the_whole_account(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=2_000)

    def asked_for(count: int) -> tuple[int, int]:
        before = sender_sandbox.counters()["by_path"]
        rows = [{"email": f"subscriber-{number:06}@example.com"} for number in range(1, count + 1)]
        upsert(service_of(sender_sandbox), rows, KEEP)
        after = sender_sandbox.counters()["by_path"]
        pages = after.get("GET /subscribers", 0) - before.get("GET /subscribers", 0)
        single = after.get("GET /subscribers/{key}", 0) - before.get("GET /subscribers/{key}", 0)
        return pages, single

    assert asked_for(1) == (0, 1)
    assert asked_for(22) == (1, 22)
    pages, single = asked_for(23)
    assert (pages >= 20, single) == (True, 0)
    pages, single = asked_for(2_000)
    assert (20 <= pages <= 24, single) == (True, 0)


def test_a_row_that_is_there_twice_is_written_once(sender_sandbox: Sandbox) -> None:
    rows = [{"email": "a@x.lt", "firstname": str(number)} for number in range(50)]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP)
    assert counts(outcome) == {"sent": 1, "created": 1, "duplicates": 49}
    assert person(sender_sandbox, "a@x.lt")["firstname"] == "49"
    assert writes(sender_sandbox) == 1


# Phones and ids


@pytest.mark.parametrize("more", [0, 30])
def test_rows_may_name_people_by_phone_or_id(sender_sandbox: Sandbox, rejects_path: UPath, more: int) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "a@x.lt", "phone": "+37060000001"},
            {"email": "b@x.lt"},
            {"email": "c@x.lt", "phone": "+37060000003", "status": "unsubscribed"},
        ]
    )
    b_id = person(sender_sandbox, "b@x.lt")["id"]
    rows: list[dict[str, Any]] = [
        {"phone": "00370 600 00001", "firstname": "A"},
        {"id": b_id, "firstname": "B", "phone": "+37060000002"},
        {"phone": "+37060000003", "firstname": "C"},
        {"phone": "+37060000004", "firstname": "D"},
        {"id": "zzzzzz", "firstname": "E"},
    ]
    rows += [{"email": f"{number}@x.lt"} for number in range(more)]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP, rejects_path=rejects_path)
    names = [person(sender_sandbox, f"{each}@x.lt")["firstname"] for each in "abc"]
    assert names == ["A", "B", None]
    assert person(sender_sandbox, "b@x.lt")["phone"] == "+37060000002"
    assert (outcome.updated, outcome.held, outcome.rejected) == (2, 1, 2)
    assert [(each["line"], each["field"]) for each in rejects(rejects_path)] == [(4, "email"), (5, "email")]


def test_who_is_deleted_before_being_updated_is_created_or_else_rejected(rejects_path: UPath) -> None:
    people = [
        Subscriber("1", email="a@x.lt", consent=Consent.ACTIVE),
        Subscriber("2", phone="+37060000001", consent=Consent.ACTIVE),
    ]
    service = MemoryService(people)
    service.before = lambda call: service.people.clear() if call == "update_subscriber" else None
    rows = [
        {"phone": "+37060000001", "firstname": "B"},
        {"email": "a@x.lt", "firstname": "A"},
        {"email": "c@x.lt"},
        {"email": "d@x.lt"},
    ]
    outcome = upsert(service, rows, KEEP, rejects_path=rejects_path)
    assert (outcome.sent, outcome.rejected) == (3, 1)
    assert rejects(rejects_path)[0]["row"] == rows[0]
    assert {each.email for each in service.people.values()} == {"a@x.lt", "c@x.lt", "d@x.lt"}


def test_who_is_not_found_right_after_having_been_created_is_rejected_with_that_reason(rejects_path: UPath) -> None:
    def before(call: str) -> None:
        if call == "create_subscriber":
            raise NotFoundError("not there yet")

    outcome = upsert(MemoryService(before=before), [{"email": "a@x.lt"}], KEEP, rejects_path=rejects_path)
    assert outcome.rejected == 1
    assert "did not find it again" in rejects(rejects_path)[0]["reason"]


# When it cannot go on


@pytest.mark.parametrize(
    ("status_code", "error"), [(401, AuthenticationError), (403, PermissionDeniedError), (500, ServiceFailureError)]
)
def test_when_nothing_more_can_be_sent_it_stops_and_the_rejects_so_far_are_published(
    sender_sandbox: Sandbox, rejects_path: UPath, status_code: int, error: type[Exception]
) -> None:
    rejects_path.write_bytes(b"old\n")
    sender_sandbox.fault("reject", email="b@*", times=None)
    sender_sandbox.fault("status", "/subscribers", "POST", status=status_code, skip=3, times=None)
    rows = [{"email": "bad"}, *({"email": f"{name}@x.lt"} for name in "abcdefgh")]
    with pytest.raises(error):
        upsert(service_of(sender_sandbox, max_retries=2), rows, KEEP, rejects_path=rejects_path)
    assert len(sender_sandbox.subscribers()) == 2
    assert [each["line"] for each in rejects(rejects_path)] == [1, 3]
    assert sender_sandbox.counters()["by_path"]["POST /subscribers"] <= 4 + 2
    sender_sandbox.clear_faults()
    assert counts(upsert(service_of(sender_sandbox), rows, KEEP)) == {
        "sent": 6,
        "created": 6,
        "unchanged": 2,
        "rejected": 1,
    }


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate", "garble"])
def test_rows_are_written_over_a_bad_line(sender_sandbox: Sandbox, kind: str) -> None:
    sender_sandbox.reset(subscribers=0, requests_per_window=None)
    sender_sandbox.fault(kind, "/subscribers*", times=None, every=3)
    rows = [{"email": f"{number}@x.lt", "firstname": str(number)} for number in range(40)]
    outcome = upsert(service_of(sender_sandbox), rows, KEEP)
    assert counts(outcome) == {"sent": 40, "created": 40}
    found = {json.loads(raw)["email"]: json.loads(raw)["firstname"] for raw in sender_sandbox.subscribers()}
    assert found == {row["email"]: row["firstname"] for row in rows}


def test_a_refusal_without_fields_is_told_in_the_services_words(sender_sandbox: Sandbox, rejects_path: UPath) -> None:
    sender_sandbox.fault("refuse", "/subscribers", "POST", message="Plan limit reached for a@x.lt")
    outcome = upsert(service_of(sender_sandbox), [{"email": "a@x.lt"}], KEEP, rejects_path=rejects_path)
    (told,) = rejects(rejects_path)
    assert (told["field"], outcome.rejected) == (None, 1)
    assert "Plan limit reached for <address>" in told["reason"]


def test_all_reasons_of_a_field_are_told(rejects_path: UPath) -> None:
    def before(call: str) -> None:
        if call == "create_subscriber":
            raise InvalidRequestError("No.", errors={"phone": ["Too short.", "Wrong country."]})

    upsert(MemoryService(before=before), [{"email": "a@x.lt"}], KEEP, rejects_path=rejects_path)
    assert rejects(rejects_path)[0] == {
        "line": 1,
        "field": "phone",
        "reason": "Too short.; Wrong country.",
        "row": {"email": "a@x.lt"},
    }


# Dry runs


@pytest.mark.parametrize("others", [0, 60])
def test_a_dry_run_writes_nothing_and_says_what_the_real_one_then_does(
    sender_sandbox: Sandbox, tmp_path: Path, others: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sender_sandbox.reset(subscribers=others, requests_per_window=1_000)
    sender_sandbox.seed(rows=[{"email": f"{each}@x.lt", "status": each} for each in ["active", *OUT]])
    rows: list[dict[str, Any]] = [
        {"email": "active@x.lt", "firstname": "Changed"},
        {"email": "unsubscribed@x.lt", "firstname": "Held"},
        {"email": "bounced@x.lt", "status": "unsubscribed"},
        {"email": "new@x.lt"},
        {"email": "new@x.lt", "firstname": "New"},
        {"email": "bad"},
        {"phone": "+37060000009"},
        *({"email": f"subscriber-{number + 1:06}@example.com", "lastname": "L"} for number in range(others)),
    ]
    before = sender_sandbox.subscribers()
    plans = UPath(tmp_path / "plan.jsonl"), UPath(tmp_path / "real.jsonl")
    planned = upsert(service_of(sender_sandbox), rows, Upsert(dry_run=True), rejects_path=plans[0])
    assert writes(sender_sandbox) == 0
    assert sender_sandbox.subscribers() == before
    assert f"Plan: {planned.created} to create, {planned.updated} to update" in caplog.text
    done = upsert(service_of(sender_sandbox), rows, KEEP, rejects_path=plans[1])
    assert counts(done) == counts(planned)
    assert planned.plan.requests <= done.requests <= planned.plan.requests + 1
    assert done.reasons == planned.reasons
    assert plans[0].read_bytes() == plans[1].read_bytes()
    assert writes(sender_sandbox) == planned.sent
    assert planned.held > 0


def test_neither_addresses_nor_values_get_into_the_log(
    sender_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "airflow_provider_sender")
    sender_sandbox.seed(rows=[{"email": "held@x.lt", "status": "bounced"}])
    sender_sandbox.fault("reject", email="refused*", errors={"email": ["refused@x.lt is no good"]})
    rows = [{"email": "bad@@x.lt"}, {"email": "held@x.lt"}, {"email": "refused@x.lt"}, {"email": "a@x.lt"}]
    upsert(service_of(sender_sandbox), rows, KEEP)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider_sender")]
    assert "1 rows were held" in " ".join(told)
    assert not [line for line in told if "x.lt" in line]
