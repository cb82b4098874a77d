"""The table of what each service can do, made from the code and put where people read it.

``python scripts/capabilities.py`` writes it into README.md and docs/capabilities.rst; a test holds them against it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from airflow_provider_sender.client.sendara.service import SendaraService  # noqa: E402
from airflow_provider_sender.client.sender.service import SenderService  # noqa: E402
from airflow_provider_sender.client.sendpulse.service import SendPulseService  # noqa: E402
from airflow_provider_sender.client.service import Capability, Service  # noqa: E402

SERVICES: tuple[type[Service], ...] = (SenderService, SendPulseService, SendaraService)

BEGIN, END = "made by scripts/capabilities.py", "end of what scripts/capabilities.py made"


def rows() -> list[list[str]]:
    """Return the table's cells, the head first."""
    head = ["", *(service.name for service in SERVICES)]
    body = [
        [capability.value, *("yes" if capability in service.capabilities else "no" for service in SERVICES)]
        for capability in Capability
    ]
    sizes = [
        ["subscribers written in one call", *(str(service.largest_careful_write) for service in SERVICES)],
        ["the same with consent='overwrite'", *(str(service.largest_write) for service in SERVICES)],
        ["subscribers looked up in one call", *(str(service.largest_lookup) for service in SERVICES)],
    ]
    return [head, *body, *sizes]


def markdown() -> str:
    """Return the table as README.md has it."""
    head, *body = rows()
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rst() -> str:
    """Return the table as the documentation has it."""
    head, *body = rows()
    lines = [".. list-table:: What each service can do", "   :header-rows: 1", "   :widths: 55 15 15 15", ""]
    for row in [["Can it ...", *head[1:]], *body]:
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


PLACES: dict[Path, Callable[[], str]] = {ROOT / "README.md": markdown, ROOT / "docs" / "capabilities.rst": rst}


def parts(text: str) -> tuple[str, str, str]:
    """Return what stands before the table, the table, and what stands after it."""
    before, mark, rest = text.partition(BEGIN)
    head, newline, rest = rest.partition("\n")
    # The last line before the end mark is the comment it stands in.
    table, end, after = rest.partition(END)
    table, comment = table[: table.rfind("\n") + 1], table[table.rfind("\n") + 1 :]
    return before + mark + head + newline + "\n", table.strip("\n") + "\n", "\n" + comment + end + after


def main() -> None:
    """Write the table into all places."""
    for path, table in PLACES.items():
        before, _, after = parts(path.read_text(encoding="utf-8"))
        path.write_text(before + table() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
