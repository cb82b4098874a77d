"""The staging table: where new rows are complete before the table itself is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable, DropTable

from airflow_provider_sender.sql.table import Target

# Where a temporary table goes with its connection, whatever happens, and nobody else can see it. Elsewhere the staging
# table is one like any other.
_HAS_TEMPORARY = ("postgresql", "sqlite")

_PREFIX = "sender_"


@contextmanager
def staging_for(
    connection: Connection, target: Target, run: str, try_number: int, *, is_temporary: bool | None = None
) -> Iterator[sa.Table]:
    """Create an empty staging table for the length of the block.

    Its name is of one try of one run, so that a try that was given up and is still going can put no row into it. Tables
    that earlier tries have left are removed.

    :param run: what tells the run from every other, the same for all of its tries.
    :param is_temporary: whether it is one that only this connection sees; by default where there is such a thing.
    """
    if is_temporary is None:
        is_temporary = connection.dialect.name in _HAS_TEMPORARY
    names = _PREFIX + hashlib.sha256(run.encode()).hexdigest()[:12] + "_"
    table = _table(f"{names}{try_number}", target, is_temporary=is_temporary)
    if not is_temporary:
        _remove_leftovers(connection, names, target.table.schema)
    connection.execute(CreateTable(table))
    if not is_temporary:
        connection.commit()
    if connection.dialect.name == "sqlite":
        # Else every row would be a transaction of its own. In a temporary table it locks nobody out.
        connection.exec_driver_sql("BEGIN")
    try:
        yield table
    finally:
        if not is_temporary:
            # The error that led here is the one to be seen, not that there was nothing to remove.
            with suppress(SQLAlchemyError):
                connection.rollback()
                connection.execute(DropTable(table))
                connection.commit()


def _table(name: str, target: Target, *, is_temporary: bool) -> sa.Table:
    """Return a table with the types of another; its columns are called by their places: c0, c1 ..."""
    columns = [
        sa.Column(f"c{place}", column.type, primary_key=column is target.key, autoincrement=False)
        for place, column in enumerate(target.table.columns)
    ]
    if is_temporary:
        return sa.Table(name, sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    return sa.Table(name, sa.MetaData(), *columns, schema=target.table.schema)


def _remove_leftovers(connection: Connection, names: str, schema: str | None) -> None:
    for left in sa.inspect(connection).get_table_names(schema=schema):
        if left.startswith(names):
            connection.execute(DropTable(sa.Table(left, sa.MetaData(), schema=schema)))
    connection.commit()
