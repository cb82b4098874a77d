"""Parameters that hold a person's data, kept out of what Airflow shows and stores."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence, Sized
from typing import Any, overload

from airflow.sdk import XComArg


class Undisclosed:
    """A value that does not say what it is.

    Airflow writes the values of template fields into its database and shows them to whoever may see a task. Of an
    address, a mail's text or its variables all that gets there is how long they are.

    :param content: the value, as the only one of a list: Airflow 3.1 leaves an attribute that renders to nothing as it
        was, a template, and a list is not nothing.
    """

    # Airflow renders what these attributes hold, as it would render a plain value.
    template_fields: Sequence[str] = ("content",)

    def __init__(self, content: Sequence[object]) -> None:
        self.content = content

    def reveal(self) -> Any:
        """Return the value."""
        (value,) = self.content
        return value

    def __repr__(self) -> str:
        value = self.reveal()
        if isinstance(value, str):
            return f"<a text of {len(value)} characters>"
        return f"<{len(value)} values>" if isinstance(value, Sized) else f"<a {type(value).__name__}>"


class UndisclosedParameter:
    """An attribute that hides the value it is given, whenever Airflow or the user sets it.

    What refers to another task stays as it is until it is rendered: Airflow looks into it for the tasks it depends on.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = getattr(instance, self._name)
        # A copy, because Airflow renders its content in place, and the task it does that to shares it with the DAG's.
        return copy.copy(value) if isinstance(value, Undisclosed | UndisclosedRows) else value

    def __set__(self, instance: object, value: object) -> None:
        if value is not None and not _refers_to_tasks(value) and not isinstance(value, Undisclosed):
            value = Undisclosed([value])
        setattr(instance, self._name, value)


def revealed(value: object) -> Any:
    """Return what a parameter holds, hidden or not."""
    return value.reveal() if isinstance(value, Undisclosed) else value


class UndisclosedRows(Sequence[Any]):
    """A list of rows that does not say what is in it.

    Airflow writes the values of template fields into its database and shows them to whoever may see a task. Rows hold
    people's addresses, so all that gets there is how many they are.

    :param rows: the rows.
    """

    # Airflow renders what these attributes hold, as it would render a plain list.
    template_fields: Sequence[str] = ("rows",)

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<{len(self.rows)} rows>"


class UndisclosedText:
    """A text that may hold rows, where a list of them should be: kept only as what it is."""

    def __init__(self, text: str) -> None:
        self._length = len(text)

    def __repr__(self) -> str:
        return f"<a text of {self._length} characters>"


class RowsParameter(UndisclosedParameter):
    """The same for rows: what is shown of them is how many they are.

    A text with a template in it stays as it is, too: what it renders to is set in its place, and hidden then.
    """

    def __set__(self, instance: object, value: object) -> None:
        if isinstance(value, str):
            value = value if "{{" in value or "{%" in value else UndisclosedText(value)
        elif isinstance(value, Sequence) and not isinstance(value, bytes | UndisclosedRows):
            is_to_be_rendered = isinstance(value, list | tuple) and _refers_to_tasks(value)
            value = value if is_to_be_rendered else UndisclosedRows(value)
        setattr(instance, self._name, value)


def _refers_to_tasks(value: object) -> bool:
    return next(XComArg.iter_xcom_references(value), None) is not None
