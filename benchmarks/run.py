"""Measure this package beside what people use today: on the same server, on the same machine, in one run.

``make bench`` measures all of it, ``make bench BENCH="speed --rounds 3"`` a part; ``BENCH=--help`` says what there is.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.changes import ledger, mirror
from benchmarks.crowd import crowd
from benchmarks.exports import latency, memory, speed
from benchmarks.imports import imports
from benchmarks.once import WrongRowsError
from benchmarks.table import Line, list_table, table
from benchmarks.windows import windows

PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Line]]] = {
    "speed": lambda options: speed(options.subscribers, options.rounds),
    "latency": lambda options: latency(options.subscribers * 2 // 5, options.rounds),
    "memory": lambda options: memory(10 * options.subscribers),
    "windows": lambda options: windows(),
    "ledger": lambda options: ledger(options.subscribers),
    "mirror": lambda options: mirror(options.subscribers),
    "crowd": lambda options: crowd(),
    "imports": lambda options: imports(options.rounds),
}


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description="Measure this package beside its peers.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--subscribers", type=int, default=100_000, help="size of the account; memory takes ten times")
    parser.add_argument("--rounds", type=int, default=5, help="how often what varies is measured; the median counts")
    parser.add_argument("--rst", action="store_true", help="print the table as docs/benchmarks.rst has it")
    options = parser.parse_args()
    unknown = ", ".join(set(options.parts).difference(PARTS))
    if unknown:
        parser.error(f"there is no part {unknown}; there are {', '.join(PARTS)}")
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    lines: list[Line] = []
    try:
        for name in options.parts or PARTS:
            print(f"{name} ...", file=sys.stderr)
            lines += PARTS[name](options)
    except WrongRowsError as error:
        print(f"{error} Nothing else is measured.", file=sys.stderr)
        return 1
    finally:
        print(list_table(lines) if options.rst else table(lines))
        print(f"Median of {options.rounds} rounds where speed is measured; {time.perf_counter() - began:.0f} s in all.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
