"""The plan: what a dry run says is what the real run then does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.rate_headers import RateState
from airflow_provider_sender.client.subscribers import Consent, Field, Group, Subscriber, SubscriberChange
from airflow_provider_sender.jobs import ledger_lock
from airflow_provider_sender.jobs.consent import ConsentMode, Decision
from airflow_provider_sender.jobs.plan import Plan
from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

CHANGE = SubscriberChange("a@x.lt", email="a@x.lt", groups=("g1", "g2"))


def service_with(limit: int | None, cap: int | None = None, **sizes: int) -> MemoryService:
    """Return an account that allows so many requests a minute; ``cap`` is what the user allows."""
    service = MemoryService()
    service.transport.settings = replace(service.transport.settings, requests_per_minute=cap)
    service.transport.budget.acquire()
    service.transport.budget.answered(RateState(limit, limit, 60.0))
    for name, size in sizes.items():
        setattr(service, name, size)
    return service


def plan_of(*decisions: Decision) -> Plan:
    plan = Plan()
    for decision in decisions:
        plan.add(decision, CHANGE)
    return plan


# What it counts


def test_everything_that_is_to_be_done_is_counted_and_costs_what_it_costs() -> None:
    plan = plan_of(
        *[Decision.CREATE] * 3,
        *[Decision.UPDATE] * 150,
        *[Decision.JOIN] * 51,
        *[Decision.UNCHANGED] * 7,
        *[Decision.HOLD] * 2,
        Decision.REJECT,
    )
    plan.complete(service_with(60), made=4)
    # Who is new joins in the call that creates them; the 201 others in three calls a group.
    assert plan.figures() == {
        "creates": 3,
        "updates": 201,
        "unchanged": 7,
        "group_adds": 2 * 201,
        "group_removals": 0,
        "held": 2,
        "rejected": 1,
        "requests": 4 + 3 + 150 + 2 * 3,
        "minutes": round((4 + 3 + 150 + 6) / 60, 1),
    }


def test_people_to_be_looked_up_first_cost_a_request_more_and_are_counted_as_new_only_when_that_is_likely() -> None:
    plan = Plan()
    plan.add_lookup(is_newcomer=True)
    plan.add_lookup(is_newcomer=False)
    plan.complete(service_with(None))
    assert (plan.creates, plan.lookups, plan.undecided, plan.requests) == (1, 2, 1, 3)
    assert "1 to create" in plan.sentence(Budget())
    assert "1 to be looked up before that is known" in plan.sentence(Budget())


def test_calls_for_many_cost_as_many_as_there_are_calls() -> None:
    plan = plan_of(*[Decision.CREATE] * 11, *[Decision.UPDATE] * 10)
    for _ in range(101):
        plan.add_lookup(is_newcomer=False)
    plan.complete(service_with(None, largest_careful_write=10, largest_lookup=50))
    assert plan.requests == 3 + 3 + 2  # writes, lookups, group additions


@pytest.mark.parametrize(
    ("limit", "cap", "minutes"), [(60, None, 2.0), (60, 30, 4.0), (60, 600, 2.0), (None, 60, 2.0), (None, None, None)]
)
def test_the_minutes_are_those_of_the_lower_limit(limit: int | None, cap: int | None, minutes: float | None) -> None:
    plan = plan_of(*[Decision.CREATE] * 120)
    plan.complete(service_with(limit, cap))
    assert plan.minutes == minutes


def test_nothing_to_do_takes_no_time_whatever_the_limit() -> None:
    plan = plan_of(Decision.UNCHANGED)
    plan.complete(MemoryService())
    assert (plan.requests, plan.minutes) == (0, 0.0)


# What it is worth


@pytest.fixture
def path(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "ledger.sqlite")


def a_story(sandbox: Sandbox, path: UPath) -> list[dict[str, Any]]:
    """Run once with a ledger, then have the rows change; return them."""
    sandbox.reset(subscribers=300, requests_per_window=1_000)
    group = service_of(sandbox).client.create_group("New").id
    rows: list[dict[str, Any]] = [{"email": f"p{number}@x.lt", "Plan": "pro"} for number in range(60)]
    sandbox.seed(rows=[{"email": "p0@x.lt", "status": "unsubscribed"}])
    upsert(service_of(sandbox), rows, Upsert(), ledger_path=path, owner="me")
    for row in rows[1:6]:
        row["Plan"] = "free"
    for row in rows[5:20]:
        row["groups"] = [group]
    rows[30]["status"] = "unsubscribed"
    rows += [{"email": f"new{number}@x.lt"} for number in range(3)]
    rows += [{"email": "bad"}, {"email": "p59@x.lt", "Plan": "pro"}]
    return rows


def test_a_dry_run_says_what_the_real_run_then_does_and_writes_nothing(
    sender_sandbox: Sandbox, path: UPath, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    rows = a_story(sender_sandbox, path)
    before, account = path.read_bytes(), sender_sandbox.subscribers()
    planned = upsert(service_of(sender_sandbox), rows, Upsert(dry_run=True), ledger_path=path, owner="other")
    assert (path.read_bytes(), sender_sandbox.subscribers()) == (before, account)
    assert {
        "creates": 3,
        "updates": 4 + 15 + 1,
        "unchanged": 60 - 1 - 20,
        "group_adds": 15,
        "group_removals": 0,
        "held": 1,
        "rejected": 1,
    }.items() <= planned.plan.figures().items()
    assert (planned.sent, planned.created, planned.updated, planned.duplicates) == (23, 3, 20, 1)
    done = upsert(service_of(sender_sandbox), rows, Upsert(), ledger_path=path, owner="me")
    names = ("sent", "created", "updated", "unchanged", "held", "rejected", "duplicates")
    assert [getattr(done, name) for name in names] == [getattr(planned, name) for name in names]
    assert planned.plan.requests <= done.requests <= planned.plan.requests + 3
    assert planned.plan.minutes == round(planned.plan.requests / 1_000, 1)
    again = upsert(service_of(sender_sandbox), rows, Upsert(dry_run=True), ledger_path=path, owner="me")
    assert (again.plan.requests, again.plan.minutes, again.requests) == (0, 0.0, 0)
    assert again.plan.unchanged == 62


def test_a_real_run_begins_with_the_plan_as_far_as_it_is_known(
    sender_sandbox: Sandbox, path: UPath, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    rows = a_story(sender_sandbox, path)
    caplog.clear()
    upsert(service_of(sender_sandbox), rows, Upsert(), ledger_path=path, owner="me")
    told = [record.getMessage() for record in caplog.records]
    (plan,) = (line for line in told if line.startswith("Plan: "))
    assert told.index(plan) < next(number for number, line in enumerate(told) if line.startswith("Done: "))
    # Four people are still to be looked up: the new ones, and who is to be unsubscribed.
    assert re.match(
        r"Plan: 0 to create, 19 to update, 39 unchanged, 15 group additions, 0 group removals, 1 held, 1 rejected, "
        r"4 to be looked up before that is known; at least 10 requests, under a minute",
        plan,
    )


def test_a_plan_of_a_first_run_counts_who_is_not_in_the_account_as_new(
    sender_sandbox: Sandbox, path: UPath, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sender_sandbox.reset(subscribers=100)
    rows = [{"email": f"subscriber-{number:06}@example.com", "lastname": "New"} for number in range(90, 110)]
    outcome = upsert(service_of(sender_sandbox), rows, Upsert(), ledger_path=path, owner="me")
    assert (outcome.plan.creates, outcome.plan.undecided) == (9, 0)
    assert outcome.created == 9
    assert outcome.plan.updates + outcome.plan.held == outcome.updated + outcome.held == 11


PEOPLE = [f"p{number}@x.lt" for number in range(6)]
STATES = st.dictionaries(
    st.sampled_from(PEOPLE),
    st.tuples(st.sampled_from(list(Consent)), st.sampled_from([(), ("g1",)]), st.sampled_from([None, "A"])),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"email": st.sampled_from([*PEOPLE, "bad"])},
        optional={
            "firstname": st.sampled_from(["A", "B"]),
            "status": st.sampled_from(["active", "unsubscribed", ""]),
            "groups": st.lists(st.sampled_from(["g1", "g2"]), max_size=2),
            "Plan": st.sampled_from(["pro", "free"]),
        },
    ),
    max_size=8,
)


class Grouped(MemoryService):
    def groups(self) -> list[Group]:
        return [Group("g1", ""), Group("g2", "")]


@given(STATES, st.lists(ROWS, min_size=1, max_size=3), st.sampled_from(ConsentMode))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_rows_and_the_account_the_plan_of_a_dry_run_is_what_happens(
    memory: str,
    state: dict[str, tuple[Consent, tuple[str, ...], str | None]],
    runs: list[list[dict[str, Any]]],
    mode: ConsentMode,
) -> None:
    ledger_lock.READ_BACK_AFTER, before = 0.0, ledger_lock.READ_BACK_AFTER
    path = UPath(f"{memory}/ledger.sqlite")
    path.fs.store.clear()
    people = [
        Subscriber(f"id of {email}", email=email, consent=consent, groups=groups, firstname=firstname)
        for email, (consent, groups, firstname) in state.items()
    ]
    service = Grouped(people, fields=[Field("Plan")])
    try:
        for rows in runs:
            planned = upsert(service, rows, Upsert(consent=mode, dry_run=True), ledger_path=path)
            done = upsert(service, rows, Upsert(consent=mode), ledger_path=path, owner="me")
            figures = planned.plan.figures()
            assert (done.created, done.updated) == (figures["creates"], figures["updates"])
            assert (done.unchanged, done.held) == (figures["unchanged"], figures["held"])
            assert done.rejected == figures["rejected"]
            assert done.requests == figures["requests"]
            assert done.duplicates == planned.duplicates
    finally:
        ledger_lock.READ_BACK_AFTER = before
