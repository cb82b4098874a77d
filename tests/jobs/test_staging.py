from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.records import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.staging import Staging


@pytest.fixture
def staging() -> Iterator[Staging]:
    with Staging() as staging:
        yield staging


def change(key: str, firstname: str | None = None) -> SubscriberChange:
    return SubscriberChange(key=key, email=key, firstname=firstname)


def test_rows_come_back_in_the_sources_order_with_what_they_ask_for(staging: Staging) -> None:
    for line, key in enumerate(["c@x.lt", "a@x.lt", "b@x.lt"], start=1):
        staging.add(line, {"email": key}, change(key, "Ž"))
    rows = list(staging.rows())
    assert [(row.line, json.loads(row.source), row.change, row.current) for row in rows] == [
        (1, {"email": "c@x.lt"}, change("c@x.lt", "Ž"), None),
        (2, {"email": "a@x.lt"}, change("a@x.lt", "Ž"), None),
        (3, {"email": "b@x.lt"}, change("b@x.lt", "Ž"), None),
    ]
    assert len(staging) == 3


def test_of_rows_with_one_key_the_last_one_is_kept_and_the_others_are_counted(staging: Staging) -> None:
    for line, name in enumerate(["one", "two", "three"], start=1):
        staging.add(line, {"firstname": name}, change("a@x.lt", name))
    (row,) = staging.rows()
    assert (row.line, row.change.firstname, json.loads(row.source)) == (3, "three", {"firstname": "three"})
    assert staging.duplicates == 2


def test_what_the_account_has_is_noted_for_rows_by_address_phone_and_id(staging: Staging) -> None:
    for line, key in enumerate(["a@x.lt", "+37060000001", "iD3", "new@x.lt"], start=1):
        staging.add(line, {}, change(key))
    by_address = Subscriber("1", email="A@X.lt")
    by_phone = Subscriber("2", email="b@x.lt", phone="+37060000001")
    by_id = Subscriber("iD3", email=None)
    staging.note_current([by_address, by_phone, by_id, Subscriber("4", email="other@x.lt")])
    assert [row.current for row in staging.rows()] == [by_address, by_phone, by_id, None]


def test_nobody_is_taken_for_another_because_something_is_missing(staging: Staging) -> None:
    staging.add(1, {}, change("None"))
    staging.add(2, {}, change("null"))
    staging.note_current([Subscriber("1", email=None, phone=None)])
    assert [row.current for row in staging.rows()] == [None, None]


def test_the_file_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), Staging() as staging:  # noqa: PT012
        staging.add(1, {}, change("a@x.lt"))
        assert list(tmp_path.iterdir())
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(sqlite3.ProgrammingError):
        len(staging)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text()), max_size=40))
def test_whatever_comes_in_whatever_order_each_key_is_kept_once_as_it_came_last(rows: list[tuple[str, str]]) -> None:
    with Staging() as staging:
        for line, (key, name) in enumerate(rows, start=1):
            staging.add(line, {"name": name}, change(key, name))
        kept = {row.change.key: row.change.firstname for row in staging.rows()}
        lines = [row.line for row in staging.rows()]
        assert kept == dict(rows)
        assert lines == sorted(lines)
        assert staging.duplicates == len(rows) - len(kept)


STAGING_MANY = """
import resource
from airflow_provider_sender.client.records import Field
from airflow_provider_sender.jobs.mapping import RowMapping
from airflow_provider_sender.jobs.staging import Staging

def fill(count):
    mapping = RowMapping(None, [Field("Plan"), Field("Note")])
    with Staging() as staging:
        for number in range(count):
            row = {"email": f"subscriber-{number * 7919 % count}@example.com", "plan": "pro", "note": "n" * 200}
            staging.add(number, row, mapping.change(row))
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
