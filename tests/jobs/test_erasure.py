from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.jobs.batches import UnsettledError
from airflow_provider_sender.jobs.erasure import Erased, ErasureRefusedError, erase
from airflow_provider_sender.jobs.formats import UnreadableRow
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of
from tests.jobs.groups import GroupAccount, Time, people
from tests.jobs.runs import Notes, killed_at, run, steps_of

ABSENT = ["absent@x.lt", "never@x.lt"]


def rows(*addresses: str) -> list[dict[str, Any]]:
    return [{"email": each} for each in addresses]


def addresses(sandbox: Sandbox) -> list[str]:
    return [json.loads(line)["email"] for line in sandbox.subscribers()]


def do(service: Any, time: Time, *named: str, timeout: float = 600.0) -> Erased:
    return erase(service, rows(*named), parameter="emails", timeout=timeout, clock=time.clock())


def calls(sandbox: Sandbox) -> dict[str, int]:
    return {name: count for name, count in sandbox.counters()["by_path"].items() if count}


# Gone


@pytest.mark.parametrize("delay", [0, 40])
def test_those_who_were_there_are_gone_when_it_ends_and_all_others_are_not(
    sender_sandbox: Sandbox, delay: float
) -> None:
    sender_sandbox.reset(subscribers=20, delete_seconds=delay)
    everybody, time = addresses(sender_sandbox), Time(sender_sandbox)

    done = do(service_of(sender_sandbox), time, *everybody[:5], everybody[0].upper(), *ABSENT)

    assert (done.deleted, done.missing) == (5, 2)
    assert addresses(sender_sandbox) == everybody[5:]
    assert time.naps == ([1.0, 2.0, 4.0, 8.0, 16.0, 30.0] if delay else [])
    again = do(service_of(sender_sandbox), time, *everybody[:5], *ABSENT)
    assert (again.deleted, again.missing) == (0, 7)


def test_while_waiting_only_one_of_them_is_looked_for(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=30, delete_seconds=100)
    everybody, time = addresses(sender_sandbox), Time(sender_sandbox)
    done = do(service_of(sender_sandbox), time, *everybody[:2])
    # Two to see whether they are there, two to see that they are gone, one each time it was too early, one to count.
    assert done.requests == 2 + 1 + 2 + len(time.naps) + calls(sender_sandbox).get("GET /subscribers", 0)
    assert max(time.naps) == 30.0


def test_many_are_looked_for_by_reading_the_account(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=500, delete_seconds=3)
    everybody = addresses(sender_sandbox)
    done = do(service_of(sender_sandbox), Time(sender_sandbox), *everybody[:250], *ABSENT)
    assert (done.deleted, done.missing) == (250, 2)
    assert addresses(sender_sandbox) == everybody[250:]
    made = calls(sender_sandbox)
    assert made["DELETE /subscribers"] == 3 + 1
    assert made["GET /subscribers/{key}"] == 3  # after 0, 1 and 3 seconds
    assert done.requests == sum(made.values()) <= 4 + 3 + 2 * 8


def test_a_service_without_a_list_of_everybody_is_asked_about_each() -> None:
    class Unlisted(GroupAccount):
        capabilities = frozenset(Capability) - {Capability.LIST_ACCOUNT}

    account = Unlisted(people(*(f"p{number}@x.lt" for number in range(10))))
    assert do(account, Time(), *(f"p{number}@x.lt" for number in range(5, 15))).deleted == 5
    assert "listing" not in account.calls
    assert len(account.people) == 5


def test_whoever_is_not_shown_yet_is_deleted_all_the_same(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=5, listing_delay_seconds=60)
    service = service_of(sender_sandbox)
    service.client.upsert_subscriber({"email": "new@x.lt"})
    named = [*addresses(sender_sandbox), "new@x.lt"]
    # Six are read in one page, which does not show the newest.
    do(service, Time(), *named)
    assert sender_sandbox.subscriber("new@x.lt") is None


def test_nobody_asked_to_be_erased_is_nothing_to_do() -> None:
    account = GroupAccount(people("a@x.lt"))
    assert do(account, Time()) == Erased(deleted=0, missing=0, requests=0)
    assert account.calls == []


# Not gone, or not at all


def test_people_who_are_not_gone_in_time_are_counted_and_the_next_run_goes_on(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=10, delete_seconds=100)
    everybody, time = addresses(sender_sandbox), Time(sender_sandbox)
    sender_sandbox.seed(rows=[{"email": "late@x.lt"}])

    with pytest.raises(UnsettledError, match=r"4 of 4 people .* after 60 s.*Run it again, which is safe"):
        do(service_of(sender_sandbox), time, *everybody[:3], "late@x.lt", timeout=60)

    assert time.seconds == 60
    again = do(service_of(sender_sandbox), time, *everybody[:3], "late@x.lt", timeout=60)
    assert (again.deleted, again.missing) == (4, 0)
    assert addresses(sender_sandbox) == everybody[3:]


def test_those_who_went_in_time_are_not_counted_among_those_who_did_not() -> None:
    class Stubborn(GroupAccount):
        def delete_subscribers(self, emails: Sequence[str]) -> None:
            super().delete_subscribers([each for each in emails if each != "z@x.lt"])

    account = Stubborn(people("a@x.lt", "b@x.lt", "z@x.lt"))
    with pytest.raises(UnsettledError, match="1 of 3 people"):
        do(account, Time(), "a@x.lt", "b@x.lt", "z@x.lt")


@pytest.mark.parametrize("bad", [{"email": "nope"}, {}, {"mail": "a@x.lt"}, UnreadableRow("{", "the line is not JSON")])
def test_a_row_that_names_nobody_stops_it_before_anything_is_asked(bad: Any) -> None:
    account = GroupAccount(people("a@x.lt"))
    with pytest.raises(ConfigurationError, match=r"input_path: 1 rows hold no usable address \(row 2: ") as caught:
        erase(account, [*rows("a@x.lt"), bad, *rows("b@x.lt")], parameter="input_path", timeout=600)
    assert "@" not in str(caught.value)
    assert account.calls == []


def test_of_many_bad_rows_some_are_pointed_out() -> None:
    with pytest.raises(ConfigurationError, match=r"emails: 50 rows .*row 10: malformed address \.\.\.\)") as caught:
        do(GroupAccount(), Time(), *("nope",) * 50)
    assert "row 11" not in str(caught.value)


def test_columns_say_where_the_address_is() -> None:
    account = GroupAccount(people("a@x.lt", "b@x.lt"))
    source = [{"who": "a@x.lt", "email": "b@x.lt", "x": object()}]
    done = erase(account, source, parameter="emails", columns={"who": "email", "email": None}, timeout=1)
    assert done.deleted == 1
    assert [each.email for each in account.people.values()] == ["b@x.lt"]


def test_whoever_the_service_refuses_to_delete_is_told_after_the_others_are_gone() -> None:
    class Picky(GroupAccount):
        def delete_subscribers(self, emails: Sequence[str]) -> None:
            self.asked("asked")
            if "b@x.lt" in emails:
                raise InvalidRequestError("Invalid.", errors={"subscribers.1": ["b@x.lt is protected"]})
            super().delete_subscribers(emails)

    account = Picky(people("a@x.lt", "b@x.lt", "c@x.lt"))
    with pytest.raises(ErasureRefusedError, match=r"refuses to delete some; row 2: <address> is protected\."):
        do(account, Time(), "a@x.lt", "b@x.lt", "c@x.lt")
    assert [each.email for each in account.people.values()] == ["b@x.lt"]


# Faults, ends, logs


def test_lost_answers_failures_and_limits_do_not_change_the_outcome(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=300, delete_seconds=3)
    everybody, time = addresses(sender_sandbox), Time(sender_sandbox)
    for skip, kind in enumerate(["drop_after", "status", "garble", "rate_limit", "drop_before"]):
        options: dict[str, Any] = {"status": 500} if kind == "status" else {}
        sender_sandbox.fault(kind, path="/subscribers", method="DELETE", skip=skip, **options)
        sender_sandbox.fault(kind, path="/subscribers", method="GET", skip=3 * skip, **options)
        sender_sandbox.fault(kind, path="/subscribers/*", method="GET", skip=skip, **options)

    done = do(service_of(sender_sandbox), time, *everybody[:150], *ABSENT)

    assert [each["fired"] for each in sender_sandbox.faults()] == [1] * 15
    assert (done.deleted, done.missing) == (150, 2)
    assert addresses(sender_sandbox) == everybody[150:]


def test_an_account_that_moves_meanwhile(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=600, delete_seconds=3)
    everybody = addresses(sender_sandbox)
    sender_sandbox.fault("delete_subscribers", path="/subscribers", method="GET", where="random", times=8, skip=1)
    sender_sandbox.fault("add_subscribers", path="/subscribers", method="GET", where="last", times=8, skip=1)
    done = do(service_of(sender_sandbox), Time(sender_sandbox), *everybody[:200])
    assert done.deleted + done.missing == 200
    assert not set(everybody[:200]) & set(addresses(sender_sandbox))


def test_a_run_killed_at_any_request_is_made_good_by_the_next(sender_sandbox: Sandbox) -> None:
    def begin() -> list[str]:
        sender_sandbox.reset(subscribers=120, delete_seconds=2)
        return addresses(sender_sandbox)

    everybody = begin()

    def job(service: Any, notes: Any, sleep: Any) -> Erased:
        return do(service, Time(sender_sandbox), *everybody[:110], *ABSENT)

    steps = steps_of(sender_sandbox, job)
    assert steps >= 10
    for step in range(steps):
        for is_done in (False, True):
            everybody = begin()
            killed_at(sender_sandbox, job, Notes(), step, is_done=is_done)
            run(sender_sandbox, job, Notes())
            assert addresses(sender_sandbox) == everybody[110:], (step, is_done)


def test_the_log_begins_with_the_plan_and_names_nobody(
    sender_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sender_sandbox.reset(subscribers=5, delete_seconds=2, requests_per_window=1_000)
    caplog.set_level(logging.DEBUG)
    do(service_of(sender_sandbox), Time(sender_sandbox), *addresses(sender_sandbox)[:2], *ABSENT)
    messages = [record.getMessage() for record in caplog.records if "airflow_provider_sender" in record.name]
    assert messages[0] == (
        "Plan: 2 to be deleted, 2 are not there, 0 duplicates; 2 requests, under a minute of the account's quota, and "
        "some to see that they are gone"
    )
    assert not [text for text in messages if "@" in text]


@settings(max_examples=100, deadline=None)
@given(
    there=st.sets(st.integers(0, 15)),
    named=st.lists(st.integers(0, 15), max_size=20),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_whoever_is_there_and_whoever_is_named_the_named_are_gone_and_nobody_else(
    there: set[int], named: list[int], sizes: tuple[int, int]
) -> None:
    account = GroupAccount(people(*(f"p{number}@x.lt" for number in there)), batch=sizes[0])
    account.largest_batch = sizes[1]  # type: ignore[misc]  # of this account only
    done = do(account, Time(), *(f"P{number}@x.lt" for number in named))
    assert {each.email for each in account.people.values()} == {f"p{number}@x.lt" for number in there - set(named)}
    assert (done.deleted, done.missing) == (len(there & set(named)), len(set(named) - there))
