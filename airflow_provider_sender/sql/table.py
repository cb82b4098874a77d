"""The table subscribers go into: what it is to look like, and what of that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, DDLElement

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.columns import Column
from airflow_provider_sender.sql.types import Form, form_for, new_type

# The one dialect known to tell Plan from plan in names.
_TELLS_CASE = "postgresql"

# Of a merge: what rows are told apart by.
KEY = "id"


@dataclass(frozen=True)
class TableName:
    """Where a table is.

    :param schema: None for where the database looks by itself.
    """

    table: str
    schema: str | None

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True)
class Target:
    """A table and those of its columns that subscribers go into.

    :param table: with these columns alone.
    :param columns: what stands in them, in the same order.
    :param forms: what turns their values into what they take.
    :param lacks: columns it does not have yet; all of them, when it is not there.
    """

    table: sa.Table
    columns: Sequence[Column]
    forms: Sequence[Form | None]
    lacks: Sequence[sa.Column[Any]]
    is_there: bool

    @property
    def key(self) -> sa.Column[Any] | None:
        """The column with the subscriber's id, if it has one."""
        mine = zip(self.columns, self.table.columns, strict=True)
        return next((there for column, there in mine if column.source == KEY), None)

    def prepare(self, connection: Connection) -> None:
        """Create the table, or the columns it lacks."""
        if not self.is_there:
            connection.execute(CreateTable(self.table))
            return
        for column in self.lacks:
            connection.execute(_AddColumn(column))


def find_target(connection: Connection, name: TableName, columns: Sequence[Column]) -> Target:
    """Find out what is there of a table.

    :param columns: the columns of subscribers that are to go into it.
    :raises ConfigurationError: when they cannot.
    """
    dialect = connection.dialect
    _check_names(columns, dialect.name, dialect.max_identifier_length)
    inspector = sa.inspect(connection)
    _check_schema(inspector, name)
    is_there = inspector.has_table(name.table, schema=name.schema)
    there = inspector.get_columns(name.table, schema=name.schema) if is_there else []
    known = {_same(each["name"], dialect.name): each for each in there}
    made, forms, lacks = [], [], []
    for column in columns:
        found = known.pop(_same(column.name, dialect.name), None)
        if found is None:
            is_key = column.source == KEY
            type = new_type(column.type, dialect.name, is_key=is_key)
            made.append(sa.Column(column.name, type, primary_key=is_key and not is_there, autoincrement=False))
            lacks.append(made[-1])
        else:
            type = found["type"]
            made.append(sa.Column(found["name"], type))
        forms.append(_form(column, type, name, connection))
    for each in known.values():
        _check_can_be_left_out(each, name)
    return Target(sa.Table(name.table, sa.MetaData(), *made, schema=name.schema), columns, forms, lacks, is_there)


class _AddColumn(DDLElement):
    """``ALTER TABLE ... ADD``, for which SQLAlchemy has no construct of its own."""

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


@compiles(_AddColumn)
def _add_column(element: _AddColumn, compiler: Any, **options: object) -> str:
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} ADD {compiler.get_column_specification(element.column)}"


def _same(name: str, dialect: str) -> str:
    """Return what two names have in common that a database takes for one."""
    return name if dialect == _TELLS_CASE else name.casefold()


def _check_names(columns: Sequence[Column], dialect: str, longest: int) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        if not column.name.strip() or "\0" in column.name:
            raise ConfigurationError(
                f"columns: {column.source!r} would get a column without a name. Give it one in columns, as a "
                "dictionary of column -> name in the table."
            )
        if len(column.name.encode()) > longest:
            raise ConfigurationError(
                f"columns: the name {column.name!r} is longer than the {longest} bytes that this database allows. "
                "Give it a shorter one in columns, as a dictionary of column -> name in the table."
            )
        other = seen.setdefault(_same(column.name, dialect), column.name)
        if other != column.name:
            raise ConfigurationError(
                f"columns: this database cannot tell the columns {other!r} and {column.name!r} apart. Give one another "
                "name in columns, as a dictionary of column -> name in the table, or leave one out."
            )


def _check_schema(inspector: Any, name: TableName) -> None:
    if name.schema is None:
        return
    known = inspector.get_schema_names()
    if name.schema.casefold() not in map(str.casefold, known):
        raise ConfigurationError(f"schema: the database has no schema {name.schema!r}. It has: {', '.join(known)}.")


def _form(column: Column, type: Any, name: TableName, connection: Connection) -> Form | None:
    try:
        return form_for(column.type, type, connection.dialect.name)
    except TypeError as error:
        written = "of an unknown type" if isinstance(type, sa.types.NullType) else type.compile(connection.dialect)
        raise ConfigurationError(
            f"table: column {column.name!r} of {name} is {written}, and {column.source!r} needs {error}. Change its "
            "type, or give it another name in columns, as a dictionary of column -> name in the table."
        ) from None


def _check_can_be_left_out(column: Any, name: TableName) -> None:
    """See to it that rows can be inserted without a column that is none of ours."""
    has_value = any(column.get(what) for what in ("nullable", "default", "computed", "identity"))
    if not has_value and column.get("autoincrement") is not True:
        raise ConfigurationError(
            f"table: {name} has a column {column['name']!r} that is not the account's, must not be empty and has no "
            "default, so no row can be inserted. Give it a default."
        )
