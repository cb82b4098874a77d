"""Accounts, loads of them into a table, and what the table should hold then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec

from airflow_provider_sender.client.paging import ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.sandbox.remote import Sandbox
from airflow_provider_sender.sql.connections import engine_of, hook_of
from airflow_provider_sender.sql.loading import Load, Loaded, Mode, load_subscribers
from airflow_provider_sender.sql.table import TableName
from tests.databases import Database
from tests.jobs.accounts import MemoryListing, MemoryService

FIELDS = (Field("Plan"), Field("Visits", FieldType.NUMBER), Field("Renewal date", FieldType.DATETIME))


def people(count: int, **changes: Any) -> list[Subscriber]:
    """Return made-up people, all of them with the same values in what is changed."""
    person = Subscriber("", consent=Consent.ACTIVE, created=datetime(2026, 1, 31, 8, tzinfo=UTC), groups=("vip",))
    person = msgspec.structs.replace(person, **changes)
    return [
        msgspec.structs.replace(person, id=f"id{number}", email=f"person{number}@example.com")
        for number in range(count)
    ]  # fmt: skip


def load(service: Service, table: str = "people", *, mode: str = "replace", **how: Any) -> Loaded:
    """Load an account into a table of the connection ``warehouse``."""
    engine = engine_of(hook_of("warehouse"), "warehouse")
    what = Load(TableName(table, how.pop("schema", None)), Mode(mode), **how)
    return load_subscribers(service, engine, what, database="connection 'warehouse'")


def context(**ti: Any) -> Any:
    """Return a task's context, as far as the operators use it."""
    known = {"dag_id": "dag", "task_id": "task", "run_id": "run", "map_index": -1, "try_number": 1}
    return {"ti": SimpleNamespace(**{**known, "xcom_push": lambda **_: None, **ti})}


class Unsteady(MemoryService):
    """An account in memory that counts more people than it lists."""

    counted = 0

    def subscribers(self, group_id: str | None = None) -> MemoryListing:
        return _UnsteadyListing(self, list(self.people.values()), self.batch)


class _UnsteadyListing(MemoryListing):
    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        for rows in super().walk(seen, report, on_drift):
            report.total_at_start = report.total_at_end = self._account.counted  # type: ignore[attr-defined]
            yield rows


def account_of(sandbox: Sandbox, dialect: str) -> dict[str, dict[str, Any]]:
    """Return what a table with all columns should hold, worked out from the service's own answers."""
    return {row["id"]: row for row in _rows(map(json.loads, sandbox.subscribers()), dialect)}


# What the service calls otherwise.
_STATUSES = {"spam_reported": "complained"}


def _rows(subscribers: Iterator[Any], dialect: str) -> Iterator[dict[str, Any]]:
    time: Callable[[str | None], object] = _moment if dialect == "postgresql" else _text
    for each in subscribers:
        values = {column["title"]: column["value"] for column in each["columns"]}
        yield {
            **{name: each[name] for name in ("id", "email", "firstname", "lastname", "phone", "location")},
            "status": _STATUSES.get(each["status"]["email"], each["status"]["email"]),
            "transactional_status": _STATUSES.get(each["status"]["temail"], each["status"]["temail"]),
            **{name: time(each[name]) for name in ("created", "unsubscribed_at", "bounced_at")},
            "ip_address": each["ip_address"],
            "source": each.get("source"),
            "groups": json.dumps([tag["id"] for tag in each["subscriber_tags"]], separators=(",", ":")),
            "other_fields": None,
            "fields.Plan": values.get("Plan"),
            "fields.Visits": values.get("Visits"),
            "fields.Renewal date": time(values.get("Renewal date")),
        }


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(text: str | None) -> str | None:
    moment = _moment(text)
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def texts(rows: Mapping[str, Mapping[str, Any]], column: str) -> list[Any]:
    """Return what stands in a column, in the order of keys."""
    return [rows[key][column] for key in sorted(rows)]


def versions(database: Database, table: str = "people") -> Sequence[tuple[Any, ...]]:
    """Return how often each first name is in a table."""
    return database.select(f"select firstname, count(*) from {table} group by firstname")
