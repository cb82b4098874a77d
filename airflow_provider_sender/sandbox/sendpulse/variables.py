"""Variables: what a list knows of its members beyond the address.

What was stored on a list comes first. Beneath it lies what the account knows: the name, the phone number and the
custom fields, each as a variable of every list.
"""

from __future__ import annotations

import json
import re

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.fields import field_id
from airflow_provider_sender.sandbox.account.lists import Entry
from airflow_provider_sender.sandbox.account.records import Field, FieldType, Group
from airflow_provider_sender.sandbox.sendpulse.replies import refused

NAME, PHONE = "name", "Phone"
_TYPES = {FieldType.TEXT: "string", FieldType.NUMBER: "number", FieldType.DATETIME: "date"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def types_of(account: Account, group: Group) -> dict[str, str]:
    """The types of a list's variables, by name."""
    own = {field.title: _TYPES[FieldType(field.type)] for field in account.fields.all()}
    return {NAME: "string", PHONE: "string", **own, **account.lists.variables(group)}


def values_of(fields: list[Field], entry: Entry) -> dict[str, Json]:
    """The values of one member's variables, by name.

    :param fields: the account's custom fields.
    """
    person = entry.subscriber
    known: dict[str, Json] = {}
    name = " ".join(part for part in (person.firstname, person.lastname) if part)
    if name:
        known[NAME] = name
    if person.phone:
        known[PHONE] = digits(person.phone)
    stored: dict[str, Json] = json.loads(person.field_values)
    for field in fields:
        value = stored.get(field_id(field))
        if value is not None:
            is_day = field.type == FieldType.DATETIME and isinstance(value, str)
            known[field.title] = str(value)[:10] if is_day else value
    return {name: value for name, value in {**known, **entry.values}.items() if value is not None}


def phone_of(values: dict[str, Json]) -> int | str:
    """The phone number as the service writes it: a number, or an empty string."""
    text = digits(str(values.get(PHONE, "")))
    return int(text) if text else ""


def digits(phone: str) -> str:
    """The digits of a phone number."""
    return "".join(character for character in phone if character.isascii() and character.isdigit())


def checked(account: Account, group: Group, given: dict[str, Json], types: dict[str, str]) -> dict[str, Json]:
    """Values a list can store; the list learns the names it did not know.

    :param types: the list's variables so far, added to here.
    :raises Refused: for a value that is neither text nor number, or no date where the list has dates.
    """
    new: dict[str, str] = {}
    for name, value in given.items():
        if not name or isinstance(value, bool | dict | list):
            raise refused(299)
        if types.get(name) == "date" and value not in (None, "") and not _DAY.fullmatch(str(value)):
            raise refused(299, message="Invalid variable: dates have the format YYYY-MM-DD")
        if name not in types and value is not None:
            new[name] = kind_of(value)
    if new:
        account.lists.declare(group, new)
        types.update(new)
    return given


def kind_of(value: Json) -> str:
    """The type a list gives a variable it sees for the first time."""
    if isinstance(value, int | float):
        return "number"
    return "date" if isinstance(value, str) and _DAY.fullmatch(value) else "string"
