"""What a database refused, in words that hold nobody's data.

Drivers put into their errors what they choked on: a row, a key, the parameters of a statement. None of it may get into
a log, so a driver's error is never passed on, not even as the cause of another one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

from airflow_provider_sender.client.errors import ConfigurationError, without_addresses

# The kinds of error of PEP 249, which every driver has under these names. Trying again changes nothing about the first;
# what the second say is about statements and connections. The text of all others may quote values.
_FINAL = frozenset({"DataError", "IntegrityError", "ProgrammingError", "NotSupportedError"})
_QUOTES_NO_VALUES = frozenset({"ProgrammingError", "NotSupportedError", "OperationalError", "InterfaceError"})
_BASES = frozenset({"DatabaseError", "InterfaceError"})

# What a function of the database's owner says, in words of its own, counts as an error of the program for PostgreSQL.
_OWN_WORDS = "P0"

# SQLite has one kind of error for nearly everything. These are its codes for a statement that can never work.
_FINAL_CODES = ("SQLITE_ERROR", "SQLITE_READONLY")

_LONGEST_TEXT = 300

# Code -> what to do about it.
_ADVICE = {
    "55P03": (
        "Another session holds a lock on the table, a load that does not go on, perhaps. Look for it in "
        "pg_stat_activity and end it."
    )
}

# A shorter text says nothing about anybody, and stands in many a sentence.
_SHORTEST_HIDDEN = 3

# PostgreSQL says where in a COPY it was.
_COPIED_COLUMN = re.compile(r"^COPY .*, column (\w+)", re.MULTILINE)


class DatabaseFailedError(Exception):
    """A database failed or was away. The same may go well the next time, so Airflow's retries follow."""


@contextlib.contextmanager
def without_row_data(
    what: str, *, hidden: Iterable[object] = (), columns: dict[str, str] | None = None
) -> Iterator[None]:
    """Turn errors of a database driver, and of SQLAlchemy, into ours.

    :param what: what was to be done to which database, as the beginning of a sentence.
    :param hidden: values, of which no text must be quoted either.
    :param columns: what the columns of a staging table stand for.
    :raises ConfigurationError: when trying again changes nothing.
    :raises DatabaseFailedError: when it may.
    """
    try:
        yield
    except Exception as error:
        failed = _ours(error, what, hidden, columns or {})
        if failed is None:
            raise
        raise failed from None


def _ours(error: Exception, what: str, hidden: Iterable[object], columns: dict[str, str]) -> Exception | None:
    # SQLAlchemy wraps the driver's errors, and has some of its own.
    cause = getattr(error, "orig", None) or error
    kinds = _kinds(cause)
    if not _BASES & kinds:
        if "SQLAlchemyError" not in _kinds(error):
            return None
        return ConfigurationError(f"{what} ({type(error).__name__}: {_text(error, hidden)}).")
    code = _code(cause)
    facts = [type(cause).__name__ if code is None else f"{type(cause).__name__}, {code}"]
    if _QUOTES_NO_VALUES & kinds and not (code or "").startswith(_OWN_WORDS):
        facts.append(_text(cause, hidden))
    if column := _column(cause, columns):
        facts.append(f"column {column}")
    text = f"{what} ({': '.join(facts)}). {_ADVICE.get(code or '', '')}".rstrip()
    is_final = code in _FINAL_CODES or bool(_FINAL & kinds)
    return ConfigurationError(text) if is_final else DatabaseFailedError(text)


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _code(cause: BaseException) -> str | None:
    for name in ("sqlstate", "pgcode", "sqlite_errorname"):
        if code := getattr(cause, name, None):
            return str(code)
    return str(cause.args[0]) if cause.args and isinstance(cause.args[0], int) else None


def _text(cause: BaseException, hidden: Iterable[object]) -> str:
    """Return the first line of what a driver says; the lines below it show the statement and the values."""
    text = str(cause).strip().partition("\n")[0]
    for value in sorted((value for value in hidden if isinstance(value, str)), key=len, reverse=True):
        text = text.replace(value, "...") if len(value) >= _SHORTEST_HIDDEN else text
    return without_addresses(text)[:_LONGEST_TEXT]


def _column(cause: BaseException, columns: dict[str, str]) -> str | None:
    """Return which column it is about, where PostgreSQL says so."""
    told = getattr(cause, "diag", None)
    named = getattr(told, "column_name", None)
    copied = _COPIED_COLUMN.search(getattr(told, "context", None) or "")
    name = named or (copied[1] if copied else None)
    return columns.get(name, name) if name else None
