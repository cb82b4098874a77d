"""What operators are given, checked: values as templates render them and tasks return them.

Each function takes a parameter's value and its name, and returns the value as the type it stands for. What cannot be
that is a ``ConfigurationError`` that names the parameter and says what to give instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.sdk import ObjectStoragePath

from airflow_provider_sender._compat import conf

if TYPE_CHECKING:
    from upath import UPath

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


def given(value: Any, parameter: str) -> Any:
    """Return a parameter's value.

    :raises ConfigurationError: when it is missing, or its template rendered to nothing.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if value is None or (isinstance(value, str) and value.strip() in ("", "None")):
        raise ConfigurationError(
            f"{parameter}: is empty. Give a value, or look at what its template renders to or its task returns."
        )
    return value


def text(value: Any, parameter: str) -> str | None:
    """Return a text that may be left out, but not render to nothing.

    :raises ConfigurationError: when it does.
    """
    return None if value is None else str(given(value, parameter))


def texts(values: Any, parameter: str) -> list[str]:
    """Return a list parameter's texts; nothing is an empty list.

    :raises ConfigurationError: when it is no list, or one of its values is empty.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if values is None:
        return []
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{parameter}: is a {type(values).__name__}, not a list of texts.")
    return [str(given(value, parameter)) for value in values]


def picked_columns(columns: Any) -> list[str] | Mapping[str, str] | None:
    """Return which columns are wanted: names in order, or name -> name in the output; None is all of them.

    :raises ConfigurationError: when it is neither a list nor a dictionary, or came out empty.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if columns is None:
        return None
    picked = columns if isinstance(columns, Mapping) else texts(columns, "columns")
    if not picked:
        raise ConfigurationError("columns: is empty. Name a column, or leave columns out to have all of them.")
    return picked


def one_of(choices: type[ChoiceT], value: Any, parameter: str) -> ChoiceT:
    """Return the choice a parameter names.

    :raises ConfigurationError: when it names none.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    try:
        return choices(value)
    except ValueError:
        known = " or ".join(repr(choice.value) for choice in choices)
        raise ConfigurationError(f"{parameter}: must be {known}; got {value!r}.") from None


def count(value: Any, parameter: str) -> int | None:
    """Return a whole number that may be left out.

    :raises ConfigurationError: when it is none.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if value is None:
        return None
    try:
        number = int(given(value, parameter))
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConfigurationError):
            raise
        number = -1
    # A limit that is cut off, as 0.9 to 0, would be none.
    if number < 0 or isinstance(value, bool) or (isinstance(value, float) and number != value):
        raise ConfigurationError(f"{parameter}: must be a whole number, 0 or more; got {value!r}.")
    return number


def share(value: Any, parameter: str) -> float | None:
    """Return a share that may be left out: 0.2 is a fifth.

    :raises ConfigurationError: when it is none.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if value is None:
        return None
    try:
        number = float(given(value, parameter))
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < math.inf:
        raise ConfigurationError(f"{parameter}: must be a share, as 0.2 for a fifth; got {value!r}.")
    return number


def seconds(value: float | timedelta, parameter: str, *, least: float = 0.0) -> float:
    """Return how many seconds a parameter means.

    :raises ConfigurationError: when it is no number, or too small.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number < math.inf:
        raise ConfigurationError(f"{parameter}: must be a number of seconds, {least:g} or more; got {value!r}.")
    return float(number)


def moment(value: Any, parameter: str) -> datetime:
    """Return the moment a parameter names, by an aware datetime or in ISO-8601.

    :raises ConfigurationError: when it is missing, no time, or has no time zone.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    given(value, parameter)
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        has_zone = found.utcoffset() is not None
        if has_zone:
            found.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter where it is out of the calendar in another zone
        raise ConfigurationError(f"{parameter}: is no ISO-8601 time. Write it as 2026-01-31T09:00:00+01:00.") from None
    if not has_zone:
        raise ConfigurationError(
            f"{parameter}: has no time zone, so it could mean several moments. Write it as 2026-01-31T09:00:00+01:00 "
            "or use an aware datetime."
        )
    return found


def storage_path(value: Any, parameter: str) -> UPath:
    """Return where a path parameter points: local, or on any storage Airflow has a connection to.

    :raises ConfigurationError: when it is missing or no path.
    """
    from airflow_provider_sender.client.errors import ConfigurationError
    from airflow_provider_sender.jobs.destination import set_permissions

    set_permissions(_file_permissions())
    path = given(value, parameter)
    try:
        # It stands for a UPath and has all of one, whether or not this Airflow derives it from one; some versions of it
        # cannot be made of another.
        return cast("UPath", path if isinstance(path, ObjectStoragePath) else ObjectStoragePath(path))
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise ConfigurationError(f"{parameter}: is no path this Airflow can open ({error}).") from error


def _file_permissions() -> int:
    """Return who may read new files, as Airflow's configuration says.

    :raises ConfigurationError: when that is not an octal number, or leaves out the owner.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    said = conf.get("sender", "file_permissions", fallback="600")
    try:
        permissions = int(said, base=8)
    except ValueError:
        permissions = 0
    if not (permissions & 0o600 == 0o600 and permissions <= 0o777):
        raise ConfigurationError(
            f"[sender] file_permissions is {said!r}. Write it as for chmod, so that the owner reads and writes: 640."
        )
    return permissions


def is_directory(value: Any, path: UPath, file_format: str | None) -> bool:
    """Tell whether an output path is a directory: by the ``/`` at its end.

    Path objects lose that. One is a directory, too, when it has no ending that would make it a file.

    :param value: the parameter's value, and ``path`` what it points to.
    """
    from airflow_provider_sender.jobs.formats import tells_format

    if isinstance(value, str) or str(value).endswith("/"):
        return str(value).endswith("/")
    return not path.suffix if file_format else not tells_format(path)


def storage_file(value: Any, parameter: str) -> UPath:
    """Return where a path parameter points, which must be a file.

    :raises ConfigurationError: when it is none.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    path = storage_path(value, parameter)
    if str(value).endswith("/"):
        raise ConfigurationError(f"{parameter}: {value} is a directory. Name a file in it.")
    return path
