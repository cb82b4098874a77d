"""Loads in processes of their own, killed with SIGKILL at one statement after the other. Run as a script by the tests.

Argument: the kind of the database. Its address is in ``AIRFLOW_CONN_WAREHOUSE``. The n-th load is of version n of the
account and is killed at its n-th step. Prints, as JSON, for each mode and every kill what was in the table then, what
the next try made of it, and which tables were there in the end.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Iterator
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


def killed(database: Database, mode: Mode) -> Iterator[dict[str, Any]]:
    """Kill loads at one step after the other, until one gets to its end."""
    run(mode, 0, try_number=1)
    for point in itertools.count(1):
        child = os.fork()
        if not child:
            run(mode, point, try_number=1, ends_at=point)
            os._exit(0)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            return
        held = dict(versions(database))
        run(mode, point, try_number=2)
        after = dict(versions(database))
        yield {"point": point, "held": held, "after": after, "tables": sorted(database.tables())}


def main() -> None:
    """See the module's text."""
    database = Database(sys.argv[1], {})
    print(json.dumps({mode: list(killed(database, mode)) for mode in Mode}))


if __name__ == "__main__":
    main()
