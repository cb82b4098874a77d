"""Mailing lists and who is on them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api
from tests.sandbox.sendpulse_api import SendPulseApi, campaign, in_base64

LIST_KEYS = [
    "id", "name", "all_email_qty", "active_email_qty", "inactive_email_qty", "new_phones_quantity",
    "active_phones_quantity", "exc_phones_quantity", "creationdate", "status", "status_explain",
]  # fmt: skip


def test_one_list_is_an_array_of_one(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com")
    (found,) = sendpulse.get(f"/addressbooks/{news}")
    assert list(found) == LIST_KEYS
    assert [found] == sendpulse.get("/addressbooks")
    counts = [found[f"{name}_email_qty"] for name in ("all", "active", "inactive")]
    assert (found["name"], counts, found["status"]) == ("News", [1, 1, 0], 0)


def test_a_name_belongs_to_one_list(sendpulse: SendPulseApi) -> None:
    news, more = sendpulse.new_list("News"), sendpulse.new_list("More")
    assert sendpulse.error("POST", "/addressbooks", {"bookName": "News"}) == (422, 203)
    assert sendpulse.error("PUT", f"/addressbooks/{more}", {"name": "News"}) == (422, 203)
    sendpulse.done("PUT", f"/addressbooks/{news}", {"name": "News"})
    sendpulse.done("PUT", f"/addressbooks/{more}", {"name": "Other"})
    assert [row["name"] for row in sendpulse.get("/addressbooks")] == ["News", "Other"]


@pytest.mark.parametrize("body", [{}, {"bookName": ""}, {"name": "News"}])
def test_a_new_list_needs_its_name_under_its_own_key(sendpulse: SendPulseApi, body: dict[str, str]) -> None:
    assert sendpulse.error("POST", "/addressbooks", body) == (422, 201)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/variables"), ("GET", "/emails"), ("GET", "/emails/total"),
        ("GET", "/emails/a@example.com"), ("GET", "/variables/name/x"), ("GET", "/cost"), ("GET", "/campaigns"),
        ("POST", "/emails"), ("DELETE", "/emails"), ("POST", "/emails/variable"), ("POST", "/emails/unsubscribe"),
        ("PUT", "/phone"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("id", ["1", "x"])
def test_a_list_that_is_not_there(sendpulse: SendPulseApi, method: str, path: str, id: str) -> None:
    body = {"name": "x", "email": "a@example.com", "emails": ["a@example.com"]}
    assert sendpulse.error(method, f"/addressbooks/{id}{path}", body) == (404, 213)


def test_a_deleted_list_takes_those_with_it_who_are_on_no_other(sendpulse: SendPulseApi) -> None:
    first = sendpulse.new_list("First", "a@example.com", "b@example.com")
    second = sendpulse.new_list("Second", "b@example.com")
    sendpulse.done("DELETE", f"/addressbooks/{first}")
    assert [row["name"] for row in sendpulse.get("/addressbooks")] == ["Second"]
    assert sendpulse.emails(second) == ["b@example.com"]
    assert sendpulse.error("GET", "/emails/a@example.com") == (404, 502)


def test_a_list_with_a_campaign_under_way_stays(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com")
    sendpulse.post("/campaigns", campaign(news))
    response = sendpulse.call("DELETE", f"/addressbooks/{news}")
    assert response.status_code == 422
    assert response.json() == {"message": "Mailing list has active campaign", "error_code": 422}
    sender_sandbox.advance(60)
    sendpulse.done("DELETE", f"/addressbooks/{news}")


@pytest.mark.parametrize(("path", "rows"), [("/addressbooks", 3), ("/addressbooks/{}/emails", 250)])
def test_pages_go_from_1_to_100(sender_sandbox: Sandbox, sendpulse: SendPulseApi, path: str, rows: int) -> None:
    sender_sandbox.seed(rows=[{"email": f"p{number:03}@example.com", "groups": ["A"]} for number in range(250)])
    first = sendpulse.get("/addressbooks")[0]["id"]
    sendpulse.new_list("B")
    sendpulse.new_list("C")
    path = path.format(first)
    assert len(sendpulse.get(path)) == min(rows, 100)
    assert len(sendpulse.get(path, limit=2)) == 2
    assert sendpulse.get(path, limit=2, offset=rows) == []
    assert len(sendpulse.get(path, limit=2, offset=rows - 1)) == 1
    for limit in ("0", "101", "-1", "x", ""):
        assert sendpulse.error("GET", path, params={"limit": limit}) == (422, 422)


def test_a_page_has_its_members_with_their_variables_as_an_object(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi
) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "a@example.com", "firstname": "Ann", "lastname": "Lee", "phone": "+37060000001", "groups": ["A"],
             "fields": {"City": "Vilnius", "Visits": 3}},
            {"email": "b@example.com", "groups": ["A"], "status": "unsubscribed"},
        ]
    )  # fmt: skip
    (news,) = sendpulse.get("/addressbooks")
    assert sendpulse.get(f"/addressbooks/{news['id']}/emails") == [
        {
            "email": "a@example.com",
            "phone": 37060000001,
            "status": 1,
            "status_explain": "Active",
            "variables": {"name": "Ann Lee", "Phone": "37060000001", "City": "Vilnius", "Visits": 3},
        },
        # An empty map of PHP is a list.
        {
            "email": "b@example.com",
            "phone": "",
            "status": 6,
            "status_explain": "Unsubscribed from all",
            "variables": [],
        },
    ]
    assert sendpulse.get(f"/addressbooks/{news['id']}/variables") == [
        {"name": "name", "type": "string"},
        {"name": "Phone", "type": "string"},
        {"name": "City", "type": "string"},
        {"name": "Visits", "type": "number"},
    ]


def test_one_member_has_its_variables_as_an_array(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com", City="Riga", Visits=2, Since="2024-05-06")
    assert sendpulse.get(f"/addressbooks/{news}/emails/a@example.com") == {
        "email": "a@example.com",
        "abook_id": str(news),
        "phone": "",
        "status": 0,
        "status_explain": "New",
        "variables": [
            {"name": "City", "type": "string", "value": "Riga"},
            {"name": "Visits", "type": "number", "value": 2},
            {"name": "Since", "type": "date", "value": "2024-05-06"},
        ],
    }
    assert sendpulse.error("GET", f"/addressbooks/{news}/emails/b@example.com") == (404, 502)


def test_members_by_whether_they_are_active(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "a@example.com", "groups": ["A"]},
            {"email": "b@example.com", "groups": ["A"], "status": "bounced"},
            {"email": "c@example.com", "groups": ["A"], "status": "spam_reported"},
        ]
    )
    news = sendpulse.get("/addressbooks")[0]["id"]
    assert sendpulse.statuses(news) == {"a@example.com": 1, "b@example.com": 9, "c@example.com": 8}
    assert sendpulse.emails(news, active="true") == sendpulse.emails(news, active=1) == ["a@example.com"]
    assert sendpulse.emails(news, not_active=1) == ["b@example.com", "c@example.com"]
    assert sendpulse.get(f"/addressbooks/{news}/emails/total") == {"total": 3}
    assert sendpulse.get(f"/addressbooks/{news}/emails/total", active=1) == {"total": 1}


def test_made_up_people_are_all_on_a_list_and_some_left_only_one(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi
) -> None:
    sender_sandbox.reset(subscribers=400)
    statuses: dict[str, dict[str, int]] = {}
    for row in sendpulse.get("/addressbooks"):
        found = {
            email["email"]: email["status"]
            for offset in range(0, 500, 100)
            for email in sendpulse.get(f"/addressbooks/{row['id']}/emails", offset=offset)
        }
        active = sum(status in (0, 1) for status in found.values())
        assert (row["all_email_qty"], row["active_email_qty"]) == (len(found), active)
        assert sendpulse.get(f"/addressbooks/{row['id']}/emails/total", active=1) == {"total": active}
        statuses[row["name"]] = found
    assert len({email for found in statuses.values() for email in found}) == 400
    news, customers = statuses["Newsletter"], statuses["Customers"]
    left = {email for email, status in customers.items() if status == 4}
    assert left
    assert {news[email] for email in left} == {1}
    assert set(news.values()) == {1, 6, 8, 9}


def test_the_order_is_what_the_knob_says(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(
        rows=[{"email": f"{name}@example.com", "groups": ["A"], "created": made} for made, name in enumerate("cabd", 1)]
    )
    news = sendpulse.get("/addressbooks")[0]["id"]
    by_creation = [f"{name}@example.com" for name in "cabd"]
    assert sendpulse.emails(news) == sendpulse.emails(news, order="asc") == by_creation
    assert sendpulse.emails(news, order="desc") == by_creation[::-1]
    assert sendpulse.emails(news, order="desc", limit=1, offset=1) == ["b@example.com"]
    sender_sandbox.settings(sendpulse_order="email")
    assert sendpulse.emails(news) == sorted(by_creation)
    sender_sandbox.settings(sendpulse_order="shuffled")
    shuffled = sendpulse.emails(news)
    assert sorted(shuffled) == sorted(by_creation)
    assert sendpulse.emails(news) == shuffled
    assert sendpulse.error("GET", f"/addressbooks/{news}/emails", params={"order": "up"}) == (422, 422)


def test_who_is_in_no_group_is_on_the_oldest_list(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(rows=[{"email": "a@example.com"}])
    (first,) = sendpulse.get("/addressbooks")
    assert (first["name"], sendpulse.emails(first["id"])) == ("Subscribers", ["a@example.com"])
    sender_sandbox.seed(rows=[{"email": "b@example.com"}, {"email": "c@example.com", "groups": ["Later"]}])
    assert sendpulse.emails(first["id"]) == ["a@example.com", "b@example.com"]


def test_people_who_come_and_go_between_pages_move_the_rest(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(
        rows=[{"email": f"p{number:03}@example.com", "groups": ["A"], "created": number + 100} for number in range(30)]
    )
    news = sendpulse.get("/addressbooks")[0]["id"]
    first = sendpulse.emails(news, limit=10)
    sender_sandbox.fault("delete_subscribers", "/addressbooks/*/emails", count=3, where="first")
    sender_sandbox.fault("add_subscribers", "/addressbooks/*/emails", count=2, where="last")
    second = sendpulse.emails(news, limit=10, offset=10)
    assert first == [f"p{number:03}@example.com" for number in range(10)]
    assert second == [f"p{number:03}@example.com" for number in range(13, 23)]
    assert len(sendpulse.emails(news)) == 29


def test_both_services_see_the_same_people(sender_sandbox: Sandbox, sendpulse: SendPulseApi, api: Api) -> None:
    sendpulse.new_list("News", "a@example.com")
    assert api.emails("/subscribers") == ["a@example.com"]
    (group,) = api.get("/groups")["data"]
    assert group["title"] == "News"
    sender_sandbox.reset(subscribers=20)
    found = {email for row in sendpulse.get("/addressbooks") for email in sendpulse.emails(row["id"])}
    assert found == {json.loads(line)["email"] for line in sender_sandbox.subscribers()}


# Adding


def test_a_batch_says_only_that_it_was_taken(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list()
    sendpulse.post("/blacklist", {"emails": in_base64("black@example.com")})
    rows: list[Any] = [
        {"email": "a@example.com", "variables": {"name": "Ann"}},
        {"email": "b@example.com", "variables": []},
        {"email": "c@example.com"},
        {"email": "no address"},
        {"email": "d@nowhere.invalid"},
        {"email": "black@example.com"},
    ]
    sendpulse.done("POST", f"/addressbooks/{news}/emails", {"emails": rows})
    assert sendpulse.statuses(news) == {
        "a@example.com": 0,
        "b@example.com": 0,
        "c@example.com": 0,
        "d@nowhere.invalid": 5,
        "black@example.com": 5,
    }
    assert sendpulse.emails(news, active=1) == ["a@example.com", "b@example.com", "c@example.com"]


def test_adding_again_updates_the_variables(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com", City="Riga", Visits=1)
    path = f"/addressbooks/{news}/emails"
    sendpulse.done("POST", path, {"emails": [{"email": "A@example.com", "variables": {"Visits": 2}}]})
    (found,) = sendpulse.get(path)
    assert found["variables"] == {"City": "Riga", "Visits": 2}
    again = {"emails": [{"email": "a@example.com", "variables": {"Visits": 3}}], "dont_update": True}
    sendpulse.done("POST", path, again)
    assert sendpulse.get(path) == [found]


def test_variables_are_those_of_one_list(sendpulse: SendPulseApi) -> None:
    first = sendpulse.new_list("First", "a@example.com", City="Riga")
    second = sendpulse.new_list("Second", "a@example.com", City="Vilnius")
    assert sendpulse.get(f"/addressbooks/{first}/emails")[0]["variables"] == {"City": "Riga"}
    assert sendpulse.get(f"/addressbooks/{second}/emails")[0]["variables"] == {"City": "Vilnius"}


def test_nobody_who_left_is_made_active_by_a_batch(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(rows=[{"email": "gone@example.com", "groups": ["News"], "status": "unsubscribed"}])
    news = sendpulse.get("/addressbooks")[0]["id"]
    path = f"/addressbooks/{news}/emails"
    sendpulse.done("POST", path, {"emails": [{"email": "here@example.com"}]})
    sendpulse.done("POST", f"{path}/unsubscribe", {"emails": ["here@example.com"]})
    rows = [{"email": email, "variables": {"City": "Riga"}} for email in ("gone@example.com", "here@example.com")]
    sendpulse.done("POST", path, {"emails": rows})
    assert sendpulse.statuses(news) == {"gone@example.com": 6, "here@example.com": 4}
    assert [row["variables"] for row in sendpulse.get(path)] == [{"City": "Riga"}] * 2
    other = sendpulse.new_list("Other", "gone@example.com", "here@example.com")
    assert sendpulse.statuses(other) == {"gone@example.com": 6, "here@example.com": 0}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (422, 422)),
        ({"emails": []}, (422, 422)),
        ({"emails": "a@example.com"}, (422, 422)),
        ({"emails": ["a@example.com"]}, (422, 422)),
        ({"emails": [{"variables": {}}]}, (422, 422)),
        ({"emails": [{"email": "a@example.com", "variables": "x"}]}, (422, 422)),
        ({"emails": [{"email": "a@example.com", "variables": {"x": {"y": 1}}}]}, (422, 299)),
        ({"emails": [{"email": "a@example.com", "variables": {"Day": "5 May"}}]}, (422, 299)),
        ({"emails": [{"email": "a@example.com"}], "dont_update": "maybe"}, (422, 422)),
        ({"emails": [{"email": "a@example.com"}], "tags": "vip"}, (422, 422)),
        ({"emails": [{"email": "a@example.com"}], "confirmation": "please"}, (422, 422)),
        ({"emails": [{"email": "a@example.com"}], "confirmation": "force"}, (422, 422)),
        (
            {"emails": [{"email": "a@example.com"}], "confirmation": "force", "sender_email": "x@example.com"},
            (422, 1003),
        ),
    ],
)
def test_a_batch_that_is_not_understood(sendpulse: SendPulseApi, body: dict[str, Any], error: tuple[int, int]) -> None:
    news = sendpulse.new_list("News", "day@example.com", Day="2024-05-05")
    assert sendpulse.error("POST", f"/addressbooks/{news}/emails", body) == error
    assert sendpulse.emails(news) == ["day@example.com"]


def test_double_opt_in_waits_for_the_person(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list()
    body = {
        "emails": [{"email": "a@example.com"}],
        "confirmation": "force",
        "sender_email": "shop@example.com",
        "message_lang": "en",
    }
    sendpulse.done("POST", f"/addressbooks/{news}/emails", body)
    assert sendpulse.statuses(news) == {"a@example.com": 2}
    assert sendpulse.emails(news, active=1) == []


def test_knobs_of_a_batch(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.settings(sendpulse_batch_limit=2, sendpulse_plain_addresses=True, sendpulse_tags=False)
    news = sendpulse.new_list()
    path = f"/addressbooks/{news}/emails"
    sendpulse.done("POST", path, {"emails": ["a@example.com", "b@example.com"]})
    assert sendpulse.error("POST", path, {"emails": ["a@x.yz", "b@x.yz", "c@x.yz"]}) == (422, 422)
    assert sendpulse.error("POST", path, {"emails": ["c@example.com"], "tags": [1]}) == (403, 3030303030)
    assert sendpulse.emails(news) == ["a@example.com", "b@example.com"]


def test_new_people_are_listed_when_the_knob_says(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.settings(listing_delay_seconds=60)
    news = sendpulse.new_list("News", "a@example.com")
    assert sendpulse.emails(news) == []
    sender_sandbox.advance(61)
    assert sendpulse.emails(news) == ["a@example.com"]


# Changing and removing


def test_variables_of_one_member(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com", City="Riga")
    path = f"/addressbooks/{news}/emails/variable"
    given = [{"name": "City", "value": "Vilnius"}, {"name": "Visits", "type": "number", "value": 4}]
    sendpulse.done("POST", path, {"email": "a@example.com", "variables": given})
    assert sendpulse.get(f"/addressbooks/{news}/emails")[0]["variables"] == {"City": "Vilnius", "Visits": 4}
    assert sendpulse.error("POST", path, {"email": "b@example.com", "variables": given}) == (422, 502)
    assert sendpulse.error("POST", path, {"variables": given}) == (422, 1101)
    assert sendpulse.error("POST", path, {"email": "a@example.com"}) == (422, 422)
    assert sendpulse.error("POST", path, {"email": "a@example.com", "variables": [{"name": "x"}]}) == (422, 299)


def test_members_by_a_variable(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com", City="Riga")
    sendpulse.done("POST", f"/addressbooks/{news}/emails", {"emails": [{"email": "b@example.com"}]})
    found = [{"email": "a@example.com", "status": 0, "status_explain": "New"}]
    assert sendpulse.get(f"/addressbooks/{news}/variables/City/Riga") == found
    assert sendpulse.get(f"/addressbooks/{news}/variables/City/Vilnius") == []


def test_a_phone_number(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com")
    path = f"/addressbooks/{news}/phone"
    sendpulse.done("PUT", path, {"email": "a@example.com", "phone": "+370 600 00001"})
    assert sendpulse.get(f"/addressbooks/{news}/emails/a@example.com")["phone"] == 37060000001
    assert sendpulse.error("PUT", path, {"email": "b@example.com", "phone": "1"}) == (422, 502)
    assert sendpulse.error("PUT", path, {"email": "a@example.com", "phone": "x"}) == (422, 422)


def test_unsubscribing_is_from_one_list(sendpulse: SendPulseApi) -> None:
    first = sendpulse.new_list("First", "a@example.com", "b@example.com")
    second = sendpulse.new_list("Second", "a@example.com")
    path = f"/addressbooks/{first}/emails/unsubscribe"
    sendpulse.done("POST", path, {"emails": ["a@example.com", "nobody@example.com"]})
    assert sendpulse.statuses(first) == {"a@example.com": 4, "b@example.com": 0}
    assert sendpulse.statuses(second) == {"a@example.com": 0}
    response = sendpulse.call("POST", path, {"emails": ["a@example.com"]})
    assert (response.status_code, response.json()["message"]) == (422, "Active emails not found")


def test_removing_takes_a_body_with_the_method_delete(sendpulse: SendPulseApi) -> None:
    first = sendpulse.new_list("First", "a@example.com", "b@example.com", "c@example.com")
    second = sendpulse.new_list("Second", "a@example.com")
    path = f"/addressbooks/{first}/emails"
    sendpulse.done("DELETE", path, {"emails": ["a@example.com", "b@example.com", "nobody@example.com"]})
    assert sendpulse.emails(first) == ["c@example.com"]
    assert sendpulse.emails(second) == ["a@example.com"]
    assert sendpulse.error("GET", "/emails/b@example.com") == (404, 502)
    assert sendpulse.error("DELETE", path, {"emails": ["a@example.com"]}) == (422, 303)
    assert sendpulse.error("DELETE", path) == (422, 422)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/emails"), ("POST", "/emails/unsubscribe")])
def test_at_most_100_at_once(sendpulse: SendPulseApi, method: str, path: str) -> None:
    many = [f"p{number}@example.com" for number in range(101)]
    news = sendpulse.new_list("News", *many)
    assert sendpulse.error(method, f"/addressbooks/{news}{path}", {"emails": many}) == (422, 422)
    sendpulse.done(method, f"/addressbooks/{news}{path}", {"emails": many[:100]})
    assert sendpulse.get(f"/addressbooks/{news}/emails/total", active=1) == {"total": 1}


def test_who_comes_back_after_being_removed_is_new(sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list("News", "a@example.com", City="Riga")
    other = sendpulse.new_list("Other", "a@example.com")
    path = f"/addressbooks/{news}/emails"
    sendpulse.done("POST", f"{path}/unsubscribe", {"emails": ["a@example.com"]})
    sendpulse.done("DELETE", path, {"emails": ["a@example.com"]})
    sendpulse.done("POST", path, {"emails": [{"email": "a@example.com"}]})
    assert sendpulse.get(path) == [
        {"email": "a@example.com", "phone": "", "status": 0, "status_explain": "New", "variables": []}
    ]
    assert sendpulse.emails(other) == ["a@example.com"]


# One address in all lists


def test_one_address_everywhere(sendpulse: SendPulseApi) -> None:
    first = sendpulse.new_list("First", "a@example.com", City="Riga")
    second = sendpulse.new_list("Second", "a@example.com")
    city = [{"name": "City", "type": "string", "value": "Riga"}]
    new = {"status": 0, "status_explain": "New"}
    assert sendpulse.get("/emails/a@example.com") == [
        {"book_id": first, "email": "a@example.com", **new, "variables": city},
        {"book_id": second, "email": "a@example.com", **new, "variables": []},
    ]
    details = sendpulse.get("/emails/a@example.com/details")
    assert [(row["list_name"], row["list_id"], row["source"]) for row in details] == [
        ("First", first, "api"),
        ("Second", second, "api"),
    ]
    assert sendpulse.post("/emails", {"emails": ["a@example.com", "nobody@example.com"]}) == {
        "a@example.com": [
            {"book_id": first, "status": 0, "variables": city},
            {"book_id": second, "status": 0, "variables": []},
        ]
    }
    assert sendpulse.post("/emails", {"emails": ["nobody@example.com"]}) == []
    sendpulse.done("DELETE", "/emails/a@example.com")
    assert (sendpulse.emails(first), sendpulse.emails(second)) == ([], [])
    assert sendpulse.error("DELETE", "/emails/a@example.com") == (422, 502)
    assert sendpulse.error("GET", "/emails/a@example.com/details") == (404, 502)


def test_what_a_list_costs(sendpulse: SendPulseApi) -> None:
    news, empty = sendpulse.new_list("News", "a@example.com"), sendpulse.new_list("Empty")
    assert set(sendpulse.get(f"/addressbooks/{news}/cost")) == {
        "cur", "sent_emails_qty", "overdraftAllEmailsPrice", "addressesDeltaFromBalance", "addressesDeltaFromTariff",
        "max_emails_per_task", "result",
    }  # fmt: skip
    assert sendpulse.error("GET", f"/addressbooks/{empty}/cost") == (422, 211)
