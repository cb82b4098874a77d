"""Loads in processes of their own, killed with SIGKILL at one statement after the other. Run as a script by the tests.

Arguments: the kind of the database and a mode. Its address is in ``AIRFLOW_CONN_WAREHOUSE``, and its table ``people``
holds version 0 of the account. The n-th load is of version n and is killed at its n-th step. Prints, as JSON, for every
kill what was in the table then, what the next try made of it, and which tables were there in the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from airflow_provider_sender.sql.connections import engine_of, hook_of
from airflow_provider_sender.sql.loading import Load, Mode, load_subscribers
from airflow_provider_sender.sql.table import TableName
from tests.databases import Database
from tests.jobs.accounts import MemoryService
from tests.transfers.loads import people, versions


def account(version: int) -> MemoryService:
    """Return a version of the account, whose people are called after it and are that many more than two hundred."""
    return MemoryService(people(200 + version, firstname=str(version)))


def run(mode: Mode, version: int, *, try_number: int, ends_at: int = 0) -> None:
    """Load a version of the account.

    :param ends_at: the step at which the process is killed, from 1: before a statement, before or after a commit.
    """
    engine = engine_of(hook_of("warehouse"), "warehouse")
    if ends_at:
        _kill_at(engine, ends_at)
    load = Load(TableName("people", None), mode, run="dag/task/run/-1", try_number=try_number)
    load_subscribers(account(version), engine, load, database="the database")


def _kill_at(engine: Engine, point: int) -> None:
    steps = 0

    def step(*_: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == point:
            os.kill(os.getpid(), signal.SIGKILL)

    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(engine, event, step)
    commit = engine.dialect.do_commit

    def commit_and_step(connection: Any) -> None:
        commit(connection)
        step()

    setattr(engine.dialect, "do_commit", commit_and_step)  # noqa: B010  # SQLAlchemy has no event for it


def main() -> None:
    """See the module's text."""
    dialect, mode = sys.argv[1], Mode(sys.argv[2])
    database = Database(dialect, {})
    found = []
    for point in range(1, 1_000):
        child = os.fork()
        if not child:
            run(mode, point, try_number=1, ends_at=point)
            os._exit(0)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            break
        held = dict(versions(database))
        run(mode, point, try_number=2)
        after = dict(versions(database))
        found.append({"point": point, "held": held, "after": after, "tables": sorted(database.tables())})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
