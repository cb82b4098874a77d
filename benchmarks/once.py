"""One way of reading an account, in a process of its own, and what it took.

Started anew for each measurement, no way finds memory another has left behind, or modules another has imported. What
every process has to do once, imports above all, is done with a small account before anything is measured.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from airflow_provider_sender.sandbox.remote import Sandbox
from benchmarks import ours, peers

WAYS: dict[str, Callable[[Sandbox, Path], None]] = {
    "this package, JSONL": ours.export_to_jsonl,
    "this package, Parquet": ours.export_to_parquet,
    "this package, 1 connection": ours.export_page_by_page,
    "requests loop and json": peers.requests_loop,
    "HttpOperator": peers.http_operator,
    "dlt rest_api, JSONL": peers.dlt_to_jsonl,
    "dlt rest_api, Parquet": peers.dlt_to_parquet,
}

_MIB = 1 << 20


class Taken(msgspec.Struct):
    """What one export took.

    :param seconds: from its beginning to its end.
    :param cpu_seconds: of the processor, in this process.
    :param idle: MiB the process took up before it.
    :param above_idle: MiB it took up more, at the most.
    """

    seconds: float
    cpu_seconds: float
    idle: float
    above_idle: float


class WrongRowsError(Exception):
    """A way did not write what is in the account; its figures are worth nothing."""


def take(name: str, box: Sandbox, small: Sandbox, subscribers: int, *, is_quiet: bool = False) -> Taken:
    """Have an account exported in a process of its own, and return what that took.

    :param small: an account to warm up with.
    :param is_quiet: do not show what it says on the standard error.
    :raises subprocess.CalledProcessError: when it fails.
    :raises WrongRowsError: when not all ``subscribers`` are there afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.once", name, folder, box.token, box.url, small.url]
        errors = subprocess.DEVNULL if is_quiet else None
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, check=True)
        rows = _rows_in(Path(folder))
    if rows != subscribers:
        raise WrongRowsError(f"{name} wrote {rows:,} of {subscribers:,} subscribers.")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Taken)


def main(name: str, folder: str, token: str, url: str, small_url: str) -> None:
    """Export an account, and print what that took."""
    way = WAYS[name]
    with tempfile.TemporaryDirectory(prefix="bench-") as spare:
        way(Sandbox(small_url, token), Path(spare))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    idle = _memory("VmRSS")
    began, cpu_began = time.perf_counter(), time.process_time()
    way(Sandbox(url, token), Path(folder))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    taken = Taken(seconds, cpu_seconds, idle, _memory("VmHWM") - idle)
    print(msgspec.json.encode(taken).decode())


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(kib) * 1024 / _MIB


def _rows_in(folder: Path) -> int:
    """Count the subscribers in the files a way wrote; whoever is there twice counts once."""
    ids: set[str] = set()
    for path in folder.rglob("*.jsonl"):
        if path.parent.name in (folder.name, "subscribers"):  # dlt has tables of its own beside
            with path.open("rb") as file:
                ids.update(_decode(line).id for line in file)
    for path in folder.rglob("*.parquet"):
        import pyarrow.parquet

        ids.update(pyarrow.parquet.read_table(path, columns=["id"])["id"].to_pylist())
    return len(ids)


class _Id(msgspec.Struct):
    id: str


_decode = msgspec.json.Decoder(_Id).decode

if __name__ == "__main__":
    # Neither a user's Airflow nor its log lines have a part in this.
    with tempfile.TemporaryDirectory(prefix="bench-airflow-") as home:
        os.environ.update(AIRFLOW_HOME=home, AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
        main(*sys.argv[1:])
