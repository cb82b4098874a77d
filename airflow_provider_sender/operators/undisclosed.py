"""Parameters that hold a person's data, kept out of what Airflow shows and stores."""

from __future__ import annotations

import copy
from collections.abc import Sequence, Sized
from typing import Any

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
        return copy.copy(value) if isinstance(value, Undisclosed) else value

    def __set__(self, instance: object, value: object) -> None:
        refers_to_tasks = next(XComArg.iter_xcom_references(value), None) is not None
        if value is not None and not refers_to_tasks and not isinstance(value, Undisclosed):
            value = Undisclosed([value])
        setattr(instance, self._name, value)


def revealed(value: object) -> Any:
    """Return what a parameter holds, hidden or not."""
    return value.reveal() if isinstance(value, Undisclosed) else value
