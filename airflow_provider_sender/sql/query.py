"""The rows of a query, read as a stream."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.formats import SourceRow
from airflow_provider_sender.sql.connections import streaming_cursor
from airflow_provider_sender.sql.failures import without_row_data

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

Parameters = Mapping[str, Any] | Sequence[Any]

# Rows fetched at once.
_BATCH = 1_000


class QueryRows:
    """The rows of a query, which is run anew whenever they are gone through.

    The connection is open while rows are read, and closed before whoever asked for the last one gets on.

    :param hook: of the database.
    :param name: what the connection is called, for errors.
    :param sql: the query, in the database's own words.
    :param parameters: values for its placeholders, in the form its driver wants them.
    """

    def __init__(self, hook: DbApiHook, name: str, sql: str, parameters: Parameters | None) -> None:
        self._hook = hook
        self._name = name
        self._sql = sql
        self._parameters = parameters

    def __iter__(self) -> Iterator[SourceRow]:
        what = f"sql: the database of connection {self._name!r} did not run the query"
        with without_row_data(what, hidden=_values(self._parameters)), streaming_cursor(self._hook) as cursor:
            self._run(cursor)
            rows = cursor.fetchmany(_BATCH)
            # Cursors on a server may not know their columns before.
            names = _names(cursor.description)
            while rows:
                for row in rows:
                    yield dict(zip(names, _plain(row), strict=True))
                rows = cursor.fetchmany(_BATCH)

    def _run(self, cursor: Any) -> None:
        if not self._parameters:
            # Without values, a % in the query is just that.
            cursor.execute(self._sql)
            return
        values = self._parameters if isinstance(self._parameters, Mapping) else tuple(self._parameters)
        try:
            cursor.execute(self._sql, values)
        except (TypeError, ValueError, LookupError) as error:
            raise ConfigurationError(
                f"parameters: they do not go with the placeholders of the query ({type(error).__name__})."
            ) from None


def _names(description: Sequence[Sequence[Any]] | None) -> list[str]:
    """Return what the columns of a query are called.

    :raises ConfigurationError: when it has none, or two of one name.
    """
    names = [str(column[0]) for column in description or ()]
    if not names:
        raise ConfigurationError("sql: returns no columns. Give a query, such as SELECT ... FROM ...")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ConfigurationError(
            f"sql: returns more than one column {', '.join(map(repr, twice))}. Name each differently with AS."
        )
    return names


def _values(parameters: Parameters | None) -> Iterator[object]:
    """Yield all values among parameters, those in lists included."""
    for value in (parameters.values() if isinstance(parameters, Mapping) else parameters) or ():
        yield from value if isinstance(value, list | tuple) else (value,)


def _number(value: Decimal) -> Decimal | None:
    return None if value.is_nan() else value


# Types of databases whose values a file would hold in another form, or has no form for.
_FORMS: Mapping[type, Callable[[Any], Any]] = {uuid.UUID: str, memoryview: bytes, Decimal: _number}


def _plain(row: Iterable[Any]) -> list[Any]:
    """Return a row's values as rows of a file hold them, where they have such a form."""
    return [value if (form := _FORMS.get(type(value))) is None else form(value) for value in row]
