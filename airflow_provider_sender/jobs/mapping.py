"""From a source's row to the change it asks for: renamed, checked, typed; or why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.records import Consent, Field, FieldType, FieldValue, SubscriberChange
from airflow_provider_sender.jobs.columns import FIELD_PREFIX, STANDARD_COLUMNS
from airflow_provider_sender.jobs.formats import SourceRow

# Not the whole of RFC 5322: one @, something on both sides, a dot in the domain, nothing that breaks a header. Whether
# the address exists only the service can tell.
_ADDRESS = re.compile(r"[^\s@,;<>()\"]+@[^\s@,;<>()\"]+\.[^\s@.,;<>()\"]+")
_LONGEST_ADDRESS = 254

_PHONE = re.compile(r"(\+|00)[\d\s().-]{5,25}")

_WRITABLE = ("email", "phone", "id", "firstname", "lastname", "status", "groups")

# What an export's file holds and no write can set: passed over, so that an export can be edited and brought back.
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
    """

    def __init__(
        self,
        columns: Mapping[str, str | None] | None,
        fields: Sequence[Field],
        group_ids: Sequence[str] = (),
    ) -> None:
        self._columns = dict(columns or {})
        self._fields = {field.name: field for field in fields}
        self._names = _names_of(fields)
        self._group_ids = tuple(group_ids)
        self._targets: dict[str, str | None] = {}
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
        for name, value in _flat(row):
            target = self._target(name)
            if target is None or value is None:
                continue
            if target.startswith(FIELD_PREFIX):
                field = self._fields[target.removeprefix(FIELD_PREFIX)]
                fields[field.name] = _field_value(field, value)
            else:
                values[target] = value
        email = _email(values.get("email"))
        phone = _phone(values.get("phone"))
        key = email.lower() if email else phone or _text("id", values.get("id"))
        if not key:
            raise _CannotBe("email", "missing")
        return SubscriberChange(
            key=key,
            email=email,
            phone=phone,
            firstname=_text("firstname", values.get("firstname")),
            lastname=_text("lastname", values.get("lastname")),
            consent=_status(values.get("status")),
            groups=tuple(dict.fromkeys((*_groups(values.get("groups")), *self._group_ids))),
            fields=fields,
        )

    def _target(self, name: str) -> str | None:
        """Return what a source column is here; None when it is left out."""
        if name not in self._targets:
            target = self._columns.get(name, name)
            self._targets[name] = self._place(name, target) if target is not None else None
        return self._targets[name]

    def _place(self, name: str, target: str) -> str | None:
        if target in _WRITABLE:
            return target
        if target in _READ_ONLY and name not in self._columns:
            return None
        field = self._names.get(target.removeprefix(FIELD_PREFIX).lower())
        if field is not None:
            return FIELD_PREFIX + field
        known = ", ".join((*_WRITABLE, *(FIELD_PREFIX + each for each in self._fields)))
        raise ConfigurationError(
            f"columns: {name!r} has no place in the account. Map it to one of {known}; leave it out with "
            f"columns={{{name!r}: None}}; or create the custom field first."
        )


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
        if name == "fields" and isinstance(value, Mapping):
            flat += [(FIELD_PREFIX + str(field), inner) for field, inner in value.items()]
        else:
            flat.append((str(name), value))
    return flat


def _email(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _CannotBe("email", f"is a {type(value).__name__}, not a text")
    address = value.strip()
    if not address:
        return None
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address) or ".." in address:
        raise _CannotBe("email", "malformed address")
    return address


def _phone(value: object) -> str | None:
    phone = _text("phone", value)
    if not phone:
        return None
    if not _PHONE.fullmatch(phone):
        raise _CannotBe("phone", "malformed number; write it with its country code, +370 or 00370")
    return phone


def _text(field: str, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _CannotBe(field, f"is a {type(value).__name__}, not a text")
    return str(value).strip()


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
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise _CannotBe("groups", "is no JSON list of group ids") from None
    if value is None:
        return []
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise _CannotBe("groups", "is no list of group ids")
    return list(value)


def _field_value(field: Field, value: object) -> FieldValue:
    name = FIELD_PREFIX + field.name
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "isoformat"):  # a date
        return str(value)
    if not isinstance(value, str | int | float) and not _is_number(value):
        raise _CannotBe(name, f"is a {type(value).__name__}; a custom field holds a text, a number or a time")
    if field.type is FieldType.NUMBER and value != "" and not _is_number(value):
        raise _CannotBe(name, "is not a number")
    if field.type is FieldType.DATETIME and value != "":
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            raise _CannotBe(name, "is no date or time; write it as YYYY-MM-DD HH:MM:SS") from None
    return value if isinstance(value, str | int | float) else str(value)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]  # a Decimal from a database is a number, too
    except (TypeError, ValueError):
        return False
    return True
