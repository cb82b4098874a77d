from __future__ import annotations

import ast
import importlib.util
import inspect
import json
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_provider_sender.get_provider_info import get_provider_info
from tests.packaging.ours import modules_defining, modules_of, source_of

INFO: dict[str, Any] = get_provider_info()
DISTRIBUTION = "airflow-provider-sender"


def schema(name: str) -> dict[str, Any]:
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    read: dict[str, Any] = json.loads((Path(spec.origin).parent / name).read_text(encoding="utf-8"))
    return read


def modules(kind: str) -> set[str]:
    entries = INFO.get(kind, [])
    # A transfer is listed by itself, because it has a source and a target of its own.
    return {module for entry in entries for module in entry.get("python-modules", [entry.get("python-module")])}


def names() -> Iterator[str]:
    for kind in ("hooks", "operators", "transfers", "sensors", "triggers"):
        yield from sorted(modules(kind))
    yield from (connection_type["hook-class-name"] for connection_type in INFO["connection-types"])
    yield from INFO["extra-links"]
    yield from INFO["notifications"]


def test_it_is_what_airflow_expects() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_airflow_finds_it_under_the_name_of_the_distribution() -> None:
    (entry_point,) = distribution(DISTRIBUTION).entry_points.select(group="apache_airflow_provider")

    assert entry_point.load()() == INFO
    assert INFO["package-name"] == DISTRIBUTION  # or Airflow refuses it


@pytest.mark.parametrize("name", names())
def test_what_it_names_can_be_imported(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    if attribute[0].isupper():
        assert inspect.isclass(getattr(importlib.import_module(module), attribute))
    else:
        importlib.import_module(name)


@pytest.mark.parametrize(
    ("kind", "method"),
    [("operators", "execute"), ("sensors", "poke"), ("triggers", "run")],
)
def test_every_module_users_import_from_is_listed(kind: str, method: str) -> None:
    assert modules(kind) == set(modules_defining(method, kind))


def test_the_hook_of_every_connection_type_is_listed() -> None:
    hooks = {
        module
        for module in modules_of("hooks")
        for node in source_of(module).body
        if isinstance(node, ast.ClassDef) and any(_is_connection_type(part) for part in node.body)
    }

    assert len(hooks) == len(INFO["connection-types"])
    assert modules("hooks") == hooks


def _is_connection_type(part: ast.stmt) -> bool:
    return isinstance(part, ast.AnnAssign) and ast.unparse(part.target) == "conn_type" and part.value is not None


def test_every_transfer_is_listed() -> None:
    assert modules("transfers") == {
        module
        for module in modules_of("transfers")
        for node in source_of(module).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Operator")
    }


def test_every_notifier_is_listed() -> None:
    assert {name.rpartition(".")[0] for name in INFO["notifications"]} == set(
        modules_defining("notify", "notifications")
    )


def test_a_connection_type_s_hook_says_the_same_about_itself() -> None:
    for connection_type in INFO["connection-types"]:
        module, _, name = connection_type["hook-class-name"].rpartition(".")
        hook = getattr(importlib.import_module(module), name)

        assert hook.conn_type == connection_type["connection-type"]
        assert hook.hook_name == connection_type["hook-name"]
        assert hook.default_conn_name == f"{hook.conn_type}_default"


def test_reading_it_imports_nothing(run_python: Callable[[str], Any]) -> None:
    imported = run_python(
        "import sys; before = set(sys.modules)\n"
        "import airflow_provider_sender.get_provider_info as read; read.get_provider_info()\n"
        "after = sorted(set(sys.modules) - before); import json; print(json.dumps(after))"
    )

    assert set(imported) - {"__future__"} == {
        "airflow_provider_sender",
        "airflow_provider_sender.get_provider_info",
    }
