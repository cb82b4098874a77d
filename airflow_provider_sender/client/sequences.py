"""Several texts, or several objects: what looks like several and is one is refused before a call is made of it.

A text is a sequence of its letters, and an object one of its keys, so a call would be made with each of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.values import Json


def texts_of(values: Iterable[str], parameter: str) -> list[str]:
    """Return the texts a caller gave.

    :raises ConfigurationError: naming the parameter, when they are something else; never what they are.
    """
    several = _several(values, parameter, "texts")
    if not all(isinstance(each, str) for each in several):
        raise ConfigurationError(f"{parameter}: must be a list of texts, and one in it is not a text.")
    return several


def objects_of(values: Iterable[Mapping[str, Json]], parameter: str) -> list[dict[str, Json]]:
    """Return the objects a caller gave.

    :raises ConfigurationError: naming the parameter, when they are something else; never what they are.
    """
    several = _several(values, parameter, "objects")
    if not all(isinstance(each, Mapping) for each in several):
        raise ConfigurationError(f"{parameter}: must be a list of objects, and one in it is not an object.")
    return [dict(each) for each in several]


def _several(values: Iterable[Json], parameter: str, kind: str) -> list[Json]:
    if isinstance(values, str | bytes | bytearray | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{parameter}: must be a list of {kind}, not a single {type(values).__name__}.")
    return list(values)
