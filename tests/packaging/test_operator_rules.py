"""The rules Airflow's own CI holds its providers to, held here too.

A constructor runs whenever a DAG file is parsed, before any template is rendered: it may only store what it is given.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from airflow_provider_sender.operators.templated import TemplatedOperator
from tests.packaging.ours import modules_of, sources

TEMPLATED = ("operators", "sensors", "transfers", "notifications")
DEFERRABLE_DEFAULT = "conf.getboolean('operators', 'default_deferrable', fallback=False)"


def templated_classes() -> Iterator[Any]:
    for package in TEMPLATED:
        for name in modules_of(package):
            for _, found in inspect.getmembers(importlib.import_module(name), inspect.isclass):
                if found.__module__ == name and hasattr(found, "template_fields"):
                    yield found


CLASSES = list(templated_classes())


def constructors(of: type) -> Iterator[ast.FunctionDef]:
    """Return the constructors in our package that run for a class, its own first."""
    for base in of.__mro__:
        if base.__module__.startswith("airflow_provider_sender.") and "__init__" in vars(base):
            # Airflow wraps constructors; the one that was written is underneath.
            written = inspect.unwrap(vars(base)["__init__"])
            (node,) = ast.parse(textwrap.dedent(inspect.getsource(written))).body
            assert isinstance(node, ast.FunctionDef)
            yield node


def parameters(constructor: ast.FunctionDef) -> list[str]:
    return [parameter.arg for parameter in (*constructor.args.args, *constructor.args.kwonlyargs)]


def stored(constructor: ast.FunctionDef) -> dict[str, ast.expr]:
    """Return what a constructor assigns: attribute -> value."""
    return {
        target.attr: node.value
        for node in ast.walk(constructor)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    }


def handed_on(constructor: ast.FunctionDef) -> Iterator[ast.expr]:
    """Return the values a constructor passes on under their own name, as in ``super().__init__(name=name)``."""
    for node in ast.walk(constructor):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
            yield from (keyword.value for keyword in node.keywords if ast.unparse(keyword.value) == keyword.arg)


@pytest.mark.parametrize("of", CLASSES)
def test_template_fields_are_stored_as_they_were_given(of: Any) -> None:
    values: dict[str, str] = {}
    for constructor in constructors(of):
        for attribute, value in stored(constructor).items():
            values.setdefault(attribute, ast.unparse(value))

    assert {field: values.get(field) for field in of.template_fields} == {field: field for field in of.template_fields}


@pytest.mark.parametrize("of", CLASSES)
def test_nothing_else_is_done_with_them_before_they_are_rendered(of: Any) -> None:
    for constructor in constructors(of):
        allowed = {id(value) for value in (*stored(constructor).values(), *handed_on(constructor))}
        used = [
            node.id
            for node in ast.walk(ast.Module(constructor.body, []))
            if isinstance(node, ast.Name) and node.id in of.template_fields and id(node) not in allowed
        ]
        assert used == []


@pytest.mark.parametrize("of", CLASSES)
def test_connection_ids_are_templated(of: Any) -> None:
    ids = {name for constructor in constructors(of) for name in parameters(constructor) if name.endswith("conn_id")}

    assert ids <= set(of.template_fields)


@pytest.mark.parametrize("of", CLASSES)
def test_every_template_field_is_a_parameter(of: Any) -> None:
    known = {name for constructor in constructors(of) for name in parameters(constructor)}

    assert set(of.template_fields) <= known


@pytest.mark.parametrize("of", CLASSES)
def test_whether_to_defer_is_left_to_airflow_s_configuration(of: Any) -> None:
    for constructor in constructors(of):
        defaults = dict(
            zip(
                [parameter.arg for parameter in constructor.args.kwonlyargs],
                [ast.unparse(default) if default else "" for default in constructor.args.kw_defaults],
                strict=True,
            )
        )
        assert defaults.get("deferrable", DEFERRABLE_DEFAULT) == DEFERRABLE_DEFAULT


def is_ours(of: type) -> bool:
    return of.__module__.startswith("airflow_provider_sender.")


@pytest.mark.parametrize("of", CLASSES)
def test_no_parameter_is_one_that_airflow_gives_another_meaning(of: Any) -> None:
    """``default_args={"email": ...}`` is where Airflow's alerts go: it must not be whom a task mails."""
    ours = {name for constructor in constructors(of) for name in parameters(constructor)} - {"self"}
    airflows = {
        name
        for base in of.__mro__
        if not is_ours(base) and "__init__" in vars(base)
        for name in inspect.signature(vars(base)["__init__"]).parameters
    }

    assert len(airflows) > 1
    assert ours & airflows - {"kwargs"} == set()


@pytest.mark.parametrize("of", CLASSES)
def test_no_template_field_hides_something_that_airflow_gives_every_task(of: Any) -> None:
    airflows = {name for base in of.__mro__ if not is_ours(base) for name in dir(base)}

    assert set(of.template_fields) & airflows == set()


@pytest.mark.parametrize("of", [each for each in CLASSES if not issubclass(each, BaseNotifier)])
def test_every_operator_knows_what_was_given(of: Any) -> None:
    assert issubclass(of, TemplatedOperator)


def test_errors_have_names_of_their_own() -> None:
    """``AirflowException`` says nothing about what to do."""
    raised = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and node.exc is not None
        and ast.unparse(node.exc).partition("(")[0].rpartition(".")[2] == "AirflowException"
    ]

    assert raised == []


def test_there_is_something_to_hold_to_the_rules() -> None:
    assert {"SenderExportSubscribersOperator", "SenderSendCampaignOperator", "SenderCampaignSensor"} <= {
        found.__name__ for found in CLASSES
    }
