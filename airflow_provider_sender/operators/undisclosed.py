"""Values that do not say what they are, for parameters that hold a person's data.

Airflow writes parameters into its database twice: as the DAG file has them, with the DAG, and as they were rendered,
with the task; and it shows both to whoever may see the DAG. Of these values all that gets there is how long they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, overload

from airflow.sdk import XComArg

from airflow_provider_sender._compat import ResolveMixin

# The parts of a campaign that are too long to be shown.
_CONTENT = ("html", "text")


class Undisclosed(ResolveMixin):
    """A value that does not say what it is.

    Airflow finds the tasks it depends on in it, as in a list or a dictionary.

    :param value: the value.
    """

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """Return the value."""
        return self._value

    def rendered(self, render: Callable[[Any], Any]) -> Undisclosed:
        """Return the value's rendered form, undisclosed as well."""
        return type(self)(render(self._value))

    def iter_references(self) -> Iterable[Any]:
        """Return the tasks whose results are part of the value; Airflow asks for them."""
        return XComArg.iter_xcom_references(self._value)

    def resolve(self, context: object) -> Undisclosed:
        """Return what it is for an operator that does not know of undisclosed values: the same."""
        return self

    def __repr__(self) -> str:
        if isinstance(self._value, str):
            return f"<a text of {len(self._value)} characters>"
        return f"<{len(self._value)} values>" if isinstance(self._value, Sized) else f"<a {type(self._value).__name__}>"


class UndisclosedRows(Undisclosed, Sequence[Any]):
    """A list of rows that says how many they are, and nothing else."""

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self._value[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


class ShortenedCampaign(Undisclosed, Mapping[str, Any]):
    """A campaign that says what it is, but for its content, of which it says how long it is."""

    def __getitem__(self, key: str) -> Any:
        return self._value[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow stores of it."""
        return {str(name): _stored(Undisclosed(value) if name in _CONTENT else value) for name, value in self.items()}

    def __repr__(self) -> str:
        return str(self.serialize())


def _stored(value: Any) -> Any:
    """Return a value that JSON has a form for; what it has none for becomes a text."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _stored(each) for name, each in value.items()}
    return [_stored(each) for each in value] if isinstance(value, list | tuple) else str(value)


def revealed(value: Any) -> Any:
    """Return what a parameter holds, undisclosed or not."""
    return value.reveal() if isinstance(value, Undisclosed) else value


class UndisclosedParameter:
    """An attribute that keeps what it is given undisclosed, whenever Airflow or the user sets it.

    Another task's result stays as it is until it is there: all it says is which task's it is.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)

    def __set__(self, instance: object, value: Any) -> None:
        setattr(instance, self._name, self.hidden(value))

    def hidden(self, value: Any) -> Any:
        """Return a value of this parameter, undisclosed."""
        return value if value is None or isinstance(value, XComArg) else self._wrapped(revealed(value))

    def _wrapped(self, value: Any) -> Any:
        return Undisclosed(value)


class RowsParameter(UndisclosedParameter):
    """The same for rows."""

    def _wrapped(self, value: Any) -> Any:
        is_rows = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return UndisclosedRows(value) if is_rows else Undisclosed(value)


class CampaignParameter(UndisclosedParameter):
    """The same for a campaign's definition; what is not one stays as it is."""

    def _wrapped(self, value: Any) -> Any:
        return ShortenedCampaign(value) if isinstance(value, Mapping) else value


def parameter_of(of: type, name: str) -> UndisclosedParameter | None:
    """Return how an operator keeps a parameter undisclosed, if it does."""
    found = getattr(of, name, None)
    return found if isinstance(found, UndisclosedParameter) else None
