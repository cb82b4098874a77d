"""The demo's three accounts: who is in them, which customers come, and what is to go wrong with each service."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_sender.sandbox.remote import Json, Sandbox

GROUP = "Newsletter"
# Both services of which one asks for it know this sender.
FROM_EMAIL = "hello@example.com"

UNCHANGED, CHANGED, NEW, MALFORMED, REFUSED, HELD, DUPLICATES = 300, 40, 20, 5, 5, 10, 5


@dataclass(frozen=True)
class Kind:
    """One of the services, and the few words in which its look-alike differs.

    :param conn_id: the connection; all that the demo changes from one service to the next.
    :param connection: the sandbox's property with that connection.
    :param subscribers: how many people there are to be exported: fewer where calls are slow.
    :param settings: knobs of the sandbox.
    :param listing: path of the calls that read subscribers.
    :param start: path of the call that has mails sent.
    :param writing: path of the call for one customer, where the service refuses a single one by its answer.
    :param names: custom fields that are to hold the names, where they are not in every row anyway.
    """

    name: str
    conn_id: str
    connection: str
    subscribers: int
    settings: dict[str, Json]
    listing: str
    start: str
    writing: str | None = None
    names: tuple[str, ...] = ()


KINDS = (
    # A window shorter than Sender's minute, so that waiting for the next one can be watched without waiting minutes.
    Kind("Sender", "sender_default", "connection", 4_000, {"requests_per_window": 60, "window_seconds": 3},
         "/subscribers", "/campaigns/*/send", writing="/subscribers"),
    # Its own pace: 10 requests a second. Whoever it does not want is in the list afterwards, as rejected.
    Kind("SendPulse", "sendpulse_default", "sendpulse_connection", 2_000, {"sendpulse_requests_per_second": 10},
         "/addressbooks/*/emails", "/campaigns", names=("firstname", "lastname")),
    # Likewise. An import skips whom it does not want without a word; the call for a single contact says why.
    Kind("Sendara", "sendara_default", "sendara_connection", 3_000,
         {"sendara_requests_per_second": 10, "sendara_import_skips": "*@refused.invalid"},
         "/v1/contacts", "/v1/broadcasts/*/send", writing="/v1/contacts"),
)  # fmt: skip


@dataclass
class Account:
    """A service's account in a sandbox of its own.

    :param files: folder of what the DAGs read and write.
    :param people: who is in it.
    """

    kind: Kind
    box: Sandbox
    files: Path
    people: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection(self) -> dict[str, object]:
        """The Airflow connection."""
        return {**getattr(self.box, self.kind.connection), "extra": json.dumps({"settle_time": 2})}

    @property
    def customers(self) -> Path:
        """The customers table."""
        return self.files / "customers.csv"

    @property
    def readers(self) -> int:
        """How many people the newsletter goes to: those of the group, and the new customers."""
        return sum(_gets_newsletter(person) for person in self.people) + NEW

    @property
    def gone(self) -> set[str]:
        """Who had unsubscribed before anything began."""
        return {person["email"] for person in self.people if person["status"] == "unsubscribed"}

    def furnish(self) -> None:
        """Begin anew, with people."""
        self.box.reset(subscribers=0, send_seconds=2, **self.kind.settings)
        self.people = list(_people(self.kind))
        self.box.seed(rows=self.people)

    def order_faults(self) -> None:
        """Have reads fail now and then, some customers refused, and the reply to the call that sends lost."""
        self.box.fault("status", path=self.kind.listing, method="GET", status=503, every=20, times=None)
        if self.kind.writing is not None:
            self.box.fault("reject", path=self.kind.writing, method="POST", email="*@refused.invalid", times=None)
        self.box.fault("drop_after", path=self.kind.start, method="POST")

    def faults_fired(self, kind: str) -> int:
        """Return how often a kind of fault happened."""
        return sum(fault["fired"] for fault in self.box.faults() if fault["kind"] == kind)

    def write_customers(self) -> None:
        """Write a customers table with everything such tables have in them."""
        readers = [person for person in self.people if _gets_newsletter(person)]
        gone = [person for person in self.people if person["status"] == "unsubscribed"]
        rows: list[tuple[str, str, str, str]] = []
        rows += [_customer(person) for person in readers[:UNCHANGED]]
        rows += [_customer(person, "Renamed") for person in readers[UNCHANGED : UNCHANGED + CHANGED]]
        rows += [(f"customer-{number}@example.org", "New", "Customer", "starter") for number in range(NEW)]
        rows += [(f"customer-{number}@example.org", "New", "Customer", "starter") for number in range(DUPLICATES)]
        rows += [(f"malformed {number}", "No", "Address", "free") for number in range(MALFORMED)]
        rows += [(f"customer-{number}@refused.invalid", "Not", "Wanted", "free") for number in range(REFUSED)]
        rows += [_customer(person, "Back") for person in gone[:HELD]]
        with self.customers.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["email", "first_name", "last_name", "plan", "customer_no"])
            writer.writerows((*row, number) for number, row in enumerate(rows, start=1))


@contextmanager
def accounts(files: Path) -> Iterator[list[Account]]:
    """Open an account of each service, with people in it.

    :param files: folder in which each gets a folder of its own.
    """
    with ExitStack() as stack:
        opened = [Account(kind, stack.enter_context(Sandbox.start()), files / kind.name.lower()) for kind in KINDS]
        for account in opened:
            account.files.mkdir(parents=True)
            account.furnish()
            account.write_customers()
        yield opened


def _people(kind: Kind) -> Iterator[dict[str, Any]]:
    """Yield an account's people: most in the newsletter's group, one in ten of them gone."""
    for number in range(kind.subscribers):
        names = {"firstname": f"First {number}", "lastname": f"Last {number % 97}"}
        yield {
            "email": f"subscriber-{number}@example.com",
            **names,
            "status": "unsubscribed" if number % 10 == 3 else "active",
            "groups": ["Customers"] if number % 5 == 4 else [GROUP],
            "fields": {"Plan": ("free", "starter", "pro")[number % 3], **{name: names[name] for name in kind.names}},
            "created": 1_704_067_200 + 600 * number,
        }


def _gets_newsletter(person: dict[str, Any]) -> bool:
    return person["status"] == "active" and GROUP in person["groups"]


def _customer(person: dict[str, Any], firstname: str | None = None) -> tuple[str, str, str, str]:
    return person["email"], firstname or person["firstname"], person["lastname"], person["fields"]["Plan"]
