"""What stands in the columns of a flat file: values of a column's type, taken out of many subscribers at once.

A custom field holds whatever the service returned: a text in a number field, a number no float can hold, a date nobody
can read. Such a value has no place in its column, which has one type from the first row to the last. It is empty there,
and the value is kept beside it, with all that have no column at all, in ``other_fields``. So nothing is lost, and
nothing a service changes between two pages stops an export.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from airflow_provider_sender.client.subscribers import Subscriber
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import FieldValue

CellValue = str | float | datetime | tuple[str, ...] | None

# Beyond this a float skips whole numbers.
_TWO_TO_53 = 1 << 53

# Services return numbers as texts, too. "007" is none: a post code or a phone number must stay what it is.
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")

# A number of so few characters is the same again after it was a float; of a longer one that must be found out. Of one
# longer still nobody could say what it is for.
_ALWAYS_EXACT = 15
_LONGEST_NUMBER = 400

_NOTHING = (None, "")


class Batch:
    """Some subscribers, out of whom columns are taken one after the other.

    :param subscribers: who.
    """

    def __init__(self, subscribers: Sequence[Subscriber]) -> None:
        self.subscribers = subscribers
        self._fields = [subscriber.fields for subscriber in subscribers]
        self._taken: dict[tuple[str, str], Sequence[CellValue]] = {}

    def field(self, name: str, type: str) -> Sequence[CellValue]:
        """Return a custom field's values as a column of a type holds them, None for those it cannot hold.

        :param type: ``text``, which holds anything, ``number`` or ``datetime``.
        """
        taken = self._taken.get((name, type))
        if taken is None:
            values = [fields.get(name) for fields in self._fields]
            taken = self._taken[name, type] = _TAKEN_AS[type](values)
        return taken

    def unfit(self, name: str, type: str) -> list[int]:
        """Return the places of those whose value of a custom field a column of a type cannot hold."""
        cells = self.field(name, type)
        fields = self._fields
        return [at for at, cell in enumerate(cells) if cell is None and fields[at].get(name) not in _NOTHING]

    def others(self, columns: Mapping[str, str]) -> list[str | None]:
        """Return what of the custom fields stands in none of some columns: a JSON object, None where there is nothing.

        :param columns: custom field -> type of its column.
        """
        unfit: dict[int, set[str]] = {}
        for name, type in columns.items():
            for place in self.unfit(name, type):
                unfit.setdefault(place, set()).add(name)
        names = columns.keys()
        found: list[str | None] = [None] * len(self._fields)
        if not unfit and set().union(*self._fields) <= names:
            return found
        for place, fields in enumerate(self._fields):
            if place not in unfit and fields.keys() <= names:
                continue
            without_place = (fields.keys() - names) | unfit.get(place, set())
            left = {name: value for name, value in fields.items() if name in without_place and value not in _NOTHING}
            found[place] = msgspec.json.encode(left).decode() if left else None
        return found


def _texts(values: Sequence[FieldValue]) -> list[str | None]:
    return [value if value is None or type(value) is str else msgspec.json.encode(value).decode() for value in values]


def _numbers(values: Sequence[FieldValue]) -> list[float | None]:
    return [value if type(value) is float else _number(value) for value in values]


def _number(value: FieldValue) -> float | None:
    if type(value) is int:
        return float(value) if -_TWO_TO_53 <= value <= _TWO_TO_53 else None
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER or not _PLAIN_NUMBER.fullmatch(value):
        return None
    number = float(value)
    return number if len(value) <= _ALWAYS_EXACT or Decimal(value) == Decimal(repr(number)) else None


def _datetimes(values: Sequence[FieldValue]) -> list[datetime | None]:
    return [moment(value) if isinstance(value, str) else None for value in values]


_TAKEN_AS: Mapping[str, Callable[[Sequence[FieldValue]], Sequence[CellValue]]] = {
    "text": _texts,
    "number": _numbers,
    "datetime": _datetimes,
}
