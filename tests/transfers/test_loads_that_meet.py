"""Loads that are killed, looked at by others, or done by two at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy.sql.dml import Update

from airflow_provider_sender.jobs.columns import export_columns
from airflow_provider_sender.sql import changing, connections
from airflow_provider_sender.sql.changing import begin_alone
from airflow_provider_sender.sql.connections import connected, engine_of, hook_of
from airflow_provider_sender.sql.failures import DatabaseFailedError
from airflow_provider_sender.sql.loading import Load, load_subscribers
from airflow_provider_sender.sql.staging import staging_for
from airflow_provider_sender.sql.table import TableName, find_target
from tests.databases import Database
from tests.jobs.accounts import MemoryService
from tests.transfers.loads import load, people, versions

MODES = ("replace", "merge")


def test_a_load_that_is_killed_leaves_the_old_rows_or_the_new_ones_and_the_next_try_the_new_ones(
    database: Database,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.transfers.mortal_load", database.dialect],
        env=os.environ | {database.variable: json.dumps(database.connection)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout.splitlines()[-1])
    assert set(killed) == set(MODES)
    for kills in killed.values():
        points = [each["point"] for each in kills]
        assert len(points) >= 10
        # The version before it to a certain step, and its own from there on.
        behind = [point - held for point, held in zip(points, _versions(kills, "held"), strict=True)]
        assert behind == sorted(behind, reverse=True)
        assert set(behind) == {0, 1}
        assert _versions(kills, "after") == points
        assert all(each["tables"] == ["people"] for each in kills)


def _versions(kills: list[Any], when: str) -> list[int]:
    """Return which version was in the table; there must be just one, and all of it."""
    found = []
    for each in kills:
        ((version, count),) = each[when].items()
        assert count == 200 + int(version)
        found.append(int(version))
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_reader_sees_the_old_rows_or_the_new_ones(
    mode: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(MemoryService(people(2_000, firstname="0")), mode=mode)
    seen: list[Any] = []
    is_over, looks_while_it_changes = threading.Event(), []

    def read() -> None:
        with closing(database.connect()) as connection:
            while not is_over.is_set():
                cursor = connection.cursor()
                cursor.execute("select firstname, count(*) from people group by firstname")
                seen.append(cursor.fetchall())
                connection.commit()

    def slow(act: Any) -> Any:
        def slowly(*args: Any, **kwargs: Any) -> Any:
            done = act(*args, **kwargs)
            before = len(seen)
            time.sleep(0.1)
            looks_while_it_changes.append(len(seen) - before)
            return done

        return slowly

    monkeypatch.setattr(changing, "count", slow(changing.count))  # the rows are changed and not yet committed
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in range(1, 4):
            load(MemoryService(people(2_000 + version, firstname=str(version))), mode=mode)
    finally:
        is_over.set()
        reader.join()
    states = [tuple(map(tuple, each)) for each in seen]
    assert set(states) <= {((str(version), 2_000 + version),) for version in range(4)}
    assert sorted(states) == states
    assert all(looks_while_it_changes)


@pytest.mark.parametrize("is_there", [True, False], ids=["table", "no table"])
@pytest.mark.parametrize("mode", MODES)
def test_two_loads_at_once_leave_one_of_both(mode: str, is_there: bool, database: Database) -> None:
    if is_there:
        load(MemoryService(people(50, firstname="old")), mode=mode)
    start, errors = threading.Barrier(4), []

    def one(version: int) -> None:
        account = MemoryService(people(300 + version, firstname=str(version)))
        try:
            start.wait()
            load(account, mode=mode, run=f"run {version}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(version,)) for version in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    ((version, rows),) = versions(database)
    assert rows == 300 + int(version)


def test_a_load_does_not_wait_for_ever_for_one_that_is_frozen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(MemoryService(people(20, firstname="old")))
    engine = engine_of(hook_of("warehouse"), "warehouse")
    monkeypatch.setattr(connections, "_SQLITE_WAIT", 200)
    told = r"55P03.*Another session holds a lock" if database.dialect == "postgresql" else "database is locked"
    with connected(engine) as frozen:
        begin_alone(frozen, TableName("people", None), lock_timeout=10)
        service = MemoryService(people(30, firstname="new"))
        waits_briefly = Load(TableName("people", None), lock_timeout=0.2)
        with pytest.raises(DatabaseFailedError, match=told):
            load_subscribers(service, engine, waits_briefly, database="the database")
    assert versions(database) == [("old", 20)]


def test_a_staging_table_that_others_could_see_is_of_one_try_and_goes_with_it(database: Database) -> None:
    engine = engine_of(hook_of("warehouse"), "warehouse")
    columns = export_columns([], ["id", "email"])

    @contextmanager
    def staging(run: str, try_number: int) -> Iterator[str]:
        with connected(engine) as connection:
            target = find_target(connection, TableName("people", None), columns)
            with staging_for(connection, target, run, try_number, is_temporary=False) as table:
                connection.rollback()
                yield table.name

    with staging("other run", 1) as other:
        with staging("run", 1) as first:
            assert database.tables() == {other, first}
            with staging("run", 2) as second:
                # The first try, should it still be going, has nothing to put its rows into any more.
                assert database.tables() == {other, second}
        with pytest.raises(ZeroDivisionError), staging("run", 3):
            _ = 1 / 0
        assert database.tables() == {other}
    assert database.tables() == set()


@pytest.mark.parametrize("mode", MODES)
def test_a_staging_table_that_others_could_see_does_as_well(
    mode: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_sender.sql.staging._HAS_TEMPORARY", ())
    load(MemoryService(people(20, firstname="old")), mode=mode)
    load(MemoryService(people(30, firstname="new")), mode=mode)
    assert versions(database) == [("new", 30)]
    assert database.tables() == {"people"}


def test_an_update_for_databases_that_cannot_join_in_one_does_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile(self: Any, **_: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(Update, "compile", compile)
    load(MemoryService(people(20, firstname="old")), mode="merge")
    done = load(MemoryService([*people(10, firstname="new"), *people(20, firstname="old")[10:]]), mode="merge")
    assert done.changes.updated == 10
    assert sorted(versions(database)) == [("new", 10), ("old", 10)]
