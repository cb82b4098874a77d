"""From a source's row to the change it asks for: renamed, checked, typed; or why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from math import isfinite
from numbers import Number
from typing import Any

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, SubscriberChange
from airflow_provider_sender.client.values import FieldValue
from airflow_provider_sender.jobs.columns import FIELD_PREFIX, STANDARD_COLUMNS
from airflow_provider_sender.jobs.formats import SourceRow

# Not the whole of RFC 5322: one @, something on both sides, a dot in the domain, nothing that breaks a header. Whether
# the address exists only the service can tell.
_ADDRESS = re.compile(r"[^\s@,;<>()\"]+@[^\s@,;<>()\"]+\.[^\s@.,;<>()\"]+")
_LONGEST_ADDRESS = 254

_PHONE = re.compile(r"(\+|00)[\d\s().-]{5,25}")

# Beyond this a whole number does not survive every JSON reader.
_TWO_TO_63 = 1 << 63

_WRITABLE = ("email", "phone", "id", "firstname", "lastname", "status", "groups")

# What an export's file holds and no write can set: passed over, so that an export can be edited and brought back. (Only
# people whose status no write can ask for, unconfirmed ones, do not come back: as active they would be mailed.)
_READ_ONLY = frozenset(column.name for column in STANDARD_COLUMNS) - frozenset(_WRITABLE)

_STATUSES = {
    "active": Consent.ACTIVE,
    "unsubscribed": Consent.UNSUBSCRIBED,
    "bounced": Consent.BOUNCED,
    "complained": Consent.COMPLAINED,
    "spam_reported": Consent.COMPLAINED,
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a row is not sent, or was not accepted.

    :param field: the column or field that is wrong, if one is.
    :param reason: what is wrong with it, without its value.
    """

    field: str | None
    reason: str


class RowMapping:
    """Turns rows into changes.

    :param columns: source column -> what it is here (``firstname``, ``fields.plan`` ...), or None to leave it out.
        Columns not named keep their names.
    :param fields: the account's custom fields.
    :param group_ids: groups every row is put into.
    :param ignore_others: pass over columns that have no place in the account, but for those ``columns`` gives one.
    :param makes_fields: whether the service keeps fields nobody made before, so that every column has a place.
    """

    def __init__(
        self,
        columns: Mapping[str, str | None] | None,
        fields: Sequence[Field],
        group_ids: Sequence[str] = (),
        *,
        ignore_others: bool = False,
        makes_fields: bool = False,
    ) -> None:
        self._ignores_others = ignore_others
        self._makes_fields = makes_fields
        self._columns = dict(columns or {})
        self._fields = {field.name: field for field in fields}
        self._names = _names_of(fields)
        self._group_ids = tuple(dict.fromkeys(group_ids))
        self._targets: dict[object, str | Field | None] = {}
        for name in self._columns:
            self._target(name)

    def change(self, row: SourceRow) -> SubscriberChange | Rejected:
        """Return what a row asks for, or why it cannot be sent.

        :raises ConfigurationError: when the row has a column the account has no place for.
        """
        try:
            return self._change(row)
        except _CannotBe as error:
            return Rejected(error.field, error.reason)

    def _change(self, row: SourceRow) -> SubscriberChange:
        values: dict[str, Any] = {}
        fields: dict[str, FieldValue] = {}
        targets = self._targets
        for name, value in _flat(row) if "fields" in row else row.items():
            target = targets[name] if name in targets else self._target(str(name))
            if target is None or value is None or _is_nan(value):
                continue
            if isinstance(target, str):
                values[target] = value
            else:
                fields[target.name] = _field_value(target, value)
        email = _email(values.get("email"))
        phone = _phone(values.get("phone"))
        # Beside an id, a phone is something to be set.
        key = email.lower() if email else _text("id", values.get("id")) or phone
        if not key:
            raise _CannotBe("email", "missing")
        return SubscriberChange(
            key=key,
            email=email,
            phone=phone,
            firstname=_text("firstname", values.get("firstname")),
            lastname=_text("lastname", values.get("lastname")),
            consent=_status(values.get("status")),
            groups=self._groups(values.get("groups")),
            fields=fields,
        )

    def _groups(self, value: object) -> tuple[str, ...]:
        return self._group_ids if value is None else tuple(dict.fromkeys((*_groups(value), *self._group_ids)))

    def _target(self, name: str) -> str | Field | None:
        """Return what a source column is here, a standard column or a custom field; None when it is left out."""
        if name not in self._targets:
            target = self._columns.get(name, name)
            self._targets[name] = self._place(name, target) if target is not None else None
        return self._targets[name]

    def _place(self, name: str, target: str) -> str | Field | None:
        if target in _WRITABLE:
            return target
        if target in _READ_ONLY and name not in self._columns:
            return None
        name_here = target.removeprefix(FIELD_PREFIX)
        field = name_here if name_here in self._fields else self._names.get(name_here.lower())
        if field is not None:
            return self._fields[field]
        if self._ignores_others and name not in self._columns:
            return None
        if self._makes_fields and name_here.strip():
            return Field(name_here)
        known = ", ".join((*_WRITABLE, *(FIELD_PREFIX + each for each in self._fields)))
        asked = repr(name) if target == name else f"{name!r}, mapped to {target!r},"
        raise ConfigurationError(
            f"columns: {asked} has no place in the account. Map it to one of {known}; leave it out with "
            f"columns={{{name!r}: None}}; or create the custom field first."
        )


def is_address(text: str) -> bool:
    """Tell whether a text has the form of an e-mail address."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None and ".." not in text


class _CannotBe(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def _names_of(fields: Sequence[Field]) -> dict[str, str]:
    """Return what a column may be called, in lower case -> the field it is: its merge tag's name, or better its own."""
    by_tag = {field.tag.strip("{}$").lower(): field.name for field in fields if field.tag}
    return by_tag | {field.name.lower(): field.name for field in fields}


def _flat(row: SourceRow) -> list[tuple[str, Any]]:
    """Return a row's columns, those of a nested ``fields`` object as ``fields.<name>``."""
    flat: list[tuple[str, Any]] = []
    for name, value in row.items():
        if name == "fields" and (value is None or isinstance(value, Mapping)):
            flat += [(FIELD_PREFIX + str(field), inner) for field, inner in (value or {}).items()]
        else:
            flat.append((str(name), value))
    return flat


def _email(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _CannotBe("email", f"is a {type(value).__name__}, not a text")
    address = _unicode("email", value.strip())
    if not address:
        return None
    if not is_address(address):
        raise _CannotBe("email", "malformed address")
    return address


def _phone(value: object) -> str | None:
    phone = _text("phone", value)
    if not phone:
        return None
    if not _PHONE.fullmatch(phone):
        raise _CannotBe("phone", "malformed number; write it with its country code, +370 or 00370")
    digits = "".join(character for character in phone if character.isdigit())
    return "+" + (digits if phone.startswith("+") else digits.removeprefix("00"))


def _text(field: str, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _CannotBe(field, f"is a {type(value).__name__}, not a text")
    return _unicode(field, str(value).strip())


def _unicode(field: str, text: str) -> str:
    """Return a text that can be sent; half a surrogate pair, as a wrong decoding leaves it, cannot."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _CannotBe(field, "holds characters that are no Unicode") from None
    return text


def _status(value: object) -> Consent | None:
    if value in (None, ""):
        return None
    status = _STATUSES.get(str(value).strip().lower())
    if status is None:
        raise _CannotBe("status", f"unknown status; known are {', '.join(_STATUSES)}")
    return status


def _groups(value: object) -> list[str]:
    """Return group ids from a list, or from the JSON list a CSV export writes."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(_unicode("groups", value), type=list[str])
        except (msgspec.DecodeError, RecursionError):
            raise _CannotBe("groups", "is no JSON list of group ids") from None
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise _CannotBe("groups", "is no list of group ids")
    return [_unicode("groups", each) for each in value]


def _field_value(field: Field, value: object) -> FieldValue:
    plain = value if type(value) is str and value.isascii() else _plain(field, value)
    if field.type is FieldType.TEXT or plain == "":
        return plain
    if field.type is FieldType.NUMBER:
        if not _is_number(plain):
            raise _cannot_be(field, "is not a number")
        return plain
    try:
        return _written_anew(str(plain))
    except ValueError:
        raise _cannot_be(field, "is no date or time; write it as YYYY-MM-DD HH:MM:SS") from None


def _plain(field: Field, value: object) -> str | int | float:
    """Return a value as JSON can carry it."""
    if isinstance(value, datetime):
        return _written(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _unicode(FIELD_PREFIX + field.name, str(value))
    if isinstance(value, float):
        return float(value) if isfinite(value) else str(value)
    if isinstance(value, int):
        return int(value) if -_TWO_TO_63 <= value < _TWO_TO_63 else str(value)
    # A Decimal from a database is a number, too.
    if isinstance(value, date | time | Number):
        return str(value)
    raise _cannot_be(field, f"is a {type(value).__name__}; a custom field holds a text, a number or a time")


def _cannot_be(field: Field, reason: str) -> _CannotBe:
    return _CannotBe(FIELD_PREFIX + field.name, reason)


@lru_cache(maxsize=4096)  # the same days come again and again
def _written_anew(text: str) -> str:
    return _written(datetime.fromisoformat(text))


def _written(moment: datetime) -> str:
    """Return a time as the service writes one; of one with a zone, the moment in UTC."""
    with suppress(OverflowError):  # on the first and the last day there are
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.isoformat(sep=" ", timespec="seconds")[:19]


def _is_nan(value: object) -> bool:
    """Tell whether a value is how data frames say nothing."""
    return isinstance(value, float) and value != value


def _is_number(value: str | int | float) -> bool:
    try:
        return isfinite(float(value))
    except (ValueError, OverflowError):
        return False
