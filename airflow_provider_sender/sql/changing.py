"""From a staging table into the table itself, in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.dml import Update

from airflow_provider_sender.sql.table import TableName, Target


@dataclass(frozen=True)
class Changes:
    """What happened to a table.

    :param rows: how many it has now.
    """

    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def begin_alone(connection: Connection, name: TableName, *, lock_timeout: float) -> None:
    """Begin to change a table, with no other task loading it; one that wants to waits until the transaction ends.

    Where there is no such lock, the database's own isolation is all there is.

    :param lock_timeout: seconds to wait for whoever holds this lock or any other; a load that is frozen may hold it.
    """
    match connection.dialect.name:
        case "postgresql":
            milliseconds = max(1, round(1000 * lock_timeout))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = {milliseconds}"))
            # Not a lock on the table: it may not be there yet. And still in the transaction that made the staging
            # table, because a pool may give every transaction another session.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _key(connection, name)})
        case "sqlite":
            connection.commit()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        case _:
            connection.commit()


def replace(connection: Connection, target: Target, staging: sa.Table) -> Changes:
    """Have a table hold the rows of the staging table and no others.

    The rows are deleted, not the table: views, grants and readers stay with it. (And not truncated, which would show
    readers an empty table.)
    """
    deleted = connection.execute(sa.delete(target.table)).rowcount
    rows = sa.select(*staging.columns)
    connection.execute(sa.insert(target.table).from_select(list(target.table.columns), rows))
    there = count(connection, target.table)
    return Changes(rows=there, inserted=there, deleted=deleted)


def merge(connection: Connection, target: Target, staging: sa.Table, *, deletes: bool) -> Changes:
    """Have a table hold the rows of the staging table, and leave alone the rows, and the columns, that need no change.

    :param deletes: whether rows that the staging table does not have are deleted.
    """
    table, (key, staged_key) = target.table, _keys(target, staging)
    if deletes:
        is_staged = sa.exists().where(staged_key == key)
        deleted = connection.execute(sa.delete(table).where(~is_staged)).rowcount
    else:
        deleted = 0
    updated = connection.execute(_update(connection, target, staging)).rowcount if len(table.columns) > 1 else 0
    before = count(connection, table)
    new = sa.select(*staging.columns).select_from(staging.outerjoin(table, key == staged_key)).where(key.is_(None))
    connection.execute(sa.insert(table).from_select(list(table.columns), new))
    there = count(connection, table)
    return Changes(rows=there, inserted=there - before, updated=updated, deleted=deleted)


def count(connection: Connection, table: sa.Table) -> int:
    """Return how many rows a table has; drivers do not agree on what to say of an insert."""
    rows: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return rows


def _update(connection: Connection, target: Target, staging: sa.Table) -> Update:
    """Return a statement that updates the rows that differ."""
    key, staged_key = _keys(target, staging)
    pairs = [pair for pair in zip(target.table.columns, staging.columns, strict=True) if pair[0] is not key]
    differs = sa.or_(*(mine.is_distinct_from(staged) for mine, staged in pairs))
    joined = sa.update(target.table).where(key == staged_key, differs).values(dict(pairs))
    try:
        joined.compile(dialect=connection.dialect)
    except NotImplementedError:
        # A database whose UPDATE knows one table only, or an SQLAlchemy that thinks so.
        staged_values = {mine: sa.select(staged).where(staged_key == key).scalar_subquery() for mine, staged in pairs}
        return sa.update(target.table).where(sa.exists().where(staged_key == key, differs)).values(staged_values)
    return joined


def _keys(target: Target, staging: sa.Table) -> tuple[sa.Column[Any], sa.Column[Any]]:
    pairs = zip(target.table.columns, staging.columns, strict=True)
    return next(pair for pair in pairs if pair[0] is target.key)


def _key(connection: Connection, name: TableName) -> int:
    """Return a table's number, by which tasks of whatever Airflow lock each other out."""
    schema = name.schema or connection.dialect.default_schema_name
    digest = hashlib.sha256(f"airflow_provider_sender/{schema}.{name.table}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
