"""The flat form of a subscriber: which columns there are, and of which type.

They are the same for every flat output, be it CSV, Parquet or a table, and fixed when an export begins.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.jobs.cells import Batch, CellValue

log = logging.getLogger(__name__)

FIELD_PREFIX = "fields."
OTHER_FIELDS = "other_fields"

Values = Callable[[Batch], Sequence[CellValue]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a flat output.

    :param name: its name in the output.
    :param source: what it is called where nothing is renamed: a standard column's name, or ``fields.<name>``.
    :param type: ``text``, ``number`` (a float), ``datetime`` (in UTC) or ``list`` (of texts).
    :param values: takes its values out of subscribers.
    """

    name: str
    source: str
    type: str
    values: Values

    @property
    def field(self) -> str | None:
        """The custom field it holds, if it holds one."""
        return self.source.removeprefix(FIELD_PREFIX) if self.source.startswith(FIELD_PREFIX) else None

    def stored(self) -> dict[str, str]:
        """Return what :func:`columns_from` makes it from again."""
        return {"name": self.name, "source": self.source, "type": self.type}


def export_columns(fields: Sequence[Field], wanted: Sequence[str] | Mapping[str, str] | None) -> tuple[Column, ...]:
    """Return the columns of an export, in order.

    :param fields: the account's custom fields; each is a column ``fields.<name>``.
    :param wanted: names to pick, in order, or name -> name in the output; None takes all.
    :raises ConfigurationError: when a name is none of them, or two columns would get the same name, or one none.
    """
    every = {column.source: column.type for column in STANDARD_COLUMNS}
    every |= {FIELD_PREFIX + field.name: _FIELD_TYPES[field.type] for field in fields}
    if wanted is None:
        wanted = tuple(every)
    names = wanted if isinstance(wanted, Mapping) else {name: name for name in wanted}
    unknown = [name for name in names if name not in every]
    if unknown:
        raise ConfigurationError(f"columns: the account has no {', '.join(unknown)}. There are: {', '.join(every)}.")
    if not names or len(set(names.values())) < len(names):
        raise ConfigurationError("columns: name at least one column, and each name in the file only once.")
    if not all(isinstance(name, str) and name for name in names.values()):
        raise ConfigurationError("columns: each name in the file must be a text, and not an empty one.")
    return _columns((name, source, every[source]) for source, name in names.items())


def columns_from(stored: Iterable[Mapping[str, str]]) -> tuple[Column, ...]:
    """Return the columns an export began with, whatever fields its account has by now.

    :param stored: what :meth:`Column.stored` gave.
    :raises ValueError: when there is something else among it.
    """
    kept = [(each.get("name", ""), each.get("source", ""), each.get("type", "")) for each in stored]
    standard = {column.source: column.type for column in STANDARD_COLUMNS}
    for name, source, type in kept:
        is_field = source.startswith(FIELD_PREFIX) and type in _FIELD_TYPES.values()
        if not name or not (is_field or standard.get(source) == type):
            raise ValueError(f"{source or name!r} of type {type!r} is no column of an export")
    return _columns(kept)


def flat_columns(
    columns: Sequence[Column], subscribers: Sequence[Subscriber], left_out: Counter[str] | None = None
) -> list[Sequence[CellValue]]:
    """Return what stands in the columns, one list a column.

    :param left_out: counts, by column, the values that no column holds because ``other_fields`` is not among them;
        to be given to :func:`warn_of_left_out` at the end.
    """
    batch = Batch(subscribers)
    if left_out is not None and all(column.source != OTHER_FIELDS for column in columns):
        for column in columns:
            if column.field is not None and (unfit := batch.unfit(column.field, column.type)):
                left_out[column.name] += len(unfit)
    return [column.values(batch) for column in columns]


def warn_of_left_out(left_out: Counter[str]) -> None:
    """Say in the log that values are not in the output, if there are any."""
    if left_out:
        log.warning(
            "%d values are not of their column's type and not in the output (%s). Name %s in columns to keep them.",
            left_out.total(),
            ", ".join(f"{name}: {count}" for name, count in left_out.most_common()),
            OTHER_FIELDS,
        )


def _columns(kept: Iterable[tuple[str, str, str]]) -> tuple[Column, ...]:
    """Return columns from their names, sources and types."""
    kept = list(kept)
    fields = {source.removeprefix(FIELD_PREFIX): type for _, source, type in kept if source.startswith(FIELD_PREFIX)}
    return tuple(Column(name, source, type, _values(source, type, fields)) for name, source, type in kept)


def _values(source: str, type: str, fields: Mapping[str, str]) -> Values:
    """Return what takes a column's values out of subscribers.

    :param fields: custom fields that have a column of their own -> its type.
    """
    if source == OTHER_FIELDS:
        return lambda batch: batch.others(fields)
    if source.startswith(FIELD_PREFIX):
        field = source.removeprefix(FIELD_PREFIX)
        return lambda batch: batch.field(field, type)
    if source in _CONSENTS_OF:
        of = attrgetter(_CONSENTS_OF[source])
        return lambda batch: [_CONSENT_TEXTS[of(each)] for each in batch.subscribers]
    attribute = attrgetter(source)
    return lambda batch: list(map(attribute, batch.subscribers))


_FIELD_TYPES = {FieldType.TEXT: "text", FieldType.NUMBER: "number", FieldType.DATETIME: "datetime"}

_CONSENTS_OF = {"status": "consent", "transactional_status": "transactional_consent"}
_CONSENT_TEXTS: Mapping[Consent | None, str | None] = {None: None, **{each: each.value for each in Consent}}

STANDARD_COLUMNS = _columns(
    (name, name, type)
    for name, type in {
        "id": "text",
        "email": "text",
        "firstname": "text",
        "lastname": "text",
        "phone": "text",
        "status": "text",
        "transactional_status": "text",
        "created": "datetime",
        "unsubscribed_at": "datetime",
        "bounced_at": "datetime",
        "location": "text",
        "ip_address": "text",
        "source": "text",
        "groups": "list",
        OTHER_FIELDS: "text",
    }.items()
)
