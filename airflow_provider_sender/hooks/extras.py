"""A connection's extras: those a service knows are checked and used, a slip in a name is refused, the rest is named.

A setting that is silently left out is worse than an error: a cap that does not hold, a campaign hours early.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

# What older forms of Airflow put before the name of a field.
_FORM_PREFIX = re.compile(r"extra__[a-z]+__")

# From here on two names are so alike that one is a slip for the other.
_ALIKE = 0.75


@dataclass(frozen=True)
class Limits:
    """What makes sense for an extra that is a number."""

    lowest: float
    highest: float
    is_whole: bool = True


_DAY = 86_400

NUMBERS = {
    "timeout": Limits(0.1, _DAY, is_whole=False),
    "max_retries": Limits(0, 1_000),
    "requests_per_minute": Limits(1, 1_000_000),
    "reserve": Limits(0, 1_000_000),
    "max_wait": Limits(0, 7 * _DAY, is_whole=False),
    "settle_time": Limits(0, _DAY, is_whole=False),
    "connections": Limits(1, 100),
}


def extras_of_type(conn_type: str) -> frozenset[str]:
    """Return the names of the extras a connection type has: the fields of its form."""
    (described,) = (known for known in CONNECTION_TYPES if known["connection-type"] == conn_type)
    return frozenset(described["conn-fields"])


def extras_in(connection: Connection, extra: object, known: Collection[str]) -> dict[str, Json]:
    """Return a connection's extras that are known and not empty, checked: numbers as numbers, texts without blanks.

    :param extra: the connection's extra, decoded.
    :param known: the names of those the service knows.
    :raises ConfigurationError: naming the extra that cannot work, and never its value.
    """
    given = _object(connection, extra)
    for name in given.keys() - set(known):
        _refuse_slip(connection, name, known)
    return {
        name: _checked(connection, name, value)
        for name, value in given.items()
        if name in known and not _is_empty(value)
    }


def _object(connection: Connection, extra: object) -> Mapping[str, Json]:
    """Return the extra as an object; Airflow takes one it cannot decode for an empty one, and says so in a log."""
    is_lost = not extra and (connection.extra or "").strip() and not _is_json(connection.extra or "")
    if extra is None and not is_lost:
        return {}
    if is_lost or not isinstance(extra, Mapping):
        raise ConfigurationError(
            f'Connection {connection.conn_id!r}, extra: must be a JSON object, as {{"timeout": 30}}.'
        )
    return extra


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _refuse_slip(connection: Connection, name: str, known: Collection[str]) -> None:
    """Refuse an unknown extra that is meant to be a known one; another is left to whoever put it there."""
    meant = get_close_matches(_usual_form(name), sorted(known), n=1, cutoff=_ALIKE)
    if meant:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, extra {name}: is not known. Did you mean {meant[0]}?"
        )
    log.warning(
        "Connection %r, extra %s: is not used. A connection of type %s takes %s.",
        connection.conn_id,
        name,
        connection.conn_type,
        ", ".join(sorted(known)),
    )


def _usual_form(name: str) -> str:
    """Return a name as extras are written: requestsPerMinute as requests_per_minute."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _FORM_PREFIX.sub("", name))
    return re.sub(r"[\s-]+", "_", words.strip()).lower()


def _checked(connection: Connection, name: str, value: Json) -> Json:
    limits = NUMBERS.get(name)
    try:
        return _text(value) if limits is None else _number(value, limits)
    except ValueError as error:
        raise ConfigurationError(f"Connection {connection.conn_id!r}, extra {name}: must be {error}.") from None


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text, and is {_kind(value)}")
    return value.strip()


def _number(value: Json, limits: Limits) -> float:
    """Return a number that was given as one or as a text.

    :raises ValueError: when it is not one, or makes no sense; the text goes on after "must be".
    """
    wanted = "a whole number" if limits.is_whole else "a number"
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    else:
        raise ValueError(f"{wanted}, and is {_kind(value)}")
    if not math.isfinite(number):
        raise ValueError(f"{wanted}, and is infinite or not a number")
    if limits.is_whole and number != int(number):
        raise ValueError(f"{wanted}, and is a fraction")
    if number < limits.lowest:
        raise ValueError(f"at least {limits.lowest}")
    if number > limits.highest:
        raise ValueError(f"at most {limits.highest}")
    return int(number) if limits.is_whole else number


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = ((str, "another text"), (int | float, "a number"), (Mapping, "an object"), (list | tuple, "a list"))
    return next((kind for of, kind in kinds if isinstance(value, of)), f"a {type(value).__name__}")
