from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.consent import ConsentMode, Decision, asked_status, decide, unseen

KEEP, OVERWRITE = ConsentMode.KEEP, ConsentMode.OVERWRITE
OUT = [Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED]

ASKED = st.sampled_from([None, Consent.ACTIVE, *OUT])
CHANGES = st.builds(
    SubscriberChange,
    key=st.just("a@x.lt"),
    email=st.sampled_from([None, "a@x.lt"]),
    firstname=st.sampled_from([None, "", "Ann"]),
    phone=st.sampled_from([None, "+37060000001"]),
    consent=ASKED,
    groups=st.sampled_from([(), ("g1",), ("g1", "g2")]),
    fields=st.sampled_from([{}, {"Plan": "pro"}, {"Plan": ""}]),
)
SUBSCRIBERS = st.builds(
    Subscriber,
    id=st.just("s1"),
    email=st.just("a@x.lt"),
    firstname=st.sampled_from([None, "Ann"]),
    phone=st.sampled_from([None, "0037060000001"]),
    consent=st.sampled_from(list(Consent)),
    groups=st.sampled_from([(), ("g1",)]),
    fields=st.sampled_from([{}, {"Plan": "pro"}, {"Plan": None}]),
)


def row(**values: object) -> SubscriberChange:
    return msgspec.convert({"key": "a@x.lt", "email": "a@x.lt", **values}, SubscriberChange)


def there(**values: object) -> Subscriber:
    return msgspec.convert({"id": "s1", "email": "a@x.lt", "consent": "active", **values}, Subscriber)


@given(CHANGES, st.none() | SUBSCRIBERS)
def test_keep_never_asks_for_active(change: SubscriberChange, current: Subscriber | None) -> None:
    decision, sent = decide(change, current, KEEP)
    if decision in (Decision.CREATE, Decision.UPDATE):
        assert sent.consent is not Consent.ACTIVE


@given(CHANGES, SUBSCRIBERS.filter(lambda subscriber: subscriber.consent in OUT))
def test_keep_writes_nothing_to_those_who_are_out_but_for_rows_that_want_them_out(
    change: SubscriberChange, current: Subscriber
) -> None:
    decision, sent = decide(change, current, KEEP)
    if change.consent in (None, Consent.ACTIVE):
        assert decision is Decision.HOLD
    else:
        assert decision in (Decision.UPDATE, Decision.JOIN, Decision.UNCHANGED)
        assert sent.consent is None


@given(CHANGES, SUBSCRIBERS, st.sampled_from(ConsentMode))
def test_unsubscribing_is_always_allowed(change: SubscriberChange, current: Subscriber, mode: ConsentMode) -> None:
    change = msgspec.structs.replace(change, consent=Consent.UNSUBSCRIBED)
    decision, sent = decide(change, current, mode)
    assert decision in (Decision.UPDATE, Decision.JOIN, Decision.UNCHANGED)
    if current.consent not in OUT:
        assert (decision, sent.consent) == (Decision.UPDATE, Consent.UNSUBSCRIBED)


@given(CHANGES, st.none() | SUBSCRIBERS, st.sampled_from(ConsentMode))
def test_what_a_row_asks_for_is_sent_but_for_what_consent_forbids_and_what_is_there_already(
    change: SubscriberChange, current: Subscriber | None, mode: ConsentMode
) -> None:
    decision, sent = decide(change, current, mode)
    same: dict[str, Any] = {"consent": None, "groups": (), "fields": {}}
    assert msgspec.structs.replace(sent, **same) == msgspec.structs.replace(change, **same)
    if current is None or decision is Decision.HOLD:
        assert (sent.groups, sent.fields) == (change.groups, change.fields)
    else:
        assert sent.fields.items() <= change.fields.items()
        assert {**current.fields, **sent.fields}.get("Plan") in (change.fields.get("Plan"), current.fields.get("Plan"))
        after = msgspec.structs.replace(current, fields={**current.fields, **sent.fields})
        assert decide(change, after, mode)[1].fields == {}


@given(CHANGES, SUBSCRIBERS, st.sampled_from(ConsentMode))
def test_who_is_there_is_to_join_the_groups_they_are_not_in_yet(
    change: SubscriberChange, current: Subscriber, mode: ConsentMode
) -> None:
    decision, sent = decide(change, current, mode)
    if decision is not Decision.HOLD:
        assert set(sent.groups) == set(change.groups) - set(current.groups)
        assert (decision is Decision.UNCHANGED) <= (not sent.groups)


@given(CHANGES, SUBSCRIBERS, st.sampled_from(ConsentMode))
def test_a_row_that_only_lacks_groups_is_no_update(
    change: SubscriberChange, current: Subscriber, mode: ConsentMode
) -> None:
    there = msgspec.structs.replace(current, groups=change.groups)
    is_the_same_otherwise = decide(change, there, mode)[0] is Decision.UNCHANGED
    missing = set(change.groups) - set(current.groups)
    assert (decide(change, current, mode)[0] is Decision.JOIN) == (is_the_same_otherwise and bool(missing))


@given(CHANGES, st.sampled_from([(), ("g1",), ("g2", "g3")]), st.booleans(), st.sampled_from(ConsentMode))
def test_of_somebody_who_is_not_looked_at_only_overwrite_ever_sends_a_status_and_only_active(
    change: SubscriberChange, known: tuple[str, ...], has_known_fields: bool, mode: ConsentMode
) -> None:
    sent = unseen(change, mode, known_groups=known, has_known_fields=has_known_fields)
    is_again = mode is OVERWRITE and change.consent in (None, Consent.ACTIVE)
    assert sent.consent is (Consent.ACTIVE if is_again else None)
    assert set(sent.groups) == set(change.groups) - set(known)
    assert sent.fields == ({} if has_known_fields else change.fields)
    same: dict[str, Any] = {"consent": None, "groups": (), "fields": {}}
    assert msgspec.structs.replace(sent, **same) == msgspec.structs.replace(change, **same)


@given(CHANGES, CHANGES, st.sampled_from(ConsentMode), st.sampled_from(ConsentMode))
def test_two_rows_ask_for_one_status_if_they_say_so_in_one_mode(
    one: SubscriberChange, other: SubscriberChange, mode: ConsentMode, other_mode: ConsentMode
) -> None:
    def meant(change: SubscriberChange, mode: ConsentMode) -> object:
        makes_active = mode is OVERWRITE and change.consent in (None, Consent.ACTIVE)
        return "made active" if makes_active else change.consent

    is_same = asked_status(one, mode) == asked_status(other, other_mode)
    assert is_same == (meant(one, mode) == meant(other, other_mode))


def test_of_custom_fields_only_those_that_differ_are_sent() -> None:
    change = row(firstname="Ann", fields={"Plan": "pro", "Visits": "7", "Note": ""})
    _, sent = decide(change, there(fields={"Plan": "free", "Visits": 7}), KEEP)
    assert sent.fields == {"Plan": "pro"}


@pytest.mark.parametrize("current", OUT)
@pytest.mark.parametrize("asked", [None, Consent.ACTIVE])
def test_overwrite_makes_people_active_again(current: Consent, asked: Consent | None) -> None:
    assert decide(row(consent=asked), there(consent=current), OVERWRITE) == (
        Decision.UPDATE,
        row(consent=Consent.ACTIVE),
    )


@pytest.mark.parametrize("current", [Consent.UNCONFIRMED, Consent.UNKNOWN])
def test_keep_holds_a_row_that_would_confirm_for_somebody_else(current: Consent) -> None:
    assert decide(row(consent="active"), there(consent=current), KEEP)[0] is Decision.HOLD
    assert decide(row(firstname="Ann"), there(consent=current), KEEP) == (Decision.UPDATE, row(firstname="Ann"))


def test_a_complaint_is_not_softened_to_an_unsubscription() -> None:
    decision, sent = decide(row(consent="unsubscribed", firstname="B"), there(consent="complained"), OVERWRITE)
    assert (decision, sent.consent) == (Decision.UPDATE, None)


def test_who_is_not_there_is_created_if_there_is_an_address() -> None:
    assert decide(row(), None, KEEP)[0] is Decision.CREATE
    assert decide(SubscriberChange(key="+37060000001", phone="+37060000001"), None, KEEP)[0] is Decision.REJECT
    assert decide(row(consent="bounced"), None, KEEP) == (Decision.CREATE, row(consent="bounced"))
    assert decide(row(consent="active"), None, OVERWRITE) == (Decision.CREATE, row(consent="active"))


@pytest.mark.parametrize(
    ("change", "current"),
    [
        (row(), there(firstname="Ann", groups=["g1"])),
        (row(consent="active"), there()),
        (row(firstname=""), there()),
        (row(firstname="Ann"), there(firstname="Ann")),
        (row(phone="+37060000001"), there(phone="00370 600 00001")),
        (row(groups=["g1"]), there(groups=["g2", "g1"])),
        (row(fields={"Visits": 7}), there(fields={"Visits": "7"})),
        (row(fields={"Visits": "7.0"}), there(fields={"Visits": 7})),
        (row(fields={"Plan": ""}), there(fields={})),
        (row(fields={"Plan": ""}), there(fields={"Plan": None})),
        (row(email="A@X.LT"), there()),
        (row(consent="unsubscribed"), there(consent="unsubscribed")),
    ],
)
def test_what_is_there_as_it_should_be_is_unchanged(change: SubscriberChange, current: Subscriber) -> None:
    assert decide(change, current, KEEP)[0] is Decision.UNCHANGED


@pytest.mark.parametrize(
    ("change", "current"),
    [
        (row(firstname="Ann"), there()),
        (row(firstname=""), there(firstname="Ann")),
        (row(lastname="B"), there(lastname="b")),
        (row(phone="+37060000001"), there(phone="+37060000002")),
        (row(fields={"Plan": "pro"}), there(fields={"Plan": "Pro"})),
        (row(fields={"Plan": ""}), there(fields={"Plan": "pro"})),
        (row(fields={"Visits": 0}), there(fields={})),
        (row(consent="unsubscribed"), there()),
    ],
)
def test_what_differs_is_updated(change: SubscriberChange, current: Subscriber) -> None:
    assert decide(change, current, KEEP)[0] is Decision.UPDATE
