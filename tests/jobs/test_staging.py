from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from airflow_provider_sender.jobs import ledger_format
from airflow_provider_sender.jobs.consent import ConsentMode
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.staging import Staging, Task


@pytest.fixture
def staging() -> Iterator[Staging]:
    with Staging() as staging:
        yield staging


def change(key: str, firstname: str | None = None, **more: object) -> SubscriberChange:
    return SubscriberChange(key=key, email=key, firstname=firstname, **more)  # type: ignore[arg-type]


def test_rows_come_back_in_the_sources_order_with_what_they_ask_for(staging: Staging) -> None:
    for line, key in enumerate(["c@x.lt", "a@x.lt", "b@x.lt"], start=1):
        staging.add(line, {"email": key}, change(key, "Ž"))
    staging.compare(None)
    rows = list(staging.rows())
    assert [(row.line, json.loads(row.source), row.change, row.task, row.current) for row in rows] == [
        (1, {"email": "c@x.lt"}, change("c@x.lt", "Ž"), Task.LOOK_UP, None),
        (2, {"email": "a@x.lt"}, change("a@x.lt", "Ž"), Task.LOOK_UP, None),
        (3, {"email": "b@x.lt"}, change("b@x.lt", "Ž"), Task.LOOK_UP, None),
    ]
    assert staging.row(2) == rows[1]
    assert len(staging) == staging.to_do(Task.LOOK_UP) == 3


def test_of_rows_with_one_key_the_last_one_is_kept_and_the_others_are_counted(staging: Staging) -> None:
    for line, name in enumerate(["one", "two", "three"], start=1):
        staging.add(line, {"firstname": name}, change("a@x.lt", name))
    staging.compare(None)
    (row,) = staging.rows()
    assert (row.line, row.change.firstname, json.loads(row.source)) == (3, "three", {"firstname": "three"})
    assert staging.duplicates == 2


def test_what_the_account_has_is_noted_for_rows_by_address_phone_and_id(staging: Staging) -> None:
    for line, key in enumerate(["a@x.lt", "+37060000001", "iD3", "new@x.lt"], start=1):
        staging.add(line, {}, change(key))
    staging.compare(None)
    by_address = Subscriber("1", email="A@X.lt")
    by_phone = Subscriber("2", email="b@x.lt", phone="+37060000001")
    by_id = Subscriber("iD3", email=None)
    staging.note_current([by_address, by_phone, by_id, Subscriber("4", email="other@x.lt")])
    assert [row.current for row in staging.rows()] == [by_address, by_phone, by_id, None]


def test_nobody_is_taken_for_another_because_something_is_missing(staging: Staging) -> None:
    staging.add(1, {}, change("None"))
    staging.add(2, {}, change("null"))
    staging.compare(None)
    staging.note_current([Subscriber("1", email=None, phone=None)])
    assert [row.current for row in staging.rows()] == [None, None]


def test_what_is_done_is_not_there_any_more_even_while_it_is_gone_through(staging: Staging) -> None:
    for line in range(1, 2_001):
        staging.add(line, {}, change(f"{line}@x.lt"))
    staging.compare(None)
    lines = []
    for row in staging.rows():
        lines.append(row.line)
        if row.line % 2:
            staging.done(row.line)
    assert lines == list(range(1, 2_001))
    assert [row.line for row in staging.rows()] == list(range(2, 2_001, 2))


def test_rows_that_did_not_pass_the_checks_are_kept_apart(staging: Staging) -> None:
    staging.reject(7, b'{"n":7}', Rejected("email", "missing"))
    staging.add(4, {}, change("a@x.lt"))
    assert not staging.rejects_fields()
    staging.reject(2, b'{"n":2}', Rejected("fields.Visits", "is not a number"))
    staging.compare(None)
    assert list(staging.rejected()) == [
        (2, b'{"n":2}', Rejected("fields.Visits", "is not a number")),
        (7, b'{"n":7}', Rejected("email", "missing")),
    ]
    assert staging.rejects_fields()
    assert [row.line for row in staging.rows()] == [4]


def test_it_can_begin_anew(staging: Staging) -> None:
    for _ in range(2):
        staging.add(1, {}, change("a@x.lt", "One"))
        staging.add(2, {}, change("a@x.lt", "Two"))
        staging.reject(3, b"{}", Rejected(None, "no"))
        staging.compare(None)
        assert (len(staging), staging.duplicates, staging.to_do(Task.LOOK_UP)) == (1, 1, 1)
        assert len(list(staging.rejected())) == 1
        staging.clear()
        assert (len(staging), staging.duplicates, staging.to_do(Task.LOOK_UP)) == (0, 0, 0)
        assert list(staging.rejected()) == []


# What a ledger makes of the rows


NOW = datetime.now(UTC)
LAST_TIME = change("a@x.lt", "Ann", consent=Consent.ACTIVE, groups=("g1", "g2"), fields={"Plan": "pro"})


def ledger_of(
    file: Path, known: SubscriberChange, *, outcome: str = "accepted", at: datetime = NOW, status: str = "active"
) -> Path:
    database = ledger_format.created(file)
    database.execute(
        "insert into subscriber values (?, ?, ?, ?, ?, ?)",
        (
            known.key,
            ledger_format.fingerprint(known),
            status,
            ledger_format.groups_json(known.groups),
            outcome,
            at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ),
    )
    database.close()
    return file


@pytest.mark.parametrize(
    ("changed", "task"),
    [
        ({}, None),
        ({"email": "A@x.lt"}, None),
        ({"groups": ("g2", "g1")}, None),
        ({"groups": ()}, None),
        ({"groups": ("g1", "g3")}, Task.JOIN),
        ({"firstname": "Bea"}, Task.UPDATE),
        ({"firstname": None}, Task.UPDATE),
        ({"firstname": ""}, Task.UPDATE),
        ({"phone": "+37060000001"}, Task.UPDATE),
        ({"fields": {"Plan": "free"}}, Task.UPDATE),
        ({"fields": {"Plan": "pro", "Visits": 1}}, Task.UPDATE),
        ({"firstname": "Bea", "groups": ("g3",)}, Task.UPDATE),
        ({"consent": None}, Task.LOOK_UP),
        ({"consent": Consent.UNSUBSCRIBED}, Task.LOOK_UP),
        ({"key": "b@x.lt"}, Task.LOOK_UP),
    ],
)
def test_what_is_to_be_done_follows_from_what_changed_since_last_time(
    tmp_path: Path, staging: Staging, changed: dict[str, object], task: Task | None
) -> None:
    ledger = ledger_of(tmp_path / "ledger", LAST_TIME)
    now = SubscriberChange(**{name: getattr(LAST_TIME, name) for name in LAST_TIME.__struct_fields__} | changed)
    staging.add(1, {}, now)
    staging.compare(ledger)
    assert [row.task for row in staging.rows()] == ([task] if task else [])
    assert staging.unchanged() == (task is None)
    for row in staging.rows():
        assert row.known_groups == (("g1", "g2") if now.key == LAST_TIME.key else ())
        assert row.has_known_fields == (now.key == LAST_TIME.key and "fields" not in changed)


@pytest.mark.parametrize(
    ("changed", "age", "task"),
    [
        ({}, timedelta(days=1), Task.LEAVE),
        ({"groups": ("g1",)}, timedelta(days=1), Task.LEAVE),
        ({}, timedelta(days=8), Task.LOOK_UP),
        ({"firstname": "Bea"}, timedelta(days=1), Task.LOOK_UP),
        ({"groups": ("g3",)}, timedelta(days=1), Task.LOOK_UP),
        ({"consent": None}, timedelta(days=1), Task.LOOK_UP),
    ],
)
def test_a_held_row_is_left_alone_until_it_changes_or_a_week_has_passed(
    tmp_path: Path, staging: Staging, changed: dict[str, object], age: timedelta, task: Task
) -> None:
    ledger = ledger_of(tmp_path / "ledger", LAST_TIME, outcome="held", at=NOW - age)
    now = SubscriberChange(**{name: getattr(LAST_TIME, name) for name in LAST_TIME.__struct_fields__} | changed)
    staging.add(1, {}, now)
    staging.compare(ledger)
    assert [row.task for row in staging.rows()] == [task]


@pytest.mark.parametrize(
    ("mode", "asked", "task"),
    [
        (ConsentMode.KEEP, Consent.ACTIVE, None),
        (ConsentMode.OVERWRITE, Consent.ACTIVE, Task.LOOK_UP),
        (ConsentMode.OVERWRITE, None, Task.LOOK_UP),
    ],
)
def test_another_word_about_consent_is_another_status(
    tmp_path: Path, mode: ConsentMode, asked: Consent | None, task: Task | None
) -> None:
    ledger = ledger_of(tmp_path / "ledger", LAST_TIME)
    with Staging(mode) as staging:
        staging.add(1, {}, change("a@x.lt", "Ann", consent=asked, groups=("g1",), fields={"Plan": "pro"}))
        staging.compare(ledger)
        assert [row.task for row in staging.rows()] == ([task] if task else [])


def test_the_file_has_no_name_and_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), Staging() as staging:  # noqa: PT012
        staging.add(1, {}, change("a@x.lt"))
        assert len(staging) == 1
        assert list(tmp_path.iterdir()) == []
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(sqlite3.ProgrammingError):
        len(staging)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text()), max_size=40))
def test_whatever_comes_in_whatever_order_each_key_is_kept_once_as_it_came_last(rows: list[tuple[str, str]]) -> None:
    with Staging() as staging:
        for line, (key, name) in enumerate(rows, start=1):
            staging.add(line, {"name": name}, change(key, name))
        staging.compare(None)
        kept = {row.change.key: row.change.firstname for row in staging.rows()}
        lines = [row.line for row in staging.rows()]
        assert kept == dict(rows)
        assert lines == sorted(lines)
        assert staging.duplicates == len(rows) - len(kept)


STAGING_MANY = """
import resource
from airflow_provider_sender.client.subscribers import Field
from airflow_provider_sender.jobs.mapping import RowMapping
from airflow_provider_sender.jobs.staging import Staging

def fill(count):
    mapping = RowMapping(None, [Field("Plan"), Field("Note")])
    with Staging() as staging:
        for number in range(count):
            row = {"email": f"subscriber-{number * 7919 % count}@example.com", "plan": "pro", "note": "n" * 200}
            staging.add(number, row, mapping.change(row))
        staging.compare(None)
        return sum(1 for _ in staging.rows())

fill(1_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = fill(100_000)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_hundred_thousand_rows_need_no_memory() -> None:
    # In a process of its own, as what SQLite takes shows in the whole process's memory only.
    told = subprocess.run([sys.executable, "-c", STAGING_MANY], check=True, capture_output=True, text=True).stdout
    count, kilobytes = map(int, told.split())
    assert count == 100_000
    # The rows alone are 60 MB of JSON.
    assert kilobytes < 16 * 1024
