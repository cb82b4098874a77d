"""What a DAG file pays for importing the operators, each time it is parsed."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.table import Line

_LONGEST = 60.0

# Modules no DAG file should have to load, and how long ours took.
_MEASURE = """
import importlib, sys, time
import airflow.sdk
from airflow_provider_sender.get_provider_info import get_provider_info
info = get_provider_info()
parts = [*info.get("operators", ()), *info.get("sensors", ()), *info.get("transfers", ())]
names = [name for part in parts for name in part.get("python-modules", [part.get("python-module")])]
before = set(sys.modules)
began = time.perf_counter()
for name in names:
    importlib.import_module(name)
milliseconds = 1000 * (time.perf_counter() - began)
heavy = {"requests", "pyarrow", "pandas", "sqlalchemy"} & (set(sys.modules) - before)
print(milliseconds, len(names), *sorted(heavy))
"""


def imports(rounds: int) -> Iterator[Line]:
    """Import all operator modules after ``airflow.sdk``, each time in a new process."""
    command = [sys.executable, "-c", _MEASURE]
    found = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(rounds)]
    milliseconds = statistics.median(float(each[0]) for each in found)
    heavy = sorted({name for each in found for name in each[2:]})
    yield Line(
        work=f"import of {found[0][1]} operator modules",
        ours=f"{milliseconds:.0f} ms, {', '.join(heavy) or 'nothing heavy'}",
        goal=f"<= {_LONGEST:.0f} ms, no requests, no pyarrow",
        is_reached=milliseconds <= _LONGEST and not heavy,
    )
