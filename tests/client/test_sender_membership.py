from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_sender.client.errors import InvalidRequestError, ServiceFailureError
from airflow_provider_sender.client.sender.membership import membership_from
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.subscribers import Membership
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.accounts import Account, client_of

A, B, C, D, E = (f"{letter}@x.lt" for letter in "abcde")


@pytest.mark.parametrize("verb", ["added_to", "removed_from"])
def test_the_reference_s_lists(verb: str) -> None:
    told = membership_from({f"subscribers_{verb}_group": [A, B], "non_existing_subscribers": [C]}, [A, B, C])
    assert told == Membership(changed=(A, B), missing=(C,))


@pytest.mark.parametrize(("verb", "with_"), [("add", "with"), ("remove", "without")])
def test_pipedream_s_lists(verb: str, with_: str) -> None:
    message = {
        f"subscribers_{verb}_tag_group": [A],
        "non_existing_subscribers": [B],
        "invalid_emails": [C],
        f"subscribers_{with_}_group_already": [D],
    }
    assert membership_from(message, [A, B, C, D]) == Membership((A,), (D,), (B,), (C,))


def test_nobody_known() -> None:
    message = {
        "error": "No existing subscriber emails provided",
        "invalid_emails": [],
        "non_existing_subscribers": [A],
    }
    assert membership_from(message, [A]) == Membership(missing=(A,))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("subscribers_not_found", "missing"),
        ("nonexistent_subscribers", "missing"),
        ("unknown-emails", "missing"),
        ("Missing Subscribers", "missing"),
        ("malformed_addresses", "invalid"),
        ("already_in_group", "unchanged"),
        ("unchanged", "unchanged"),
        ("added", "changed"),
        ("subscribers_not_added", "untold"),
        ("failed_to_remove", "untold"),
        ("unsubscribed_addresses", "untold"),
        ("queued", "untold"),
    ],
)
def test_a_list_is_read_by_what_its_name_says_and_one_that_says_nothing_tells_nothing(name: str, kind: str) -> None:
    assert membership_from({name: [A]}, [A]) == Membership(**{kind: (A,)})


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"subscribers_added_to_group": [A], "already_in_group": [A]}, "unchanged"),
        ({"already_in_group": [A], "subscribers_added_to_group": [A]}, "unchanged"),
        ({"non_existing_subscribers": [A], "invalid_emails": [A]}, "invalid"),
        ({"subscribers_added_to_group": [A], "non_existing_subscribers": [A]}, "untold"),
        ({"subscribers_added_to_group": [A, A]}, "changed"),
    ],
)
def test_an_address_in_two_lists_is_told_what_both_agree_on(message: dict[str, Any], kind: str) -> None:
    assert membership_from(message, [A]) == Membership(**{kind: (A,)})


@pytest.mark.parametrize("message", [None, "Success", [], {}, [A], {"subscribers_added_to_group": "all"}, 7, True])
def test_an_answer_without_lists_tells_nothing(message: Any) -> None:
    assert membership_from(message, [A, B]) == Membership(untold=(A, B))


def test_entries_may_be_subscribers_or_a_list_with_gaps_and_rubbish_is_passed_over() -> None:
    message = {
        "subscribers_added_to_group": [{"id": "1", "email": A.upper()}, None, 7, {"email": None}],
        "non_existing_subscribers": {"1": B, "4": f" {C} "},
    }
    assert membership_from(message, [A, B, C, D]) == Membership(changed=(A,), missing=(B, C), untold=(D,))


def test_every_address_is_told_of_once_in_lower_case_and_others_are_nobody_s_business() -> None:
    told = membership_from({"subscribers_added_to_group": ["A@X.lt", E]}, ["A@x.LT", A, B])
    assert told == Membership(changed=(A,), untold=(B,))


# Over the wire


@pytest.mark.parametrize("spelling", ["reference", "pipedream"])
def test_what_the_service_says_is_what_it_did(sender_sandbox: Sandbox, spelling: str) -> None:
    sender_sandbox.reset(membership_keys=spelling)
    sender_sandbox.seed(rows=[{"email": A}, {"email": B}])
    service = SenderService(client_of(sender_sandbox))
    group = service.client.create_group("VIP").id
    asked = [A.upper(), C, "nonsense"]
    is_told_apart = spelling == "pipedream"
    others = {"invalid": ("nonsense",), "missing": (C,)} if is_told_apart else {"missing": (C, "nonsense")}
    again = {"unchanged" if is_told_apart else "changed": (A,)}

    assert service.add_to_group(group, asked, trigger_automation=False) == Membership(changed=(A,), **others)
    assert service.add_to_group(group, asked, trigger_automation=False) == Membership(**again, **others)
    assert service.remove_from_group(group, asked) == Membership(changed=(A,), **others)
    assert service.remove_from_group(group, asked) == Membership(**again, **others)
    assert service.remove_from_group(group, [C]) == Membership(missing=(C,))


def test_a_refusal_that_lists_nobody_is_an_error_and_not_silence(account: Account) -> None:
    account.answers({"status_code": 400, "json": {"success": False, "message": {"error": "Locked", "invalid": []}}})
    with pytest.raises(InvalidRequestError, match="Locked"):
        SenderService(account.client()).add_to_group("g1", [A], trigger_automation=False)


def test_a_failure_is_one_whatever_it_lists(account: Account) -> None:
    account.answers({"status_code": 500, "json": {"message": {"subscribers_added_to_group": [A]}}})
    with pytest.raises(ServiceFailureError):
        SenderService(account.client(max_retries=1)).add_to_group("g1", [A], trigger_automation=False)
