"""Measure the export beside what people write today, on the same server, in one run.

Every way is run in turn, several times over, so that whatever else the machine does hits all of them; what counts is
the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests
from upath import UPath

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sender import SenderClient
from airflow_provider_sender.client.sender_service import SenderService
from airflow_provider_sender.client.transport import Settings
from airflow_provider_sender.jobs.export import Export, export_to_file
from airflow_provider_sender.sandbox.remote import Sandbox


def requests_loop(box: Sandbox, path: Path) -> None:
    """What stands in most PythonOperators: a session, a loop over the pages, one JSON object a line."""
    page = 1
    with requests.Session() as session, path.open("w") as file:
        session.headers.update({"Authorization": f"Bearer {box.token}", "Accept": "application/json"})
        while True:
            answer = session.get(f"{box.sender_url}/subscribers", params={"page": page, "limit": 100}, timeout=30)
            answer.raise_for_status()
            found = answer.json()
            for row in found["data"]:
                file.write(json.dumps(row) + "\n")
            if page >= found["meta"]["last_page"]:
                return
            page += 1


def this_package(box: Sandbox, path: Path) -> None:
    """The job behind SenderExportSubscribersOperator."""
    settings = Settings(box.sender_url).checked()
    export_to_file(SenderService(SenderClient(box.token, settings, Budget())), Export(), UPath(path))


WAYS: dict[str, Callable[[Sandbox, Path], None]] = {
    "requests and json, page by page": requests_loop,
    "airflow-provider-sender": this_package,
}


def main() -> int:
    """Run all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with Sandbox.start(subscribers=options.subscribers) as box, tempfile.TemporaryDirectory() as folder:
        requests_loop(box, Path(folder) / "warm-up")  # the sandbox renders a subscriber when it is first asked for
        for number in range(options.rounds):
            for name, way in WAYS.items():
                path = Path(folder) / "rows.jsonl"
                began = time.perf_counter()
                way(box, path)
                seconds[name].append(time.perf_counter() - began)
                rows = sum(1 for _ in path.open("rb"))
                if rows != options.subscribers:
                    print(f"{name} wrote {rows:,} rows instead of {options.subscribers:,}")
                    return 1
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    peer = statistics.median(seconds[next(iter(WAYS))])
    print(
        f"Export of {options.subscribers:,} subscribers to JSONL, loopback, no rate limit, median of {options.rounds}:"
    )
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"  {name:<34}{median:8.2f} s{options.subscribers / median:>12,.0f} rows/s{peer / median:>8.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
