"""Reading answers loosely: values that should be of one type and come as another, and rows that may be unreadable."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from airflow_provider_sender.client.errors import ServiceFailureError
from airflow_provider_sender.client.values import FieldValue, Json

WireT = TypeVar("WireT")

# What should be a text and may come as something else.
Loose = str | int | float | bool | None


def text_from(value: Json) -> str | None:
    """Return a value as a text: the JSON of whatever is none."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def field_value_from(value: Json) -> FieldValue:
    """Return a value as a custom field can hold it: the JSON of a list or an object."""
    return value if isinstance(value, str | int | float | None) else text_from(value)


def row_from(decoder: msgspec.json.Decoder[WireT], row: bytes | msgspec.Raw, service: str) -> WireT:
    """Return a listing's row decoded.

    :param service: whose row it is.
    :raises ServiceFailureError: when it cannot be read as documented.
    """
    try:
        return decoder.decode(row)
    except msgspec.DecodeError as error:
        # What could not be decoded hangs on the error, and may be a person's.
        raise ServiceFailureError(f"A row of {service}'s cannot be read as documented ({error}).") from None
