"""What came of the demo: figures from the sandboxes' own counters and from the files, each with what it must be."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scripts.demo_accounts import CHANGED, HELD, MALFORMED, NEW, REFUSED, UNCHANGED, Account

# Task -> what it returned.
Returned: TypeAlias = Mapping[str, Any]
FoundAndWanted: TypeAlias = "tuple[object, object]"

WIDTH, COLUMN = 48, 14


@dataclass(frozen=True)
class Runs:
    """What the tasks of a service's three runs returned.

    :param export: the export.
    :param newsletter: customers in, newsletter out.
    :param again: the same run, cleared.
    """

    export: Returned
    newsletter: Returned
    again: Returned


@dataclass(frozen=True)
class Figure:
    """A line of the table.

    :param found: one value for each service.
    :param wanted: what each must be; None where it is only told.
    """

    what: str
    found: Sequence[object]
    wanted: Sequence[object]

    @property
    def wrong(self) -> list[int]:
        """Places of the values that are not what they must be."""
        pairs = enumerate(zip(self.found, self.wanted, strict=True))
        return [place for place, (found, wanted) in pairs if wanted is not None and found != wanted]


def figures(accounts: Sequence[Account], runs: Sequence[Runs]) -> list[Figure]:
    """Return the table's lines."""
    columns = [_column(account, each) for account, each in zip(accounts, runs, strict=True)]
    return [
        Figure(what, [column[what][0] for column in columns], [column[what][1] for column in columns])
        for what in columns[0]
    ]


def table(names: Sequence[str], lines: Sequence[Figure]) -> str:
    """Return the table as text; beneath it, what is wrong."""
    rows = [" " * WIDTH + "".join(f"{name:>{COLUMN}}" for name in names)]
    complaints = []
    for each in lines:
        cells = [f"{_text(value)}{'!' if place in each.wrong else ' '}" for place, value in enumerate(each.found)]
        # One to the right, so that the figures end where the names do.
        rows.append(f"{each.what:<{WIDTH + 1}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells).rstrip())
        complaints += [
            f"WRONG: {each.what.strip()}, {names[place]}: must be {_text(each.wanted[place])}" for place in each.wrong
        ]
    return "\n".join(f"  {line}" for line in (*rows, *complaints))


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _column(account: Account, runs: Runs) -> dict[str, FoundAndWanted]:
    """Return a service's figures and what they must be, by what they are."""
    counters = account.box.counters()
    people = {person["email"] for person in account.people}
    upserted, again = runs.newsletter["upsert_customers"], runs.again["upsert_customers"]
    rejects = next(account.files.glob("2-rejected-*.jsonl")).read_text(encoding="utf-8").splitlines()
    mailed = {email for campaign_id in counters["campaigns"] for email in account.box.mails(campaign_id)}
    return {
        "Subscribers there before the export": (len(people), account.kind.subscribers),
        "  exported as JSONL, each of them once": (_once(_jsonl_addresses(account), people), len(people)),
        "  exported as CSV, each of them once": (_once(_csv_addresses(account), people), len(people)),
        "Customers sent": (upserted["sent"], CHANGED + NEW),
        "  new ones found in the account": (_new_ones(account), NEW),
        "  unchanged, so not sent": (upserted["unchanged"], UNCHANGED),
        "  rejected, each with its reason on file": (_with_reasons(rejects), MALFORMED + REFUSED),
        "  held: they had unsubscribed": (upserted["held"], HELD),
        "  sent when the run was repeated": (again["sent"], 0),
        "Replies to the send lost on purpose": (account.faults_fired("drop_after"), 1),
        "Campaigns made in two runs": (len(counters["campaigns"]), 1),
        "  state the waiting ended with": (runs.again["wait_until_sent"]["state"], "sent"),
        "  mails": (counters["mails"], account.readers),
        "  mails to people who had unsubscribed": (len(mailed & account.gone), 0),
        "Most mails to any one recipient": (counters["max_mails_per_recipient"], 1),
        "Requests refused for coming too fast (429)": (counters["rate_limited"], 0),
        "Reads failed on purpose, and repeated": (account.faults_fired("status"), None),
        "Requests in all": (counters["requests"], None),
    }


def _once(found: list[str], people: set[str]) -> int:
    """Return how many addresses were found exactly once; none if others were found as well."""
    return len(found) if len(found) == len(set(found)) and set(found) <= people else 0


def _new_ones(account: Account) -> int:
    return sum(account.box.subscriber(f"customer-{number}@example.org") is not None for number in range(NEW))


def _with_reasons(rejects: list[str]) -> int:
    return sum(bool(json.loads(line)["reason"]) for line in rejects)


def _jsonl_addresses(account: Account) -> list[str]:
    directory = next(account.files.glob("subscribers/*/"))
    manifest = json.loads((directory / "_manifest.json").read_text(encoding="utf-8"))
    parts = [gzip.decompress((directory / part["name"]).read_bytes()) for part in manifest["parts"]]
    return [json.loads(line)["email"] for part in parts for line in part.splitlines()]


def _csv_addresses(account: Account) -> list[str]:
    with next(account.files.glob("subscribers-*.csv")).open(newline="", encoding="utf-8") as file:
        return [row["E-mail"] for row in csv.DictReader(file)]
