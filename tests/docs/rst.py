"""As much of reStructuredText as the guides use, read without docutils, which Airflow does not bring along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_LABEL = re.compile(r"^\.\. _(\S+):$", re.MULTILINE)
_LITERAL = re.compile(r"``(.+?)``", re.DOTALL)
_LINK = re.compile(r":(ref|doc):`(?:[^`<]*<)?([^`<>]+)>?`")
_DIRECTIVE = re.compile(r"^( *)\.\. ([a-z-]+):: ?(.*)$")
_UNDERLINE = re.compile(r"^([=\-^])\1{2,}$")


@dataclass(frozen=True)
class Directive:
    """A directive with its options and the lines below it, their common indent taken off."""

    name: str
    argument: str
    options: dict[str, str]
    lines: tuple[str, ...]
    line: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Page:
    """A guide."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(DOCS).with_suffix("").as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def labels(self) -> list[str]:
        return _LABEL.findall(self.text)

    def directives(self, name: str) -> list[Directive]:
        return [found for found in _directives(self.text) if found.name == name]

    def table(self, title: str) -> list[dict[str, str]]:
        """Return the rows of the table with a title: header -> cell."""
        (found,) = (each for each in self.directives("list-table") if each.argument == title)
        header, *rows = rows_of(found)
        return [dict(zip(header, row, strict=True)) for row in rows]

    def column(self, title: str, header: str | None = None) -> dict[str, dict[str, str]]:
        """Return a table's rows by the one literal in the column, by default the first."""
        keyed = {}
        for row in self.table(title):
            (key,) = literals(row[header] if header else next(iter(row.values())))
            assert key not in keyed, f"{title}: {key} is there twice"
            keyed[key] = row
        return keyed

    def code(self, language: str) -> list[Directive]:
        return [found for found in self.directives("code-block") if found.argument == language]

    def links(self, role: str) -> list[str]:
        return [" ".join(target.split()) for kind, target in _LINK.findall(self.text) if kind == role]

    @property
    def prose(self) -> str:
        """The text without what stands in code blocks and literals."""
        lines = self.text.splitlines()
        for found in _directives(self.text):
            if found.name in ("code-block", "literalinclude"):
                below = range(found.line, min(len(lines), found.line + len(found.options) + len(found.lines) + 1))
                for number in below:
                    lines[number] = ""
        return _LITERAL.sub("", "\n".join(lines))


@cache
def pages() -> tuple[Page, ...]:
    return tuple(Page(path) for path in sorted(DOCS.rglob("*.rst")))


@cache
def page(name: str) -> Page:
    return Page(DOCS / f"{name}.rst")


def literals(cell: str) -> list[str]:
    return [" ".join(text.split()) for text in _LITERAL.findall(cell)]


def rows_of(table: Directive) -> list[list[str]]:
    """Return the cells of a list-table, header first."""
    rows: list[list[str]] = []
    for line in table.lines:
        if line.startswith("* -"):
            rows.append([line[3:].strip()])
        elif line.startswith("  -"):
            rows[-1].append(line[3:].strip())
        elif line.strip():
            assert line.startswith("    "), f"{table.argument}: {line!r} belongs to no cell"
            rows[-1][-1] += " " + line.strip()
    return rows


def headings(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line number, title and underline of every heading."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if number and _UNDERLINE.match(line) and lines[number - 1].strip():
            yield number, lines[number - 1], line


@cache
def _directives(text: str) -> tuple[Directive, ...]:
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        match = _DIRECTIVE.match(line)
        if match is None:
            continue
        indent, name, argument = match.groups()
        block = []
        for below in lines[number + 1 :]:
            if below.strip() and not below.startswith(indent + "   "):
                break
            block.append(below)
        body = [each for each in block if each.strip()]
        depth = min((len(each) - len(each.lstrip()) for each in body), default=0)
        block = [each[depth:] for each in block]
        options = {}
        while block and (option := re.match(r":([a-z-]+):(?: (.*))?$", block[0])):
            options[option[1]] = option[2] or ""
            block.pop(0)
        found.append(Directive(name, argument.strip(), options, tuple(block), number + 1))
    return tuple(found)
