"""The connection form for Airflow 3.1, from the same table that newer Airflow reads by itself.

Since 3.2 Airflow builds the form from ``get_provider_info`` and calls the two hook methods deprecated; 3.1 knows
nothing else. :func:`connection_form` gives a hook class the methods on 3.1 and leaves it alone everywhere else.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Any, ClassVar, Literal, Protocol, TypedDict, TypeVar

from airflow_provider_sender.get_provider_info import CONNECTION_TYPES


class FieldSchema(TypedDict, total=False):
    """JSON Schema of a field's value: the part of it that the form understands and the fields use."""

    type: list[Literal["integer", "number", "string", "null"]]
    default: int | str
    minimum: int
    exclusiveMinimum: int


class ConnectionField(TypedDict):
    """One field of the connection's ``extra``; ``schema`` is JSON Schema."""

    label: str
    description: str
    schema: FieldSchema


FieldBehaviour = TypedDict(
    "FieldBehaviour",
    {"hidden-fields": list[str], "relabeling": dict[str, str], "placeholders": dict[str, str]},
)

ConnectionType = TypedDict(
    "ConnectionType",
    {
        "connection-type": str,
        "hook-class-name": str,
        "hook-name": str,
        "ui-field-behaviour": FieldBehaviour,
        "conn-fields": dict[str, ConnectionField],
    },
)


class HookOfConnectionType(Protocol):
    """A hook that says which connection type it is for."""

    conn_type: ClassVar[str]


HookClass = TypeVar("HookClass", bound=type[HookOfConnectionType])


def connection_form(hook: HookClass) -> HookClass:
    """Give a hook class the form methods that Airflow 3.1 asks it for.

    They are set on the class itself, since Airflow looks there and not at inherited ones.

    :param hook: the hook class of one of this package's connection types.
    :return: the same class.
    """
    if _airflow_reads_provider_info():
        return hook
    (described,) = (known for known in CONNECTION_TYPES if known["connection-type"] == hook.conn_type)
    for method, answer in (("get_ui_field_behaviour", field_behaviour), ("get_connection_form_widgets", form_widgets)):
        setattr(hook, method, staticmethod(partial(answer, described)))
    return hook


def field_behaviour(connection_type: ConnectionType) -> dict[str, Any]:
    """Return what ``get_ui_field_behaviour`` of a hook returns: the standard fields, hidden and relabelled."""
    behaviour = connection_type["ui-field-behaviour"]
    return {
        "hidden_fields": behaviour["hidden-fields"],
        "relabeling": behaviour["relabeling"],
        "placeholders": behaviour["placeholders"],
    }


def form_widgets(connection_type: ConnectionType) -> dict[str, Any]:
    """Return what ``get_connection_form_widgets`` of a hook returns: one form field for each field of ``extra``.

    :raises ImportError: without ``wtforms``; Airflow knows this and shows the bare form.
    """
    # Imported here and by these names because Airflow replaces them, for the time of this call, with its own.
    from wtforms import IntegerField, StringField
    from wtforms.validators import Optional

    # 3.1 has no field for fractions, and every number here is one that people give as a whole.
    field_classes = {"integer": IntegerField, "number": IntegerField, "string": StringField}
    return {
        name: field_classes[field["schema"]["type"][0]](
            field["label"],
            validators=[Optional()],
            description=field["description"],
            default=field["schema"].get("default"),
        )
        for name, field in connection_type["conn-fields"].items()
    }


def _airflow_reads_provider_info() -> bool:
    major, minor = version("apache-airflow-core").split(".")[:2]
    return (int(major), int(minor)) >= (3, 2)
