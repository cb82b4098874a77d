from __future__ import annotations

import itertools

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api


def test_a_page_has_the_documented_envelope(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=25)
    found = api.get("/subscribers", page=2, limit=10)
    assert list(found) == ["data", "links", "meta", "has_more_resources"]
    url = "https://app.sender.net/client-api/api/subscribers"
    assert found["links"] == {
        "first": f"{url}?page=1",
        "last": f"{url}?page=3",
        "prev": f"{url}?page=1",
        "next": f"{url}?page=3",
    }
    assert found["meta"] == {
        "current_page": 2,
        "from": 11,
        "last_page": 3,
        "path": url,
        "per_page": 10,
        "to": 20,
        "total": 25,
    }
    assert found["has_more_resources"] is True
    last = api.get("/subscribers", page=3, limit=10)
    assert last["has_more_resources"] is False
    assert last["links"]["next"] is None
    assert len(last["data"]) == 5


def test_past_the_last_page_there_is_nothing(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=5)
    found = api.get("/subscribers", page=7)
    assert found["data"] == []
    assert found["meta"]["from"] is None
    assert found["meta"]["to"] is None
    assert found["meta"]["total"] == 5


def test_an_empty_list_has_one_page(api: Api) -> None:
    assert api.get("/subscribers")["meta"]["last_page"] == 1


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"limit": "-1"}, {"limit": ""}])
def test_a_query_that_means_nothing_is_passed_over(sender_sandbox: Sandbox, api: Api, query: dict[str, str]) -> None:
    sender_sandbox.reset(subscribers=15)
    found = api.get("/subscribers", **query)
    assert found["meta"]["current_page"] == 1
    assert len(found["data"]) == 10


@pytest.mark.parametrize(("max_limit", "rows"), [(100, 100), (30, 30), (None, 150)])
def test_the_largest_page_is_a_knob(sender_sandbox: Sandbox, api: Api, max_limit: int | None, rows: int) -> None:
    sender_sandbox.reset(subscribers=150, max_limit=max_limit)
    found = api.get("/subscribers", limit=1000)
    assert len(found["data"]) == rows
    assert found["meta"]["per_page"] == (max_limit or 1000)


def test_newest_first_unless_asked_otherwise(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "b@example.com", "created": "2025-01-02"},
            {"email": "c@example.com", "created": "2025-01-01"},
            {"email": "a@example.com", "created": "2025-01-03"},
        ]
    )
    assert api.emails("/subscribers") == ["a@example.com", "b@example.com", "c@example.com"]
    ascending = api.emails("/subscribers", order="created", direction="asc")
    assert ascending == ["c@example.com", "b@example.com", "a@example.com"]
    by_address = api.emails("/subscribers", order="email", direction="asc")
    assert by_address == ["a@example.com", "b@example.com", "c@example.com"]
    by_id = api.emails("/subscribers", order="id", direction="asc")
    assert by_id == ["b@example.com", "c@example.com", "a@example.com"]


@pytest.mark.parametrize("path", ["/subscribers", "/groups", "/fields", "/segments", "/campaigns", "/workflows"])
def test_an_unknown_order_is_refused(api: Api, path: str) -> None:
    api.expect(422, "GET", f"{path}?order=shoe_size")


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_add_up_to_the_account(sender_sandbox: Sandbox, api: Api, direction: str) -> None:
    sender_sandbox.reset(subscribers=237)
    pages = [
        api.emails("/subscribers", page=page, limit=20, order="created", direction=direction) for page in range(1, 13)
    ]
    found = list(itertools.chain(*pages))
    assert len(found) == len(set(found)) == 237
    whole = [line.split(b'"email":"')[1].split(b'"')[0].decode() for line in sender_sandbox.subscribers()]
    assert found == (whole if direction == "asc" else whole[::-1])


def test_ties_can_come_in_another_order_every_time(sender_sandbox: Sandbox, api: Api) -> None:
    rows = [{"email": f"s{index}@example.com", "created": "2025-01-01"} for index in range(50)]
    sender_sandbox.seed(rows=rows)
    assert api.emails("/subscribers", limit=50) == api.emails("/subscribers", limit=50)
    sender_sandbox.settings(stable_ties=False)
    first, second = (api.emails("/subscribers", limit=50) for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second)


def test_the_order_asked_for_can_be_ignored(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=30, ignore_order=True)
    newest_first = api.emails("/subscribers")
    assert api.emails("/subscribers", order="email", direction="asc") == newest_first


def test_new_subscribers_can_be_listed_late(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=3, listing_delay_seconds=20)
    assert api.get("/subscribers")["meta"]["total"] == 3
    api.post("/subscribers", {"email": "new@example.com"})
    assert api.get("/subscribers")["meta"]["total"] == 3
    assert api.get("/subscribers/new@example.com")["data"]["email"] == "new@example.com"
    assert len(sender_sandbox.subscribers()) == 4
    assert api.get("/subscribers", order="created")["meta"]["total"] == 3
    sender_sandbox.advance(21)
    assert api.emails("/subscribers")[0] == "new@example.com"


def test_what_was_listed_before_a_change_is_listed_as_changed(sender_sandbox: Sandbox, api: Api) -> None:
    group = api.post("/groups", {"title": "Old"})["data"]["id"]
    api.post("/subscribers", {"email": "a@example.com", "groups": [group]})
    api.get("/subscribers")
    api.expect(200, "PATCH", f"/groups/{group}", {"title": "New"})
    assert api.get("/subscribers")["data"][0]["subscriber_tags"] == [{"id": group, "title": "New"}]
    api.post("/fields", {"title": "Plan", "type": "text"})
    assert len(api.get("/subscribers")["data"][0]["columns"]) == 1
    api.expect(200, "PATCH", "/subscribers/a@example.com", {"firstname": "A"})
    assert api.emails("/subscribers", order="firstname") == ["a@example.com"]
    assert api.get("/subscribers")["data"][0]["firstname"] == "A"
    api.expect(200, "DELETE", f"/groups/{group}")
    assert api.get("/subscribers")["data"][0]["subscriber_tags"] == []


def test_a_page_is_byte_for_byte_what_the_control_interface_says(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.reset(subscribers=40)
    body = api.call("GET", "/subscribers?limit=100&order=created&direction=asc").content
    assert body.startswith(b'{"data":[' + b",".join(sender_sandbox.subscribers()) + b"]")


def test_characters_are_escaped_as_php_escapes_them(sender_sandbox: Sandbox, api: Api) -> None:
    sender_sandbox.seed(rows=[{"email": "a/b@example.com", "firstname": "Žilvinas"}])
    (line,) = sender_sandbox.subscribers()
    assert rb"a\/b@example.com" in line
    assert rb"\u017dilvinas" in line
    assert api.get("/subscribers")["data"][0]["firstname"] == "Žilvinas"
