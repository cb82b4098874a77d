"""Types of a table's columns: which one a new column gets, which ones others gave theirs will do, and what goes in.

A column of a flat output is a text, a number, a datetime or a list. Whatever its type, the table holds each value as it
is, or the database refuses it. (Fractions of a second are kept as far as the type keeps any.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from airflow_provider_sender.jobs.cells import CellValue
from airflow_provider_sender.jobs.writers import csv_cell

SqlValue = str | float | datetime | None
Form = Callable[[Any], SqlValue]

_MYSQL = ("mysql", "mariadb")

# A key cannot be of any length everywhere. Ids of services have up to 8 characters, addresses up to 254.
_LONGEST_KEY = 255


def new_type(kind: str, dialect: str, *, is_key: bool = False) -> TypeEngine[Any]:
    """Return the type a new column gets.

    :param kind: ``text``, ``number``, ``datetime`` or ``list``.
    :param dialect: name of the database's dialect.
    """
    if dialect in _MYSQL:
        return _new_mysql_type(kind, is_key=is_key)
    if kind == "number":
        return sa.Float()
    if kind == "datetime" and dialect != "sqlite":
        return sa.DateTime(timezone=True)
    return sa.Unicode(_LONGEST_KEY) if is_key and dialect not in ("postgresql", "sqlite") else sa.UnicodeText()


def _new_mysql_type(kind: str, *, is_key: bool) -> TypeEngine[Any]:
    if kind == "number":
        return mysql.DOUBLE()
    if kind == "datetime":
        return mysql.DATETIME(fsp=6)
    # Or eZVD4w and ezvd4w would be one id, as they are to the collations MySQL uses by itself.
    characters = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
    return mysql.VARCHAR(_LONGEST_KEY, **characters) if is_key else mysql.LONGTEXT(**characters)


def form_for(kind: str, type: TypeEngine[Any], dialect: str) -> Form | None:
    """Return what turns a column's values into those a type takes; None when no value needs to be.

    :raises TypeError: when the type cannot hold the column; says what could.
    """
    # A CHAR is filled up with blanks, an ENUM holds what somebody once thought of.
    if isinstance(type, sa.String) and not isinstance(type, sa.Enum | sa.CHAR):
        return None if kind == "text" else _text
    if kind == "number" and _is_exact(type, dialect):
        return None
    if kind == "datetime" and isinstance(type, sa.DateTime):
        if dialect == "sqlite":
            return _text  # it has no type for times; that is a text's name
        return None if getattr(type, "timezone", False) else _without_zone
    raise TypeError(_TAKES[kind])


def _is_exact(type: TypeEngine[Any], dialect: str) -> bool:
    """Tell whether a type holds every double-precision number as it is."""
    if dialect == "sqlite":
        return isinstance(type, sa.Float | sa.Numeric)  # there, precision and scale are only for reading
    if isinstance(type, sa.Float):
        is_single = isinstance(type, sa.REAL) or (dialect in _MYSQL and isinstance(type, mysql.FLOAT))
        return not is_single
    return isinstance(type, sa.Numeric) and type.scale is None


_TAKES: Mapping[str, str] = {
    "text": "a text of variable length",
    "number": "a double-precision number, a decimal number without a fixed scale, or a text",
    "datetime": "a date with a time, or a text",
    "list": "a text, which holds it as JSON",
}


def _text(value: CellValue) -> str | None:
    """Return a value as CSV has it: a time in UTC, a list as JSON."""
    return None if value is None else csv_cell(value)


def _without_zone(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def formed(values: Sequence[CellValue], form: Form | None) -> Sequence[Any]:
    """Return a column's values as its type takes them."""
    return values if form is None else list(map(form, values))
