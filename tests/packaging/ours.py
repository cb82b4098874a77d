"""What there is in the package, found by looking rather than from a list somebody has to keep."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import airflow_provider_sender

ROOT = Path(airflow_provider_sender.__file__).parent


def modules_of(package: str) -> list[str]:
    """Return the modules of a package of ours and of those within it; none when there is no such package."""
    paths = sorted(path.relative_to(ROOT.parent) for path in (ROOT / package).rglob("*.py"))
    return [".".join(path.with_suffix("").parts) for path in paths if path.stem != "__init__"]


def source_of(module: str) -> ast.Module:
    """Return a module's syntax tree."""
    path = ROOT.parent.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Return every file of the package, read."""
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules_defining(method: str, package: str) -> list[str]:
    """Return the modules of a package that have a public class with this method of its own."""
    return [
        module
        for module in modules_of(package)
        if any(
            isinstance(node, ast.ClassDef) and not node.name.startswith("_") and method in _methods(node)
            for node in source_of(module).body
        )
    ]


def _methods(node: ast.ClassDef) -> set[str]:
    return {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
