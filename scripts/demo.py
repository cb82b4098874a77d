"""The example DAGs in a real Airflow against the sandbox, with a few things going wrong, and what came of it.

Every figure in the table comes from the sandbox's own counters or from the files on disk, and is held against what it
must be. The exit status is 1 if any of them is not.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from airflow_provider_sender.sandbox.remote import Sandbox
from scripts.local_airflow import ROOT, LocalAirflow, run_showing_life

DEMO = ROOT / ".demo"
FILES = DEMO / "files"
LOGS = DEMO / "logs"

SUBSCRIBERS = 10_000
# A window shorter than Sender's minute, so that waiting for the next one can be watched without waiting minutes.
LIMIT = {"requests_per_window": 150, "window_seconds": 5}
LOGICAL_DATE = "2026-01-05T00:00:00+00:00"

UNCHANGED, CHANGED, NEW, MALFORMED, REFUSED, HELD, DUPLICATES = 300, 40, 20, 5, 5, 10, 5


@dataclass
class Figure:
    """A line of the table; what is only told, and not held against anything, has nothing wanted."""

    what: str
    found: object
    wanted: object = None

    @property
    def is_right(self) -> bool:
        """Whether it is what it must be."""
        return self.wanted is None or self.found == self.wanted


def main() -> int:
    """Run the demo; return the exit status."""
    began = time.monotonic()
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir(parents=True)
    with Sandbox.start(subscribers=0) as box:
        box.reset(subscribers=SUBSCRIBERS, send_seconds=2, **LIMIT)
        print(f"The sandbox is at {box.url} (a page to watch it is there, too)")
        airflow = LocalAirflow(DEMO / "airflow", {**box.connection, "extra": json.dumps({"settle_time": 2})})
        airflow.environment["SENDER_EXAMPLE_POKE_INTERVAL"] = "1"
        airflow.migrate(LOGS / "migrate.log")

        print("Two answers in a hundred fail while subscribers are exported:")
        box.fault("status", path="/subscribers", method="GET", status=503, every=50, times=None)
        there = sorted(box.subscribers())
        export = _run(airflow, "nightly_export", "dag", "Exporting subscribers, JSONL and CSV")
        box.clear_faults()

        write_customers(box, FILES / "customers.csv")
        print("The service refuses some customers, and loses its answer to the call that sends the newsletter:")
        box.fault("reject", path="/subscribers", method="POST", email="*@refused.example", times=None)
        box.fault("drop_after", path="/campaigns/*/send", method="POST")
        first = _run(airflow, "newsletter", "newsletter_dag", "Customers in, newsletter out, waiting for it")
        print("The same run is cleared and runs again:")
        second = _run(airflow, "newsletter", "newsletter_dag", "Customers in, newsletter out once more")
        figures = _figures(box, there, export, first, second)
    _print(figures, time.monotonic() - began)
    return 0 if all(figure.is_right for figure in figures) else 1


def write_customers(box: Sandbox, path: Path) -> None:
    """Write a customers table with everything such tables have in them."""
    people = [json.loads(line) for line in box.subscribers()]
    active = [person for person in people if person["status"]["email"] == "active" and _plan(person)]
    gone = [person for person in people if person["status"]["email"] == "unsubscribed"]
    newsletter = [person for person in active if _is_in_newsletter(person)]
    rows: list[tuple[str, str, str, str]] = []
    rows += [(p["email"], p["firstname"], p["lastname"], _plan(p)) for p in newsletter[:UNCHANGED]]
    rows += [(p["email"], "Renamed", p["lastname"], _plan(p)) for p in newsletter[UNCHANGED : UNCHANGED + CHANGED]]
    rows += [(f"customer-{number}@example.org", "New", "Customer", "starter") for number in range(NEW)]
    rows += [(f"customer-{number}@example.org", "New", "Customer", "starter") for number in range(DUPLICATES)]
    rows += [(f"malformed {number}", "No", "Address", "free") for number in range(MALFORMED)]
    rows += [(f"customer-{number}@refused.example", "Not", "Wanted", "free") for number in range(REFUSED)]
    rows += [(p["email"], "Come", "Back", _plan(p)) for p in gone[:HELD]]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "first_name", "last_name", "plan", "customer_no"])
        writer.writerows((*row, number) for number, row in enumerate(rows, start=1))


def _plan(person: dict[str, Any]) -> str:
    return next((str(column["value"]) for column in person["columns"] if column["title"] == "Plan"), "")


def _is_in_newsletter(person: dict[str, Any]) -> bool:
    return any(tag["title"] == "Newsletter" for tag in person["subscriber_tags"])


def _run(airflow: LocalAirflow, module: str, attribute: str, what: str) -> dict[str, Any]:
    results = DEMO / "results.json"
    conf = json.dumps({"storage": str(FILES), "customers": str(FILES / "customers.csv")})
    command = [sys.executable, str(ROOT / "scripts" / "run_dag.py"), f"example_dags.{module}", attribute, LOGICAL_DATE]
    run_showing_life(f"  {what}", [*command, conf, str(results)], airflow.environment, LOGS / f"{module}.log")
    returned: dict[str, Any] = json.loads(results.read_text())
    return returned


def _figures(
    box: Sandbox, there: list[bytes], export: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> list[Figure]:
    counters = box.counters()
    rejected = [json.loads(line) for line in next(FILES.glob("rejected-*.jsonl")).read_text().splitlines()]
    (campaign,) = counters["campaigns"].values()
    upserted, again = first["upsert_customers"], second["upsert_customers"]
    created = sum(box.subscriber(f"customer-{number}@example.org") is not None for number in range(NEW))
    active_again = sum(
        _is_active(box, row["email"])
        for row in _customers()
        if (row["first_name"], row["last_name"]) == ("Come", "Back")
    )
    return [
        Figure("Subscribers there before the export", len(there), SUBSCRIBERS),
        Figure("  exported as JSONL, byte for byte the same", _same_bytes(there), SUBSCRIBERS),
        Figure("  exported as CSV, distinct addresses", _csv_addresses(), SUBSCRIBERS),
        Figure("Customers sent", upserted["sent"], CHANGED + NEW),
        Figure("  new ones found in the account", created, NEW),
        Figure("  unchanged, so not sent", upserted["unchanged"], UNCHANGED),
        Figure("  rejected, each with its reason on file", len(rejected), MALFORMED + REFUSED),
        Figure("  held: they had unsubscribed", upserted["held"], HELD),
        Figure("  of these active again", active_again, 0),
        Figure("  sent when the run was repeated", again["sent"], 0),
        Figure("Campaigns made in two runs", len(counters["campaigns"]), 1),
        Figure("  state", campaign["status"], "SENT"),
        Figure("  mails", campaign["mails"], campaign["recipients"]),
        Figure("Most mails to any one recipient", counters["max_mails_per_recipient"], 1),
        Figure("Requests refused for coming too fast (429)", counters["rate_limited"], 0),
        Figure("Requests in all", counters["requests"]),
    ]


def _customers() -> list[dict[str, str]]:
    with (FILES / "customers.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _is_active(box: Sandbox, email: str) -> bool:
    person = box.subscriber(email)
    return person is not None and bool(person["status"]["email"] == "active")


def _same_bytes(there: list[bytes]) -> int:
    """Return how many of the account's lines are in the export's parts, each counted once."""
    directory = next(FILES.glob("subscribers/*/"))
    manifest = json.loads((directory / "_manifest.json").read_text())
    parts = [gzip.decompress((directory / part["name"]).read_bytes()) for part in manifest["parts"]]
    lines = [line for part in parts for line in part.splitlines()]
    if len(lines) != len(there):
        return 0
    return sum(one == other for one, other in zip(sorted(lines), there, strict=True))


def _csv_addresses() -> int:
    with next(FILES.glob("subscribers-*.csv")).open(newline="", encoding="utf-8") as file:
        return len({row["E-mail"] for row in csv.DictReader(file)})


def _print(figures: list[Figure], seconds: float) -> None:
    print()
    for figure in figures:
        found = f"{figure.found:,}" if isinstance(figure.found, int) else str(figure.found)
        note = "" if figure.is_right else f"   WRONG: must be {figure.wanted}"
        print(f"  {figure.what:<46}{found:>12}{note}")
    print()
    print(f"  Exports, customers and rejected rows: {FILES.relative_to(ROOT)}/")
    print(f"  What Airflow logged: {LOGS.relative_to(ROOT)}/")
    wrong = sum(not figure.is_right for figure in figures)
    print(f"  {'All figures are what they must be' if not wrong else f'{wrong} figures are wrong'} ({seconds:.0f} s).")


if __name__ == "__main__":
    sys.exit(main())
