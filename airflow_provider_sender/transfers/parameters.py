"""A query's parameters as an operator's parameter, kept out of what Airflow shows and stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import XComArg

from airflow_provider_sender.operators.rows import UndisclosedText


class UndisclosedValues:
    """Values for placeholders, which may be people's addresses; it says only how many they are.

    :param values: by place or by name.
    """

    # Airflow renders what these attributes hold, as it would render a plain list.
    template_fields: Sequence[str] = ("values",)

    def __init__(self, values: Sequence[Any] | Mapping[str, Any]) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"<{len(self.values)} values>"


class UndisclosedParameters:
    """An attribute that wraps the values it is given, whenever Airflow or the user sets it.

    What is still to be rendered stays as it is: Airflow looks into it for the tasks it depends on.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)

    def __set__(self, instance: object, value: object) -> None:
        if isinstance(value, str):
            value = value if "{{" in value or "{%" in value else UndisclosedText(value)
        elif isinstance(value, list | tuple | dict) and next(XComArg.iter_xcom_references(value), None) is None:
            value = UndisclosedValues(value)
        setattr(instance, self._name, value)
