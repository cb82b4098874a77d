"""Upserts into accounts that are written, looked up or only read in calls for many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_sender.client.errors import InvalidRequestError, ServiceFailureError
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.client.subscribers import Consent, Field, Subscriber
from airflow_provider_sender.jobs.outcome import Upsert
from airflow_provider_sender.jobs.upsert import upsert
from tests.jobs.accounts import MemoryService


class InBatches(MemoryService):
    """Finds fifty people at a time and writes ten; addresses that begin with ``bad`` are refused."""

    largest_lookup = 50
    largest_write = 10
    is_certain = True

    def find_subscribers(self, keys: Sequence[str]) -> dict[str, Subscriber]:
        assert 0 < len(keys) <= self.largest_lookup
        self.asked("find_subscribers")
        found = {key: self._find(key) for key in keys}
        return {key: person for key, person in found.items() if person is not None}

    def find_subscriber(self, key: str) -> Subscriber | None:
        raise AssertionError("people are looked up in calls for many here")

    def write_subscribers(self, writes: Sequence[Write], *, trigger_automation: bool) -> Sequence[WriteResult]:
        assert 0 < len(writes) <= self.largest_write
        self.asked("write_subscribers")
        return [self._result(write) for write in writes]

    def _result(self, write: Write) -> WriteResult:
        there = self._find(write.change.key)
        assert write.is_new == (there is None) == (write.current is None)
        if write.change.key.startswith("bad"):
            return WriteResult(refusal=InvalidRequestError("No such domain.", status=422))
        act = super().create_subscriber if write.is_new else super().update_subscriber
        act(write.change, trigger_automation=False)
        return WriteResult(is_certain=self.is_certain)


class OnlyListed(InBatches):
    """Finds nobody by address: whoever wants to know must read the whole account."""

    capabilities = frozenset(Capability) - {Capability.FIND_SUBSCRIBER}
    largest_lookup = 1

    def find_subscribers(self, keys: Sequence[str]) -> dict[str, Subscriber]:
        raise AssertionError("nobody can be looked up here")


KINDS = pytest.mark.parametrize("kind", [InBatches, OnlyListed])


def account(kind: type[InBatches], size: int, **more: Any) -> InBatches:
    people = [Subscriber(f"s{n}", f"p{n}@x.lt", firstname="Old", consent=Consent.ACTIVE) for n in range(size)]
    return kind(people, fields=[Field("plan")], **more)


def rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@x.lt", **values} for number in range(count)]


def calls(service: MemoryService) -> Counter[str]:
    return Counter(call for call in service.calls if call.endswith("subscribers") or call == "listing")


def test_a_hundred_rows_cost_a_few_lookups_and_writes() -> None:
    service = account(InBatches, 60)
    outcome = upsert(service, rows(100, firstname="New"), Upsert())
    assert (outcome.created, outcome.updated, outcome.rejected, outcome.unconfirmed) == (40, 60, 0, 0)
    assert {person.firstname for person in service.people.values()} == {"New"}
    # Reading the account costs one call here, and leaves forty to be looked up; those in chunks of fifty rows.
    assert calls(service)["write_subscribers"] == 10
    assert calls(service)["listing"] + calls(service)["find_subscribers"] <= 3


def test_an_account_that_can_only_be_read_is_read_and_nobody_looked_up() -> None:
    service = account(OnlyListed, 1)
    outcome = upsert(service, rows(2, firstname="New"), Upsert())
    assert (outcome.created, outcome.updated) == (1, 1)
    assert calls(service) == {"listing": 1, "write_subscribers": 1}


@KINDS
def test_a_refused_row_does_not_stop_the_others_of_its_call(kind: type[InBatches]) -> None:
    service = account(kind, 5)
    wanted = [*rows(12), {"email": "bad@x.lt"}, {"email": "good@x.lt"}]
    outcome = upsert(service, [{**row, "firstname": "New"} for row in wanted], Upsert())
    assert (outcome.sent, outcome.rejected) == (13, 1)
    assert sum(outcome.reasons.values()) == 1
    assert len(service.people) == 13


@KINDS
def test_nobody_who_opted_out_is_written(kind: type[InBatches]) -> None:
    service = account(kind, 3)
    service.people["s1"] = Subscriber("s1", "p1@x.lt", consent=Consent.UNSUBSCRIBED)
    outcome = upsert(service, rows(4, firstname="New", status="active"), Upsert())
    assert (outcome.held, outcome.created, outcome.updated) == (1, 1, 2)
    assert service.people["s1"].consent is Consent.UNSUBSCRIBED
    assert service.people["s1"].firstname is None


@KINDS
def test_with_a_ledger_only_changes_are_written_and_whoever_left_is_created_anew(
    kind: type[InBatches], tmp_path: Path
) -> None:
    service, ledger = account(kind, 0), UPath(tmp_path / "ledger.sqlite")
    wanted = rows(30, firstname="New")
    upsert(service, wanted, Upsert(), ledger_path=ledger)
    service.calls.clear()
    assert upsert(service, wanted, Upsert(), ledger_path=ledger).unchanged == 30
    assert calls(service) == {}
    gone = service._find("p7@x.lt")
    assert gone is not None
    del service.people[gone.id]
    wanted[7]["firstname"] = wanted[8]["firstname"] = "Newer"
    outcome = upsert(service, wanted, Upsert(), ledger_path=ledger)
    assert (outcome.created, outcome.updated, outcome.unchanged) == (1, 1, 28)
    assert calls(service)["write_subscribers"] == 1


@KINDS
def test_what_is_not_certain_is_counted_and_not_taken_for_known(kind: type[InBatches], tmp_path: Path) -> None:
    service, ledger = account(kind, 0), UPath(tmp_path / "ledger.sqlite")
    service.is_certain = False
    outcome = upsert(service, rows(3, firstname="New"), Upsert(), ledger_path=ledger)
    assert (outcome.sent, outcome.unconfirmed) == (0, 3)
    service.is_certain = True
    again = upsert(service, rows(3, firstname="New"), Upsert(), ledger_path=ledger)
    assert (again.unchanged, again.sent) == (3, 0)
    assert upsert(service, rows(3, firstname="New"), Upsert(), ledger_path=ledger).requests == 0


@KINDS
def test_a_dry_run_says_what_the_real_run_does(kind: type[InBatches]) -> None:
    service = account(kind, 20)
    plan = upsert(service, rows(30, firstname="New"), Upsert(dry_run=True))
    assert calls(service)["write_subscribers"] == 0
    real = upsert(service, rows(30, firstname="New"), Upsert())
    assert (plan.created, plan.updated) == (real.created, real.updated) == (10, 20)


def test_a_call_that_fails_half_way_is_made_again_by_the_next_run(tmp_path: Path) -> None:
    service, ledger = account(InBatches, 0), UPath(tmp_path / "ledger.sqlite")
    written = 0

    def before(call: str) -> None:
        nonlocal written
        written += call == "write_subscribers"
        if written == 2:
            raise ServiceFailureError("down", method="POST", path="/")

    service.before = before
    with pytest.raises(ServiceFailureError):
        upsert(service, rows(30, firstname="New"), Upsert(), ledger_path=ledger)
    service.before = lambda call: None
    outcome = upsert(service, rows(30, firstname="New"), Upsert(), ledger_path=ledger)
    assert (outcome.created, outcome.unchanged) == (20, 10)
    assert len(service.people) == 30
