"""What runs in a DAG works on every service: no code of it knows one by name, or imports one's client."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "airflow_provider_sender"
FOLDERS = ("operators", "transfers", "sensors", "triggers", "notifications", "links", "jobs", "sql")
FILES = [path for folder in FOLDERS for path in sorted((PACKAGE / folder).rglob("*.py"))]
FILES.append(PACKAGE / "retry_policy.py")

# Names of services as code would compare them: of the port (``Service.name``) and of the types of connections.
SERVICES = {"sender", "sendpulse", "sendara"}


def docstrings(tree: ast.AST) -> set[int]:
    """Return the identities of the nodes that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return where code names a service, in a text or an import."""
    told = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            words = node.value.lower()
            if "sendpulse" in words or "sendara" in words:
                yield node.lineno, node.value
        if isinstance(node, ast.Compare):
            # "sender" is also who a mail is from; to be compared with, it is a service.
            texts = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
            yield from ((node.lineno, text) for text in texts if isinstance(text, str) and text.lower() in SERVICES)
        modules = []
        if isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            package, _, rest = module.removeprefix("airflow_provider_sender.").partition(".")
            if package in ("client", "hooks") and rest.split("_")[0].split(".")[0] in SERVICES:
                yield getattr(node, "lineno", 0), module
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if "sendpulse" in name.lower() or "sendara" in name.lower():
                yield node.lineno, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_service_is_known_by_name(path: Path) -> None:
    found = list(names_in(ast.parse(path.read_text(encoding="utf-8"))))
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "if service.name == 'SendPulse': pass",
        "if connection.conn_type == 'sender': pass",
        "from airflow_provider_sender.client.sendara.errors import MEANINGS",
        "from airflow_provider_sender.client.sender.client import SenderClient",
        "from airflow_provider_sender.hooks import sendpulse",
        "service.sendara_only()",
    ],
)
def test_code_that_does_is_found(code: str) -> None:
    assert list(names_in(ast.parse(code)))
