"""Rows as an operator's parameter, kept out of what Airflow shows and stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from airflow.sdk import XComArg


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


class RowsParameter:
    """An attribute that wraps the rows it is given, whenever Airflow or the user sets it.

    What is still to be rendered stays as it is: Airflow looks into it for the tasks it depends on.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)

    def __set__(self, instance: object, value: object) -> None:
        if isinstance(value, str):
            value = value if "{{" in value or "{%" in value else UndisclosedText(value)
        elif isinstance(value, Sequence) and not isinstance(value, bytes | UndisclosedRows):
            value = value if _refers_to_tasks(value) else UndisclosedRows(value)
        setattr(instance, self._name, value)


def _refers_to_tasks(value: Sequence[Any]) -> bool:
    return isinstance(value, list | tuple) and next(XComArg.iter_xcom_references(value), None) is not None
