"""The flat form of a subscriber: which columns there are, of which type, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.records import Field, FieldType, FieldValue, Subscriber

CellValue = FieldValue | datetime | tuple[str, ...]

FIELD_PREFIX = "fields."


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a flat export.

    :param name: its name in the file.
    :param type: ``text``, ``number``, ``datetime`` (UTC) or ``list`` (of texts).
    :param value: takes its value out of a subscriber.
    """

    name: str
    type: str
    value: Callable[[Subscriber], CellValue]


STANDARD_COLUMNS = (
    Column("id", "text", lambda subscriber: subscriber.id),
    Column("email", "text", lambda subscriber: subscriber.email),
    Column("firstname", "text", lambda subscriber: subscriber.firstname),
    Column("lastname", "text", lambda subscriber: subscriber.lastname),
    Column("phone", "text", lambda subscriber: subscriber.phone),
    Column("status", "text", lambda subscriber: subscriber.consent.value),
    Column("transactional_status", "text", lambda subscriber: subscriber.transactional_consent),
    Column("created", "datetime", lambda subscriber: subscriber.created),
    Column("unsubscribed_at", "datetime", lambda subscriber: subscriber.unsubscribed_at),
    Column("bounced_at", "datetime", lambda subscriber: subscriber.bounced_at),
    Column("location", "text", lambda subscriber: subscriber.location),
    Column("ip_address", "text", lambda subscriber: subscriber.ip_address),
    Column("source", "text", lambda subscriber: subscriber.source),
    Column("groups", "list", lambda subscriber: subscriber.groups),
)


def export_columns(fields: Sequence[Field], wanted: Sequence[str] | Mapping[str, str] | None) -> tuple[Column, ...]:
    """Return the columns of an export, in order.

    :param fields: the account's custom fields; each is a column ``fields.<name>``.
    :param wanted: names to pick, in order, or name -> name in the file; None takes all.
    :raises ConfigurationError: when a name is none of them, or two columns would get the same name.
    """
    every = {column.name: column for column in (*STANDARD_COLUMNS, *map(_field_column, fields))}
    if wanted is None:
        return tuple(every.values())
    names = wanted if isinstance(wanted, Mapping) else {name: name for name in wanted}
    unknown = [name for name in names if name not in every]
    if unknown:
        raise ConfigurationError(f"columns: the account has no {', '.join(unknown)}. There are: {', '.join(every)}.")
    if not names or len(set(names.values())) < len(names):
        raise ConfigurationError("columns: name at least one column, and each name in the file only once.")
    return tuple(Column(name, every[known].type, every[known].value) for known, name in names.items())


def flat_rows(columns: Sequence[Column], subscribers: Iterable[Subscriber]) -> Iterator[tuple[CellValue, ...]]:
    """Yield what stands in the columns, one tuple a subscriber."""
    for subscriber in subscribers:
        yield tuple(column.value(subscriber) for column in columns)


def csv_cell(value: CellValue) -> str:
    """Return a value as a CSV file holds it: times as ISO-8601 in UTC, lists as JSON, nothing as nothing."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case tuple():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def _field_column(field: Field) -> Column:
    def value(subscriber: Subscriber) -> CellValue:
        return subscriber.fields.get(field.name)

    return Column(FIELD_PREFIX + field.name, _COLUMN_TYPES[field.type], value)


_COLUMN_TYPES = {FieldType.TEXT: "text", FieldType.NUMBER: "number", FieldType.DATETIME: "datetime"}
