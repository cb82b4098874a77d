"""What was measured, line by line: ours, a peer's, and what it must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Line:
    """One comparison.

    :param work: what was done.
    :param ours: our figure, with its unit.
    :param peer: whose figure stands beside it; empty where there is nobody to compare with.
    :param theirs: the peer's figure.
    :param ratio: how many times better ours is; None where the figures are not to be divided.
    :param goal: what has to be reached; empty where nothing was promised.
    :param is_reached: whether it was.
    """

    work: str
    ours: str
    peer: str = ""
    theirs: str = ""
    ratio: float | None = None
    goal: str = ""
    is_reached: bool | None = None

    @classmethod
    def of_rates(cls, work: str, ours: float, peer: str, theirs: float, at_least: float | None = None) -> Line:
        """Return the comparison of two speeds in rows per second.

        :param at_least: the ratio that has to be reached.
        """
        ratio = ours / theirs
        goal = f">= {at_least:g}x" if at_least is not None else ""
        is_reached = ratio >= at_least if at_least is not None else None
        return cls(work, f"{ours:,.0f} rows/s", peer, f"{theirs:,.0f} rows/s", ratio, goal, is_reached)


_HEADER = ("work", "ours", "beside", "theirs", "ratio", "goal", "")
_VERDICTS = {True: "reached", False: "MISSED", None: ""}
_TO_THE_RIGHT = {1, 3, 4}


def table(lines: Iterable[Line]) -> str:
    """Return lines as a table for a terminal."""
    rows = [_HEADER, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(_padded(row, widths)).rstrip() for row in rows)


def list_table(lines: Iterable[Line]) -> str:
    """Return lines as a table of a guide, in reStructuredText."""
    rows = [_HEADER[:-1], *(_cells(line)[:-1] for line in lines)]
    text = [".. list-table:: Figures", "   :header-rows: 1", ""]
    for first, *others in rows:
        text.append(f"   * - {first}")
        text += [f"     - {cell}".rstrip() for cell in others]
    return "\n".join(text)


def _cells(line: Line) -> tuple[str, ...]:
    work, ours, peer, theirs, _, goal, _ = astuple(line)
    ratio = f"{line.ratio:.1f}x" if line.ratio is not None else ""
    return work, ours, peer, theirs, ratio, goal, _VERDICTS[line.is_reached]


def _padded(row: tuple[str, ...], widths: list[int]) -> Iterable[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if column in _TO_THE_RIGHT else cell.ljust(width)
