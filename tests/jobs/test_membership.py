from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport
from airflow_provider_sender.client.subscribers import Consent, Field, Membership, Subscriber
from airflow_provider_sender.jobs.batches import UnsettledError
from airflow_provider_sender.jobs.formats import UnreadableRow
from airflow_provider_sender.jobs.group import FRESH_SECONDS
from airflow_provider_sender.jobs.membership import (
    AddressesRejectedError,
    GroupSync,
    Synced,
    SyncMode,
    sync_group,
)
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.jobs.accounts import service_of
from tests.jobs.groups import GROUP, GroupAccount, Time, people, untold
from tests.jobs.runs import Notes, killed_at, run, steps_of

MIRROR = GroupSync(GROUP)
ADD = GroupSync(GROUP, SyncMode.ADD)
REMOVE = GroupSync(GROUP, SyncMode.REMOVE)
GROUP_CALLS = "/subscribers/groups/*"
# What the service says when it did nothing at all.
NOTHING_DONE: Json = {"success": True, "message": "Done", "data": []}


def rows(*addresses: str) -> list[dict[str, Any]]:
    return [{"email": each} for each in addresses]


def counts(done: Synced) -> dict[str, int]:
    names = ("added", "removed", "unchanged", "missing", "created", "rejected", "duplicates", "nameless")
    return {name: getattr(done, name) for name in names if getattr(done, name)}


def sync(account: GroupAccount, how: GroupSync, *addresses: str, **options: Any) -> Synced:
    return sync_group(account, rows(*addresses), how, **{"clock": Time().clock(), **options})


def rejects(path: UPath) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def rejects_path(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "rejects.jsonl")


class Vip:
    """A group of the sandbox.

    :param addresses: everybody on the account, oldest first.
    """

    def __init__(self, sandbox: Sandbox, members: int) -> None:
        self.sandbox = sandbox
        self.addresses = [json.loads(line)["email"] for line in sandbox.subscribers()]
        self.service = service_of(sandbox)
        self.id = self.service.client.create_group("VIP").id
        for start in range(0, members, 100):
            batch = self.addresses[start : min(start + 100, members)]
            self.service.client.add_to_group(self.id, batch)

    def members(self) -> set[str]:
        everybody = (json.loads(line) for line in self.sandbox.subscribers())
        return {each["email"] for each in everybody if self.id in (tag["id"] for tag in each["subscriber_tags"])}

    def statuses(self) -> dict[str, str]:
        everybody = (json.loads(line) for line in self.sandbox.subscribers())
        return {each["email"]: each["status"]["email"] for each in everybody}

    def sync(self, addresses: Sequence[str], mode: SyncMode = SyncMode.MIRROR, **options: Any) -> Synced:
        how = {name: options.pop(name) for name in list(options) if name in GroupSync.__dataclass_fields__}
        options.setdefault("clock", Time(self.sandbox).clock())
        return sync_group(self.service, rows(*addresses), GroupSync(self.id, mode, **how), **options)

    def calls(self) -> dict[str, int]:
        """Requests since the last call, by what they were for."""
        made = {
            name: count
            for name, count in self.sandbox.counters()["by_path"].items()
            if count and not name.startswith("GET /groups/{id}/subscribers")
        }
        before, self._before = getattr(self, "_before", {}), made
        return {name: count - before.get(name, 0) for name, count in made.items() if count > before.get(name, 0)}


@pytest.fixture(params=["reference", "pipedream"])
def spelling(request: pytest.FixtureRequest) -> Literal["reference", "pipedream"]:
    found: Literal["reference", "pipedream"] = request.param
    return found


# The three modes


def test_a_mirror_makes_the_members_the_known_people_of_the_rows_and_again_changes_nothing(
    sender_sandbox: Sandbox, spelling: str
) -> None:
    sender_sandbox.reset(subscribers=450, membership_keys=spelling)
    vip = Vip(sender_sandbox, members=300)
    before = vip.statuses()
    wanted = vip.addresses[20:330]
    source = [*wanted[5:], *(each.upper() for each in wanted[:10]), "stranger@x.lt"]

    done = vip.sync(source)

    assert counts(done) == {"added": 30, "removed": 20, "unchanged": 280, "missing": 1, "duplicates": 5}
    assert vip.members() == set(wanted)
    assert vip.statuses() == before

    vip.calls()
    again = vip.sync(source)

    assert counts(again) == {"unchanged": 310, "missing": 1, "duplicates": 5}
    # Whoever is unknown is asked about every time.
    assert vip.calls() == {"POST /subscribers/groups/{id}": 1, "GET /subscribers/{key}": 1}
    assert vip.members() == set(wanted)


def test_adding_and_removing_leave_all_others_where_they_are(sender_sandbox: Sandbox, spelling: str) -> None:
    sender_sandbox.reset(subscribers=450, membership_keys=spelling)
    vip = Vip(sender_sandbox, members=300)

    added = vip.sync([*vip.addresses[290:310], "stranger@x.lt"], SyncMode.ADD)
    # Without reading the group, the one spelling does not tell who was in it already.
    already = 10 if spelling == "pipedream" else 0
    assert counts(added) == {"added": 20 - already, "missing": 1} | ({"unchanged": already} if already else {})
    assert vip.members() == set(vip.addresses[:310])

    removed = vip.sync([*vip.addresses[300:320], "stranger@x.lt"], SyncMode.REMOVE)
    already = 10 if spelling == "pipedream" else 0
    assert counts(removed) == {"removed": 20 - already, "missing": 1} | ({"unchanged": already} if already else {})
    assert vip.members() == set(vip.addresses[:300])


def test_a_group_is_read_only_where_that_costs_no_more_than_the_calls(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=450)
    vip = Vip(sender_sandbox, members=250)

    vip.sync(vip.addresses[:200], SyncMode.ADD)
    assert vip.calls()["POST /subscribers/groups/{id}"] == 3 + 2

    read = vip.sync(vip.addresses[:300], SyncMode.ADD)
    assert counts(read) == {"added": 50, "unchanged": 250}
    assert vip.calls() == {"POST /subscribers/groups/{id}": 1}

    read = vip.sync(vip.addresses[100:450], SyncMode.REMOVE)
    assert counts(read) == {"removed": 200, "unchanged": 150}
    assert vip.calls() == {"DELETE /subscribers/groups/{id}": 2}
    assert vip.members() == set(vip.addresses[:100])


def test_mirroring_a_hundred_thousand_with_one_percent_changed_costs_the_reading_and_ten_calls() -> None:
    everybody = [f"p{number}@x.lt" for number in range(100_500)]
    account = GroupAccount([*people(*everybody[:100_000], group=True), *people(*everybody[100_000:])])

    done = sync(account, MIRROR, *everybody[500:])

    assert counts(done) == {"added": 500, "removed": 500, "unchanged": 99_500}
    assert {call: account.calls.count(call) for call in set(account.calls)} == {
        "listing": 1_000,
        "add_to_group": 5,
        "remove_from_group": 5,
    }


# Whom the account does not know


def test_people_the_account_does_not_know_are_on_file_with_the_reason(
    sender_sandbox: Sandbox, rejects_path: UPath, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sender_sandbox.reset(subscribers=10)
    vip = Vip(sender_sandbox, members=0)

    done = vip.sync([*vip.addresses, "stranger@x.lt"], rejects_path=rejects_path)

    assert counts(done) == {"added": 10, "missing": 1}
    assert rejects(rejects_path) == [
        {
            "line": 11,
            "field": "email",
            "reason": "the account knows nobody of this address",
            "row": {"email": "stranger@x.lt"},
        }
    ]
    assert "The account knows nobody of 1 of the addresses" in caplog.text


def test_people_the_account_does_not_know_are_created_in_the_group_from_their_rows(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=10, group_visibility_seconds=15)
    vip = Vip(sender_sandbox, members=0)
    vip.service.client.create_field("Tariff")
    source: list[dict[str, Any]] = [
        {"mail": "Ada@x.lt", "first": "Ada", "tariff": "pro", "rank": 7, "groups": "Rubbish; more", "id": 12},
        {"mail": "out@x.lt", "status": "unsubscribed"},
        {"mail": "bad@x.lt", "status": "undecided"},
        *({"mail": each, "status": "undecided"} for each in vip.addresses),
    ]
    how = GroupSync(vip.id, columns={"mail": "email", "first": "firstname"}, create_missing=True)

    done = sync_group(vip.service, source, how)

    assert counts(done) == {"added": 10, "created": 2, "rejected": 1}
    assert vip.members() == {*vip.addresses, "Ada@x.lt", "out@x.lt"}
    ada, out = sender_sandbox.subscriber("ada@x.lt"), sender_sandbox.subscriber("out@x.lt")
    assert ada is not None
    assert out is not None
    assert (ada["firstname"], ada["status"]["email"], out["status"]["email"]) == ("Ada", "active", "unsubscribed")
    assert [column["value"] for column in ada["columns"] if column["title"] == "Tariff"] == ["pro"]
    assert sender_sandbox.subscriber("bad@x.lt") is None


def test_a_newcomer_whom_the_service_refuses_is_rejected_and_stops_nobody(
    sender_sandbox: Sandbox, rejects_path: UPath
) -> None:
    sender_sandbox.reset()
    sender_sandbox.fault("reject", email="refused@*", times=None)
    vip = Vip(sender_sandbox, members=0)

    done = vip.sync(["a@x.lt", "refused@x.lt", "z@x.lt"], create_missing=True, rejects_path=rejects_path)

    assert counts(done) == {"created": 2, "rejected": 1}
    assert [(each["line"], each["reason"]) for each in rejects(rejects_path)] == [(2, "The email is not accepted.")]


@pytest.mark.parametrize("create_missing", [False, True])
@pytest.mark.parametrize("patch_groups", ["merge", "replace"])
def test_people_created_a_moment_ago_are_put_in_and_keep_their_other_groups_and_their_choice(
    sender_sandbox: Sandbox, patch_groups: str, create_missing: bool
) -> None:
    sender_sandbox.reset(group_visibility_seconds=15, patch_groups=patch_groups)
    vip = Vip(sender_sandbox, members=0)
    other = vip.service.client.create_group("Other").id
    vip.service.client.upsert_subscriber({"email": "new@x.lt", "groups": [other]})
    vip.service.client.upsert_subscriber({"email": "gone@x.lt"})
    vip.service.client.update_subscriber("gone@x.lt", {"subscriber_status": "UNSUBSCRIBED"})

    done = vip.sync(["new@x.lt", "gone@x.lt"], create_missing=create_missing)

    assert counts(done) == {"added": 2}
    assert vip.members() == {"new@x.lt", "gone@x.lt"}
    assert vip.statuses() == {"new@x.lt": "active", "gone@x.lt": "unsubscribed"}
    new = sender_sandbox.subscriber("new@x.lt")
    assert new is not None
    assert {tag["id"] for tag in new["subscriber_tags"]} == {vip.id, other}


def test_where_too_many_are_unknown_to_be_looked_at_they_are_asked_for_again_when_nobody_is_new_any_more() -> None:
    time = Time()
    addresses = [f"p{number}@x.lt" for number in range(150)]
    account = GroupAccount(people(*addresses[:5]), fresh=addresses[:5])

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        account.fresh.clear()

    clock = time.clock()
    clock.sleep = sleep
    done = sync(account, MIRROR, *addresses, clock=clock)

    assert counts(done) == {"added": 5, "missing": 145}
    assert time.naps == [FRESH_SECONDS]
    assert account.calls.count("add_to_group") == 4
    assert "find_subscriber" not in account.calls


@pytest.mark.parametrize("strangers", [5, 150])
def test_people_created_in_the_group_a_moment_ago_are_taken_out(strangers: int) -> None:
    time = Time()
    others = [f"p{number}@x.lt" for number in range(300)]
    account = GroupAccount(
        [*people("new@x.lt", *others, group=True), *people("else@x.lt")], fresh=["new@x.lt", "else@x.lt"], batch=10
    )
    clock = time.clock()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if time.seconds >= FRESH_SECONDS:
            account.fresh.clear()

    clock.sleep = sleep
    unknown = [f"stranger{number}@x.lt" for number in range(strangers)]
    done = sync(account, REMOVE, "new@x.lt", "else@x.lt", *unknown, clock=clock)

    assert counts(done) == {"removed": 1, "unchanged": 1, "missing": strangers}
    assert account.members() == set(others)
    assert "listing" not in account.calls


def test_nobody_is_new_to_a_run_that_took_longer_than_that_to_read_the_group() -> None:
    time = Time()
    account = GroupAccount(people("member@x.lt", group=True))
    account.before = lambda call: setattr(time, "seconds", FRESH_SECONDS) if call == "listing" else None

    done = sync(account, MIRROR, "member@x.lt", "stranger@x.lt", clock=time.clock())

    assert counts(done) == {"unchanged": 1, "missing": 1}
    assert account.calls == ["listing", "add_to_group"]
    assert time.naps == []


# Rows


def test_only_the_address_of_a_row_counts_and_a_row_without_one_stops_nobody(
    sender_sandbox: Sandbox, rejects_path: UPath
) -> None:
    sender_sandbox.reset(subscribers=4)
    vip = Vip(sender_sandbox, members=0)
    a, b, c, d = vip.addresses
    source: list[dict[str, Any] | UnreadableRow] = [
        {"who": a, "phone": "no phone", "status": "no status", "email": b, "anything": object()},
        {"who": "no address", "email": b},
        {"who": 5},
        {"email": b},
        {"who": f" {c} "},
        UnreadableRow("{", "the line is not JSON"),
        {"who": d, 7: "odd"},  # type: ignore[dict-item]  # a task may return such a thing
    ]
    how = GroupSync(vip.id, columns={"who": "email", "email": None, "anything": "fields.of the past"})

    done = sync_group(vip.service, source, how, rejects_path=rejects_path)

    assert counts(done) == {"added": 3, "rejected": 4}
    assert vip.members() == {a, c, d}
    assert [(each["line"], each["reason"]) for each in rejects(rejects_path)] == [
        (2, "malformed address"),
        (3, "is a int, not a text"),
        (4, "missing"),
        (6, "the line is not JSON"),
    ]
    told = str(AddressesRejectedError(done))
    assert told.startswith("4 rows were rejected (1 x email: malformed address; 1 x email: is a int, not a text; ")
    assert str(rejects_path) in told
    done.rejects_path = None
    assert "Give rejects_path" in str(AddressesRejectedError(done))


def test_an_address_the_service_takes_for_none_is_rejected(rejects_path: UPath) -> None:
    def refuse_b(answer: Membership) -> Membership:
        return Membership(
            **{
                name: tuple(each for each in getattr(answer, name) if each != "b@x.lt")
                for name in answer.__struct_fields__
            }
            | {"invalid": ("b@x.lt",)}
        )

    account = GroupAccount(people("a@x.lt", "b@x.lt"), distort=refuse_b)
    done = sync(account, ADD, "a@x.lt", "b@x.lt", rejects_path=rejects_path)
    assert counts(done) == {"added": 1, "rejected": 1}
    assert [(each["line"], each["reason"]) for each in rejects(rejects_path)] == [
        (2, "the service takes it for no address")
    ]


def test_a_call_refused_for_one_address_is_made_for_the_others(rejects_path: UPath) -> None:
    class Picky(GroupAccount):
        def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
            if "p7@x.lt" in emails:
                self.asked("refused")
                raise InvalidRequestError("Invalid.", errors={"subscribers.7": ["p7@x.lt is on a blocklist"]})
            return super().add_to_group(group_id, emails, trigger_automation=trigger_automation)

    addresses = [f"p{number}@x.lt" for number in range(100)]
    account = Picky(people(*addresses))
    done = sync(account, ADD, *addresses, rejects_path=rejects_path)
    assert counts(done) == {"added": 99, "rejected": 1}
    assert account.members() == set(addresses) - {"p7@x.lt"}
    assert [(each["line"], each["reason"]) for each in rejects(rejects_path)] == [(8, "<address> is on a blocklist")]
    assert account.calls.count("refused") <= 8


# An empty group


@pytest.mark.parametrize("source", [[], [{"email": "nope"}, {"mail": "a@x.lt"}]])
def test_a_mirror_of_nobody_is_refused_before_anything_is_asked(source: list[dict[str, Any]]) -> None:
    account = GroupAccount(people("a@x.lt", group=True))
    with pytest.raises(ConfigurationError, match="empty the group"):
        sync_group(account, source, MIRROR)
    assert account.calls == []


def test_a_mirror_of_no_rows_empties_the_group_when_that_is_meant() -> None:
    account = GroupAccount(people("a@x.lt", "b@x.lt", group=True))
    done = sync(account, GroupSync(GROUP, allow_empty=True))
    assert counts(done) == {"removed": 2}
    assert account.members() == set()


def test_rows_that_are_all_malformed_empty_no_group_whatever_is_allowed() -> None:
    account = GroupAccount(people("a@x.lt", group=True))
    with pytest.raises(ConfigurationError, match=r"none of the 2 rows holds a usable address \(2 x email: missing\)"):
        sync_group(account, [{"mail": "a@x.lt"}, {}], GroupSync(GROUP, allow_empty=True))
    assert account.calls == []


@pytest.mark.parametrize("how", [ADD, REMOVE])
def test_no_rows_are_nobody_to_add_or_remove(how: GroupSync) -> None:
    account = GroupAccount(people("a@x.lt", group=True))
    assert counts(sync(account, how)) == {}
    assert account.members() == {"a@x.lt"}


# What a mirror cannot name


def test_members_without_an_address_stay_and_are_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    phones = [Subscriber(f"phone{number}", phone="+37060000000", groups=(GROUP,)) for number in range(2)]
    account = GroupAccount([*people("a@x.lt", "b@x.lt", group=True), *phones])
    done = sync(account, MIRROR, "a@x.lt")
    assert counts(done) == {"removed": 1, "unchanged": 1, "nameless": 2}
    assert account.members() == {"a@x.lt", "phone0", "phone1"}
    assert "2 members of the group have no e-mail address" in caplog.text


# Parameters that cannot work


@pytest.mark.parametrize("mode", list(SyncMode))
def test_a_group_that_is_not_there_is_named_with_those_that_are(sender_sandbox: Sandbox, mode: SyncMode) -> None:
    sender_sandbox.reset(subscribers=3)
    vip = Vip(sender_sandbox, members=0)
    vip.id, there = "nobody", vip.id
    with pytest.raises(ConfigurationError, match=rf"group_id: the account has no group 'nobody'.*{there} \(VIP\)"):
        vip.sync(vip.addresses, mode)
    assert not [name for name in vip.calls() if name.startswith(("POST /subscribers", "DELETE"))]


@pytest.mark.parametrize("how", [ADD, REMOVE])
def test_a_group_that_is_not_there_is_named_also_when_nothing_is_to_be_done(
    sender_sandbox: Sandbox, how: GroupSync
) -> None:
    with pytest.raises(ConfigurationError, match="group_id: the account has no group"):
        sync_group(service_of(sender_sandbox), [], how)


def test_nobody_is_created_to_be_taken_out() -> None:
    account = GroupAccount()
    with pytest.raises(ConfigurationError, match="create_missing"):
        sync(account, GroupSync(GROUP, SyncMode.REMOVE, create_missing=True), "a@x.lt")
    assert account.calls == []


def test_a_column_mapped_to_what_is_not_there_is_refused_where_it_would_be_used() -> None:
    account = GroupAccount(fields=[Field("Plan")])
    how = GroupSync(GROUP, SyncMode.ADD, columns={"plan": "fields.Plam"}, create_missing=True)
    with pytest.raises(ConfigurationError, match=r"fields\.Plam"):
        sync(account, how, "a@x.lt")
    assert account.calls == ["fields"]


# Dry runs and logs


@pytest.mark.parametrize("mode", list(SyncMode))
def test_a_dry_run_says_what_a_run_does_and_does_nothing(sender_sandbox: Sandbox, mode: SyncMode) -> None:
    sender_sandbox.reset(subscribers=30)
    vip = Vip(sender_sandbox, members=20)
    vip.calls()
    before = vip.members()

    plan = vip.sync(vip.addresses[10:], mode, dry_run=True)

    assert vip.members() == before
    assert set(vip.calls()) == set()
    done = vip.sync(vip.addresses[10:], mode)
    assert counts(plan) == counts(done)


def test_the_log_begins_with_the_plan_and_names_nobody(
    sender_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sender_sandbox.reset(subscribers=250, requests_per_window=10, window_seconds=60)
    sender_sandbox.settings(requests_per_window=1_000)
    vip = Vip(sender_sandbox, members=120)
    caplog.set_level(logging.DEBUG)

    vip.sync([*vip.addresses[20:], "stranger@x.lt", "bad"])

    messages = [record.getMessage() for record in caplog.records if "airflow_provider_sender.jobs" in record.name]
    assert messages[0] == (
        f"Plan for group {vip.id}: 131 to be put in, 20 to be taken out, 100 unchanged, 1 rejected, 0 duplicates; "
        "3 requests, under a minute of the account's quota"
    )
    assert not [text for text in messages if "@" in text]


# A service that fails, says little, or says what is not so


def test_lost_answers_failures_and_limits_do_not_change_the_outcome(sender_sandbox: Sandbox, spelling: str) -> None:
    sender_sandbox.reset(subscribers=900, membership_keys=spelling)
    vip = Vip(sender_sandbox, members=500)
    for skip, kind in enumerate(["drop_after", "status", "truncate", "garble", "rate_limit"]):
        options: dict[str, Json] = {"status": 500} if kind == "status" else {}
        sender_sandbox.fault(kind, path=GROUP_CALLS, method="DELETE", skip=skip, **options)
        sender_sandbox.fault(kind, path=GROUP_CALLS, method="POST", skip=skip, **options)

    done = vip.sync(vip.addresses[250:])

    assert vip.members() == set(vip.addresses[250:])
    assert [each["fired"] for each in sender_sandbox.faults()] == [1] * 10
    # What an answer that was lost had done, the one that came calls done already.
    assert done.added + done.unchanged == 650
    assert done.removed == 250


def test_an_answer_that_says_nothing_is_not_believed(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=30)
    vip = Vip(sender_sandbox, members=20)
    sender_sandbox.fault("status", path=GROUP_CALLS, status=200, body=NOTHING_DONE, times=2)

    done = vip.sync(vip.addresses[10:])

    assert counts(done) == {"added": 10, "removed": 10, "unchanged": 10}
    assert vip.members() == set(vip.addresses[10:])


def test_where_many_are_untold_the_group_is_read_instead_of_looking_at_each() -> None:
    addresses = [f"p{number}@x.lt" for number in range(500)]
    account = GroupAccount([*people(*addresses[:250], group=True), *people(*addresses[250:])], distort=untold)
    done = sync(account, MIRROR, *addresses[250:])
    assert counts(done) == {"added": 250, "removed": 250}
    assert account.members() == set(addresses[250:])
    assert "find_subscriber" not in account.calls


def test_people_who_cannot_be_taken_out_fail_the_run_after_all_else_is_done(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=30)
    vip = Vip(sender_sandbox, members=20)
    sender_sandbox.fault("status", path=GROUP_CALLS, method="DELETE", status=200, body=NOTHING_DONE, times=None)
    time = Time(sender_sandbox)

    with pytest.raises(UnsettledError, match="10 people could not be taken out of group"):
        vip.sync(vip.addresses[10:], clock=time.clock())

    assert time.naps == [1.0, 5.0, 15.0]
    assert vip.members() == set(vip.addresses)
    sender_sandbox.clear_faults()
    assert counts(vip.sync(vip.addresses[10:])) == {"removed": 10, "unchanged": 20}


def test_people_deleted_meanwhile_have_left() -> None:
    account = GroupAccount(people("a@x.lt", "b@x.lt", "c@x.lt", group=True))

    def delete_b(call: str) -> None:
        if call == "remove_from_group":
            account.people.pop("s-b@x.lt", None)

    account.before = delete_b
    done = sync(account, MIRROR, "a@x.lt")
    assert counts(done) == {"removed": 2, "unchanged": 1}
    assert account.members() == {"a@x.lt"}


def test_what_people_say_about_automations_is_handed_on() -> None:
    for wanted in (False, True):
        account = GroupAccount(people("old@x.lt", "fresh@x.lt"), fresh=["fresh@x.lt"])
        sync(
            account,
            GroupSync(GROUP, create_missing=True, trigger_automation=wanted),
            "old@x.lt",
            "fresh@x.lt",
            "new@x.lt",
        )
        assert account.automations == [wanted] * 3


# Groups that move, runs that end


@pytest.mark.parametrize("where", ["first", "last", "random"])
def test_a_group_that_moves_while_it_is_mirrored(sender_sandbox: Sandbox, where: str) -> None:
    sender_sandbox.reset(subscribers=800)
    vip = Vip(sender_sandbox, members=600)
    reading = "/groups/*/subscribers"
    sender_sandbox.fault("delete_subscribers", path=reading, method="GET", count=3, where=where, times=6, skip=1)
    sender_sandbox.fault("delete_subscribers", path=GROUP_CALLS, count=2, where="random", times=None)

    vip.sync(vip.addresses[200:])

    there = set(vip.statuses())
    assert len(there) < 800
    assert vip.members() == set(vip.addresses[200:]) & there


def test_a_group_too_restless_to_be_read_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Restless(GroupAccount):
        def subscribers(self, group_id: str | None = None) -> Any:
            listing = super().subscribers(group_id)

            def walk(*asked: Any, **rest: Any) -> Any:
                raise ListingDriftError(ListingReport(), "Accept it with on_drift='warn'.")

            monkeypatch.setattr(listing, "walk", walk)
            return listing

    account = Restless(people("a@x.lt", group=True))
    with pytest.raises(ListingDriftError, match="Run it again when the group is quieter") as caught:
        sync(account, MIRROR, "b@x.lt")
    assert "on_drift" not in str(caught.value)
    assert account.members() == {"a@x.lt"}


def test_a_run_killed_at_any_request_is_made_good_by_the_next(sender_sandbox: Sandbox) -> None:
    def begin() -> Vip:
        sender_sandbox.reset(subscribers=350)
        return Vip(sender_sandbox, members=210)

    vip = begin()
    wanted = [*vip.addresses[205:], "new@x.lt"]
    how = GroupSync(vip.id, create_missing=True)

    def job(service: Any, notes: Any, sleep: Any) -> Synced:
        return sync_group(service, rows(*wanted), how, clock=Time(sender_sandbox).clock())

    steps = steps_of(sender_sandbox, job)
    assert steps >= 9
    for step in range(steps):
        for is_done in (False, True):
            vip = begin()
            killed_at(sender_sandbox, job, Notes(), step, is_done=is_done)
            run(sender_sandbox, job, Notes())
            assert vip.members() == set(wanted), (step, is_done)
            again = run(sender_sandbox, job, Notes())
            assert counts(again) == {"unchanged": 146}


# Whatever there was, whatever came

NAMES = [f"{letter}@x.lt" for letter in "abcdefgh"]


@st.composite
def accounts(draw: st.DrawFn) -> GroupAccount:
    there = [
        Subscriber(
            f"s{number}",
            email=name if draw(st.booleans()) else name.upper(),
            consent=draw(st.sampled_from(list(Consent))),
            groups=tuple(group for group in ("other", GROUP) if draw(st.booleans())),
        )
        for number, name in enumerate(NAMES)
        if draw(st.integers(0, 3))
    ]
    phones = [Subscriber(f"phone{number}", groups=(GROUP,)) for number in range(draw(st.integers(0, 2)))]
    left_out = draw(st.sets(st.sampled_from(NAMES)))

    def forget(answer: Membership) -> Membership:
        lists = {name: getattr(answer, name) for name in Membership.__struct_fields__}
        kept = {name: tuple(each for each in told if each not in left_out) for name, told in lists.items()}
        everybody = [each for told in lists.values() for each in told]
        return Membership(**{**kept, "untold": tuple(each for each in everybody if each in left_out)})

    account = GroupAccount(
        [*there, *phones],
        fresh=sorted(draw(st.sets(st.sampled_from(NAMES), max_size=3))),
        distort=forget,
        batch=draw(st.integers(1, 4)),
    )
    account.largest_batch = draw(st.integers(1, 4))  # type: ignore[misc]  # of this account only
    return account


ROWS = st.lists(
    st.builds(
        lambda address, upper: {"email": address.upper() if upper else address, "other": 1},
        st.sampled_from([*NAMES, "not an address", ""]),
        st.booleans(),
    ),
    max_size=15,
)


@settings(max_examples=300, deadline=None)
@given(accounts(), ROWS, st.sampled_from(list(SyncMode)), st.booleans())
def test_whatever_there_was_and_whatever_came_the_group_is_what_was_asked_for(
    account: GroupAccount, source: list[dict[str, Any]], mode: SyncMode, create_missing: bool
) -> None:
    create_missing = create_missing and mode is not SyncMode.REMOVE
    before = account.members()
    rest = {each.id: (each.consent, "other" in each.groups) for each in account.people.values()}
    named = {row["email"].lower() for row in source if "@" in row["email"]}
    known = {name for name in NAMES if account._find(name)}
    nameless = {name for name in before if "@" not in name}
    time = Time()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if time.seconds >= FRESH_SECONDS:
            account.fresh.clear()

    clock = time.clock()
    clock.sleep = sleep
    how = GroupSync(GROUP, mode, create_missing=create_missing, allow_empty=True)
    if mode is SyncMode.MIRROR and source and not named:
        with pytest.raises(ConfigurationError):
            sync_group(account, source, how, clock=clock)
        assert account.members() == before
        return
    done = sync_group(account, source, how, clock=clock)

    reachable = named if create_missing else named & known
    match mode:
        case SyncMode.MIRROR:
            assert account.members() == reachable | nameless
        case SyncMode.ADD:
            assert account.members() == before | reachable
        case SyncMode.REMOVE:
            assert account.members() == before - named
    there = {each.id: (each.consent, "other" in each.groups) for each in account.people.values()}
    assert {key: there[key] for key in rest} == rest
    assert done.rejected == len([row for row in source if "@" not in row["email"]])
    if mode is not SyncMode.MIRROR:
        told = done.added + done.removed + done.unchanged + done.missing + done.created
        assert told == len(named)
