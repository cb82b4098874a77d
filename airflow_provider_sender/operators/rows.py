"""Rows as an operator's parameter, kept out of what Airflow shows and stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload


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


class RowsParameter:
    """An attribute that wraps the rows it is given, whenever Airflow or the user sets it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)

    def __set__(self, instance: object, value: object) -> None:
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | Mapping | UndisclosedRows):
            value = UndisclosedRows(value)
        setattr(instance, self._name, value)
