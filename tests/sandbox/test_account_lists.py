"""Lists whose members differ from list to list: what holds whatever is done to them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.lists import EntryStatus
from airflow_provider_sender.sandbox.clock import Clock
from airflow_provider_sender.sandbox.settings import Settings

PEOPLE = [f"p{number}@example.com" for number in range(5)]
TITLES = ["A", "B", "C"]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "leave", "remove", "bounce", "delete list", "leave the group"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(TITLES),
    ),
    max_size=25,
)


def act(account: Account, action: str, email: str, title: str) -> None:
    group = account.groups.titled(title, 0)
    person = account.subscribers.find(email) or account.subscribers.add(email, 0)
    if action == "put":
        account.lists.put(group, person, EntryStatus.NEW, "test", 0)
    elif action == "leave" and account.groups.is_member(group, person.number):
        account.lists.set_status(group, [person.number], EntryStatus.UNSUBSCRIBED)
    elif action == "remove" and account.groups.is_member(group, person.number):
        account.lists.remove(group, [person.number])
    elif action == "bounce":
        account.subscribers.change(person, {"status": "bounced"})
    elif action == "delete list":
        account.lists.delete(group)
    elif action == "leave the group":
        account.groups.leave(group, [person.number])


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_everybody_is_on_a_list_and_counted_as_they_are(actions: list[tuple[str, str, str]]) -> None:
    account = Account(Database(), Clock(), Settings(), 0)
    for action in actions:
        act(account, *action)
        account.lists.have_everyone_on_one(0)
        numbers = account.subscribers.all_numbers()
        assert set(account.groups.of(numbers)) == set(numbers)
        for group in account.groups.all():
            members = account.subscribers.listing.ascending("number", account.lists.members(group), 1)
            entries = account.lists.entries(group, list(members))
            assert account.lists.counts(group) == Counter(entry.status for entry in entries)
            reachable = account.subscribers.listing.ascending("number", account.lists.members(group, reachable=True), 1)
            assert list(reachable) == [each.subscriber.number for each in entries if each.status.is_reachable]
            others = account.lists.members(group, reachable=False)
            assert account.subscribers.count(others) == len(entries) - len(reachable)
            for entry in entries:
                assert entry.status.is_reachable <= (entry.subscriber.status == "active")
