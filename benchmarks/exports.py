"""Exporting an account: how fast, over a slow network too, and how much memory it takes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from airflow_provider_sender.sandbox.remote import Sandbox
from benchmarks.once import Taken, take
from benchmarks.table import Line

JSONL = "this package, JSONL"
PARQUET = "this package, Parquet"
ONE_CONNECTION = "this package, 1 connection"
LOOP = "requests loop and json"
HTTP_OPERATOR = "HttpOperator"
DLT_JSONL = "dlt rest_api, JSONL"
DLT_PARQUET = "dlt rest_api, Parquet"

_LATENCY = 0.05

# What a job may take above an idle process, in MiB, whatever the size of the account.
_MOST_MEMORY = 64.0


def speed(subscribers: int, rounds: int) -> Iterator[Line]:
    """Measure everybody on loopback without any limit: what counts is what a row costs the processor."""
    with Sandbox.start(subscribers=subscribers) as box, _small() as small:
        taken = _in_turn([JSONL, LOOP, HTTP_OPERATOR, DLT_JSONL, PARQUET, DLT_PARQUET], box, small, subscribers, rounds)
    rates = {name: subscribers / statistics.median(each.seconds for each in some) for name, some in taken.items()}
    work = f"export {subscribers:,} to JSONL"
    yield Line.of_rates(work, rates[JSONL], LOOP, rates[LOOP], 3)
    yield Line.of_rates(work, rates[JSONL], DLT_JSONL, rates[DLT_JSONL], 10)
    yield Line.of_rates(work, rates[JSONL], HTTP_OPERATOR, rates[HTTP_OPERATOR])
    yield Line.of_rates(f"export {subscribers:,} to Parquet", rates[PARQUET], DLT_PARQUET, rates[DLT_PARQUET], 6)
    yield _memory_line(subscribers, "JSONL", taken[JSONL], HTTP_OPERATOR, taken[HTTP_OPERATOR])
    yield _memory_line(subscribers, "JSONL", taken[JSONL], DLT_JSONL, taken[DLT_JSONL])
    yield _memory_line(subscribers, "Parquet", taken[PARQUET], DLT_PARQUET, taken[DLT_PARQUET])


def latency(subscribers: int, rounds: int) -> Iterator[Line]:
    """Measure a service that takes 50 ms to answer: what counts is how many requests are under way."""
    with _small() as small, _slow(subscribers) as box, _slow(subscribers) as other:
        taken: dict[str, list[Taken]] = {JSONL: [], ONE_CONNECTION: [], LOOP: []}
        for number in range(rounds):
            taken[JSONL].append(take(JSONL, box, small, subscribers))
            # One request after the other is nearly all waiting, so these two are not in each other's way.
            with ThreadPoolExecutor(2) as threads:
                ways, boxes = [ONE_CONNECTION, LOOP], [box, other]
                found = threads.map(lambda name, box: take(name, box, small, subscribers), ways, boxes)
                for name, each in zip(ways, found, strict=True):
                    taken[name].append(each)
            for name, some in taken.items():
                _tell(number, rounds, name, some[-1])
    rates = {name: subscribers / statistics.median(each.seconds for each in some) for name, some in taken.items()}
    work = f"export {subscribers:,}, 50 ms latency"
    yield Line.of_rates(work, rates[JSONL], ONE_CONNECTION, rates[ONE_CONNECTION], 7)
    yield Line.of_rates(work, rates[JSONL], LOOP, rates[LOOP])


def memory(subscribers: int) -> Iterator[Line]:
    """Measure the peak of a large account's export; once, because it hardly varies."""
    with Sandbox.start(subscribers=subscribers) as box, _small() as small:
        for name, file_format in ((JSONL, "JSONL"), (PARQUET, "Parquet")):
            yield _memory_line(subscribers, file_format, [take(name, box, small, subscribers)])


def _small() -> Sandbox:
    return Sandbox.start(subscribers=250)


def _slow(subscribers: int) -> Sandbox:
    box = Sandbox.start(subscribers=subscribers)
    box.fault("delay", path="/subscribers", seconds=_LATENCY, times=None)
    return box


def _in_turn(
    names: Sequence[str], box: Sandbox, small: Sandbox, subscribers: int, rounds: int
) -> dict[str, list[Taken]]:
    """Measure each way in turn, several times over, so that whatever else the machine does hits all of them."""
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    take(names[0], box, small, subscribers)  # the sandbox writes a subscriber out when it is first asked for
    for number in range(rounds):
        for name in names:
            taken[name].append(take(name, box, small, subscribers))
            _tell(number, rounds, name, taken[name][-1])
    return taken


def _tell(number: int, rounds: int, name: str, taken: Taken) -> None:
    print(
        f"round {number + 1} of {rounds}: {name:<28}{taken.seconds:7.2f} s, {taken.cpu_seconds:6.2f} s of CPU, "
        f"{taken.above_idle:6.1f} MiB above {taken.idle:.0f}",
        file=sys.stderr,
    )


def _memory_line(
    subscribers: int, file_format: str, ours: Sequence[Taken], peer: str = "", theirs: Sequence[Taken] = ()
) -> Line:
    most = max(each.above_idle for each in ours)
    their_most = max((each.above_idle for each in theirs), default=0.0)
    return Line(
        work=f"memory, {subscribers:,} to {file_format}",
        ours=f"+{most:.0f} MiB",
        peer=peer,
        theirs=f"+{their_most:.0f} MiB" if theirs else "",
        ratio=their_most / max(most, 1.0) if theirs else None,
        goal=f"<= {_MOST_MEMORY:.0f} MiB",
        is_reached=most <= _MOST_MEMORY,
    )
