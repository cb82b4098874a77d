"""Reading what a client sent: paging, flags, bodies."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.sendpulse.replies import invalid, refused
from airflow_provider_sender.sandbox.wire import Call

Element = TypeVar("Element")

LARGEST_PAGE = 100
MOST_ADDRESSES = 100
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def is_address(value: object) -> bool:
    """Whether a value looks like an e-mail address."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def page(call: Call) -> tuple[int, int]:
    """The page that is asked for, as limit and offset.

    :raises Refused: when the limit is not from 1 to 100, or the offset no number.
    """
    query = call.query
    limit, offset = _whole(query, "limit", LARGEST_PAGE), _whole(query, "offset", 0)
    if limit < 1:
        raise invalid("The limit must be at least 1.")
    if limit > LARGEST_PAGE:
        raise invalid(f"The limit may not be greater than {LARGEST_PAGE}.")
    return limit, offset


def page_of(call: Call, elements: Sequence[Element]) -> Sequence[Element]:
    """The elements of the page that is asked for."""
    limit, offset = page(call)
    return elements[offset : offset + limit]


def is_descending(call: Call, default: str = "asc") -> bool:
    """Whether the list is asked for backwards."""
    order = call.query.get("order", default)
    if order not in ("asc", "desc"):
        raise invalid("The selected order is invalid.")
    return order == "desc"


def flag(call: Call, name: str) -> bool:
    """Whether a parameter of the query is set."""
    return call.query.get(name, "").lower() in ("1", "true")


def many(call: Call, name: str) -> list[str]:
    """All values of a parameter that may be repeated: ``name``, ``name[]`` or ``name[0]``."""
    spelling = re.compile(re.escape(name) + r"(\[\d*\])?")
    return [value for key, value in parse_qsl(call.query_string) if spelling.fullmatch(key)]


def _whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"The {name} must be an integer.")
    return int(text)


def text(body: dict[str, Json], name: str) -> str | None:
    """A string of a body; empty ones count as missing."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid(f"The {name} must be a string.")
    return value


def required(body: dict[str, Json], name: str, code: int | None = None) -> str:
    """A string that has to be there.

    :param code: the error's code when it is not; the general one where left out.
    """
    found = text(body, name)
    if found is None:
        raise invalid(f"The {name} field is required.") if code is None else refused(code)
    return found


def truth(body: dict[str, Json], name: str, default: bool = False) -> bool:
    """A yes or no of a body."""
    value = body.get(name, default)
    if value not in (True, False, 0, 1):
        raise invalid(f"The {name} field must be true or false.")
    return bool(value)


def whole(value: Json, name: str) -> int:
    """A number that may be written as a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"The {name} must be an integer.")
    return value


def addresses(body: dict[str, Json], name: str = "emails", most: int | None = MOST_ADDRESSES) -> list[str]:
    """The e-mail addresses of a body."""
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise invalid(f"The {name} field is required.")
    if most is not None and len(found) > most:
        raise invalid(f"The {name} may not have more than {most} items.")
    return [str(value) for value in found]


def decoded(body: dict[str, Json], name: str) -> str | None:
    """A text that has to come as Base64."""
    given = text(body, name)
    if given is None:
        return None
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid(f"The {name} must be encoded in Base64.") from None


def day(query: dict[str, str], name: str) -> str | None:
    """A date of the query, ``YYYY-MM-DD`` with or without a time."""
    value = query.get(name)
    if value is None:
        return None
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(value, form).strftime("%Y-%m-%d")
        except ValueError:
            continue
    raise invalid(f"The {name} does not match the format Y-m-d.")
