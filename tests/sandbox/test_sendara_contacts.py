from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.sendara_api import SendaraApi

DOCUMENTED = {
    "id", "email", "phone_number", "first_name", "last_name", "attributes", "tags", "email_consent", "created_at",
    "updated_at",
}  # fmt: skip


def test_a_contact_is_made_as_in_the_reference(sendara: SendaraApi) -> None:
    made = sendara.expect(
        201,
        "POST",
        "/v1/contacts",
        {"email": "ada@example.com", "first_name": "Ada", "tags": ["beta"], "attributes": {"plan": "pro"}},
    )
    assert made.keys() >= DOCUMENTED
    assert made["id"].startswith("ct_")
    assert (made["email"], made["first_name"], made["last_name"]) == ("ada@example.com", "Ada", "")
    assert (made["phone_number"], made["tags"], made["attributes"]) == (None, ["beta"], {"plan": "pro"})
    assert made["email_consent"] == "subscribed"
    assert made["created_at"].endswith("Z")
    assert sendara.get(f"/v1/contacts/{made['id']}") == made


def test_an_address_is_taken_once(sendara: SendaraApi) -> None:
    sendara.contact("ada@example.com")
    other = sendara.contact("bob@example.com")
    sendara.refused(409, "duplicate_contact", "POST", "/v1/contacts", {"email": "ADA@example.com"})
    sendara.refused(409, "duplicate_contact", "PUT", f"/v1/contacts/{other['id']}", {"email": "ada@example.com"})
    assert len(sendara.get("/v1/contacts")["contacts"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"first_name": "Ada"},
        {"email": "ada"},
        {"email": 5},
        {"phone_number": "12"},
        {"email": "a@example.com", "tags": "beta"},
        {"email": "a@example.com", "attributes": []},
        {"email": "a@example.com", "email_consent": "yes"},
        [],
    ],
)
def test_what_is_no_contact_is_refused(sendara: SendaraApi, body: Any) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts", body)
    assert sendara.get("/v1/contacts") == {"contacts": []}


def test_a_contact_may_have_nothing_but_a_phone_number(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.expect(201, "POST", "/v1/contacts", {"phone_number": "+37061234567"})
    assert (made["email"], made["phone_number"]) == (None, "+37061234567")
    audience = sendara.audience("All", made["id"])
    body = {"from_email": "a@example.com", "subject": "Hi", "body_html": "Hi", "audience_list_id": audience}
    sendara.expect(202, "POST", "/v1/send/bulk", body)
    assert sender_sandbox.counters()["mails"] == 0


def test_put_changes_only_what_it_names_and_replaces_tags_and_attributes(sendara: SendaraApi) -> None:
    made = sendara.contact("ada@example.com", first_name="Ada", tags=["a", "b"], attributes={"plan": "pro", "n": 1})
    path = f"/v1/contacts/{made['id']}"
    assert sendara.expect(200, "PUT", path, {"first_name": "Augusta"})["tags"] == ["a", "b"]
    changed = sendara.expect(200, "PUT", path, {"tags": ["c"], "attributes": {"n": 2}})
    assert (changed["first_name"], changed["tags"], changed["attributes"]) == ("Augusta", ["c"], {"n": 2})
    assert sendara.expect(200, "PUT", path, {"email": "augusta@example.com"})["email"] == "augusta@example.com"


def test_attributes_keep_their_names_and_values(sendara: SendaraApi) -> None:
    attributes = {"plan": "pro", "Plan": "free", "flag": True, "deep": {"a": [1, 2.5, None]}, "ü <&>": "é"}
    made = sendara.contact("ada@example.com", attributes=attributes)
    assert sendara.get(f"/v1/contacts/{made['id']}")["attributes"] == attributes


def test_delete_takes_a_contact_off_all_lists(sendara: SendaraApi) -> None:
    made = sendara.contact("ada@example.com")
    audience = sendara.audience("All", made["id"])
    assert sendara.expect(204, "DELETE", f"/v1/contacts/{made['id']}") is None
    sendara.refused(404, "not_found", "GET", f"/v1/contacts/{made['id']}")
    sendara.refused(404, "not_found", "DELETE", f"/v1/contacts/{made['id']}")
    assert sendara.get(f"/v1/contacts/lists/{audience}/members") == {"members": []}


def test_lists_come_newest_first_and_say_nothing_of_a_total(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(subscribers=250)
    first = sendara.get("/v1/contacts")
    assert list(first) == ["contacts"]
    assert len(first["contacts"]) == 50
    assert len(sendara.get("/v1/contacts", limit=1000)["contacts"]) == 100
    assert len(sendara.get("/v1/contacts", limit="x", offset="y")["contacts"]) == 50
    pages = [sendara.get("/v1/contacts", limit=100, offset=offset)["contacts"] for offset in (0, 100, 200, 300)]
    rows = [row for page in pages for row in page]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert len({row["id"] for row in rows}) == 250
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)


def test_the_sizes_of_pages_are_knobs(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(subscribers=120, sendara_default_limit=7, sendara_max_limit=20)
    assert len(sendara.get("/v1/contacts")["contacts"]) == 7
    assert len(sendara.get("/v1/contacts", limit=50)["contacts"]) == 20
    sender_sandbox.settings(sendara_max_limit=None)
    assert len(sendara.get("/v1/contacts", limit=1000)["contacts"]) == 120


def test_others_adding_contacts_shift_the_pages(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(subscribers=20)
    sender_sandbox.fault("add_subscribers", "/v1/contacts", count=3, skip=1)
    first = [row["id"] for row in sendara.get("/v1/contacts", limit=10)["contacts"]]
    second = [row["id"] for row in sendara.get("/v1/contacts", limit=10, offset=10)["contacts"]]
    assert first[-3:] == second[:3]


@pytest.mark.parametrize(
    ("knob", "status", "consent"),
    [
        ("unsubscribed", "active", "subscribed"),
        ("unsubscribed", "unsubscribed", "unsubscribed"),
        ("unsubscribed", "bounced", "unsubscribed"),
        ("suppressed", "bounced", "suppressed"),
        ("suppressed", "spam_reported", "suppressed"),
        ("suppressed", "unsubscribed", "unsubscribed"),
        ("kept", "bounced", "subscribed"),
    ],
)
def test_consent_follows_from_the_accounts_state(
    sender_sandbox: Sandbox, sendara: SendaraApi, knob: str, status: str, consent: str
) -> None:
    sender_sandbox.reset(sendara_suppressed_consent=knob)
    sender_sandbox.seed(rows=[{"email": "ada@example.com", "status": status}])
    assert sendara.get("/v1/contacts")["contacts"][0]["email_consent"] == consent


def test_consent_can_be_changed_and_a_bounce_stays_suppressed(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.seed(rows=[{"email": "ada@example.com", "status": "bounced"}])
    contact = sendara.get("/v1/contacts")["contacts"][0]
    for consent in ("unsubscribed", "subscribed", "unknown"):
        changed = sendara.expect(200, "PUT", f"/v1/contacts/{contact['id']}", {"email_consent": consent})
        assert changed["email_consent"] == consent
    assert [row["recipient"] for row in sendara.get("/v1/suppressions")["suppressions"]] == ["ada@example.com"]


def test_import_counts_and_names_nobody(sendara: SendaraApi) -> None:
    sendara.contact("ada@example.com", first_name="Ada", tags=["old"], email_consent="unsubscribed")
    contacts = [
        {"email": "ADA@example.com", "tags": ["new"]},
        {"email": "bob@example.com", "attributes": {"plan": "pro"}},
        {"email": "bob@example.com", "first_name": "Bob"},
        {"email": "no address"},
        {"first_name": "Nobody"},
        "nothing",
    ]
    counts = sendara.expect(200, "POST", "/v1/contacts/import", {"contacts": contacts})
    assert counts == {"imported": 1, "updated": 2, "skipped": 3}
    bob, ada = sendara.get("/v1/contacts")["contacts"]
    assert (bob["first_name"], bob["attributes"]) == ("Bob", {"plan": "pro"})
    assert (ada["first_name"], ada["tags"], ada["email_consent"]) == ("Ada", ["new"], "unsubscribed")


def test_import_merges_skips_and_ends_as_the_knobs_say(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(sendara_import_merges=True, sendara_import_skips="*@blocked.example", sendara_import_limit=2)
    sendara.contact("ada@example.com", tags=["old"], attributes={"a": 1, "b": 1})
    rows: list[Any] = [
        {"email": "ada@example.com", "tags": ["new"], "attributes": {"b": 2}},
        {"email": "x@blocked.example"},
    ]
    counts = sendara.expect(200, "POST", "/v1/contacts/import", {"contacts": rows})
    assert counts == {"imported": 0, "updated": 1, "skipped": 1}
    (ada,) = sendara.get("/v1/contacts")["contacts"]
    assert (ada["tags"], ada["attributes"]) == (["old", "new"], {"a": 1, "b": 2})
    sendara.refused(413, "payload_too_large", "POST", "/v1/contacts/import", {"contacts": [{}] * 3})


def test_import_in_the_forms_of_the_sdks(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    inline = {"rows": [{"email": "ada@example.com"}], "list_id": sendara.audience("All")}
    sendara.refused(404, "not_found", "POST", "/v1/contacts/import/inline", inline)
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts/import", {"s3_key": "k", "format": "csv"})
    sender_sandbox.settings(sendara_import_form="inline")
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts/import", {"contacts": []})
    counts = {"imported": 1, "updated": 0, "skipped": 0}
    assert sendara.expect(200, "POST", "/v1/contacts/import/inline", {**inline, "dry_run": True}) == counts
    assert sendara.get("/v1/contacts") == {"contacts": []}
    assert sendara.expect(200, "POST", "/v1/contacts/import/inline", inline) == counts
    assert len(sendara.get(f"/v1/contacts/lists/{inline['list_id']}/members")["members"]) == 1
    sender_sandbox.settings(sendara_import_form="s3")
    sendara.expect(200, "POST", "/v1/contacts/import", {"s3_key": "k", "format": "csv"})
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts/import", {"contacts": []})


def test_bulk_actions_say_how_many_they_touched(sendara: SendaraApi) -> None:
    ids = [sendara.contact(f"{name}@example.com")["id"] for name in ("ada", "bob")]
    audience = sendara.audience("All")

    def affected(action: str, **more: Any) -> int:
        body = {"ids": [*ids, "ct_nobody"], "action": action, **more}
        return int(sendara.expect(200, "POST", "/v1/contacts/bulk", body)["affected"])

    assert affected("add_tag", tag="vip") == affected("add_to_list", list_id=audience) == 2
    assert affected("set_consent", channel="email", consent="unsubscribed") == 2
    members = sendara.get(f"/v1/contacts/lists/{audience}/members")["members"]
    assert [(row["tags"], row["email_consent"]) for row in members] == [(["vip"], "unsubscribed")] * 2
    preview = {"segment_rules": {"tags": ["vip"]}}
    assert sendara.expect(200, "POST", "/v1/contacts/segments/preview", preview) == {"count": 2}
    assert affected("remove_tag", tag="vip") == affected("remove_from_list", list_id=audience) == 2
    assert sendara.expect(200, "POST", "/v1/contacts/segments/preview", preview) == {"count": 0}
    assert affected("delete") == 2
    assert sendara.get("/v1/contacts/usage")["contact_count"] == 0
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts/bulk", {"ids": ids, "action": "juggle"})


def test_the_accounts_groups_are_its_static_lists(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    sender_sandbox.reset(subscribers=40)
    lists = {row["name"]: row for row in sendara.get("/v1/contacts/lists")["lists"]}
    assert lists.keys() == {"Newsletter", "Customers", "Product updates"}
    assert {row["list_type"] for row in lists.values()} == {"static"}
    row = sendara.get(f"/v1/contacts/lists/{lists['Newsletter']['id']}/members")["members"][0]
    assert "Newsletter" in {found["name"] for found in sendara.get(f"/v1/contacts/{row['id']}/lists")["lists"]}


def test_a_static_list_takes_contacts_one_at_a_time(sendara: SendaraApi) -> None:
    made = sendara.contact("ada@example.com")
    body = {"name": "Beta users", "list_type": "static"}
    audience = sendara.expect(201, "POST", "/v1/contacts/lists", body)
    assert audience["id"].startswith("list_")
    path = f"/v1/contacts/lists/{audience['id']}/members"
    member = sendara.expect(201, "POST", path, {"contact_id": made["id"]})
    assert member.keys() == {"id", "contact_list_id", "contact_id", "added_at"}
    assert member["id"].startswith("lm_")
    assert (member["contact_list_id"], member["contact_id"]) == (audience["id"], made["id"])
    sendara.refused(409, "duplicate_member", "POST", path, {"contact_id": made["id"]})
    sendara.refused(404, "not_found", "POST", path, {"contact_id": "ct_nobody"})
    sendara.refused(400, "invalid_request", "POST", path, {})
    assert sendara.get(path) == {"members": [sendara.get(f"/v1/contacts/{made['id']}")]}
    sendara.expect(204, "DELETE", f"{path}/{made['id']}")
    sendara.refused(404, "not_found", "DELETE", f"{path}/{made['id']}")


def test_a_dynamic_list_follows_its_rules(sendara: SendaraApi) -> None:
    sendara.contact("ada@example.com", tags=["beta"], attributes={"plan": "pro", "seats": 1})
    bob = sendara.contact("bob@example.com", tags=["beta"])
    rules = {"tags": ["beta"], "attributes": {"plan": "pro", "seats": 1}}
    body = {"name": "Beta pros", "list_type": "dynamic", "segment_rules": rules}
    audience = sendara.expect(201, "POST", "/v1/contacts/lists", body)
    assert audience["segment_rules"] == rules
    path = f"/v1/contacts/lists/{audience['id']}"

    def members() -> list[str]:
        return [row["email"] for row in sendara.get(f"{path}/members")["members"]]

    assert members() == ["ada@example.com"]
    sendara.expect(200, "PUT", f"/v1/contacts/{bob['id']}", {"attributes": {"plan": "pro", "seats": "1"}})
    assert members() == ["ada@example.com"]
    sendara.expect(200, "PUT", f"/v1/contacts/{bob['id']}", {"attributes": {"plan": "pro", "seats": 1}})
    assert members() == ["bob@example.com", "ada@example.com"]
    lists = sendara.get(f"/v1/contacts/{bob['id']}/lists")["lists"]
    assert [row["id"] for row in lists] == [audience["id"]]
    sendara.refused(400, "invalid_request", "POST", f"{path}/members", {"contact_id": bob["id"]})
    changed = sendara.expect(200, "PUT", path, {"name": "Nobody", "segment_rules": {"tags": ["none"]}})
    assert (changed["name"], members()) == ("Nobody", [])
    sendara.expect(204, "DELETE", path)
    sendara.refused(404, "not_found", "GET", path)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"list_type": "static"},
        {"name": "x", "list_type": "other"},
        {"name": "x", "list_type": "dynamic"},
    ],
)
def test_a_list_needs_a_name_a_type_and_rules(sendara: SendaraApi, body: Any) -> None:
    sendara.refused(400, "invalid_request", "POST", "/v1/contacts/lists", body)


def test_lists_are_paged_newest_first(sendara: SendaraApi) -> None:
    ids = [sendara.audience(f"List {number}") for number in range(5)][::-1]
    assert [row["id"] for row in sendara.get("/v1/contacts/lists", limit=2, offset=2)["lists"]] == ids[2:4]
    path = f"/v1/contacts/lists/{ids[0]}"
    assert sendara.expect(200, "PUT", path, {"name": "Other"})["name"] == "Other"
    assert sendara.get(path)["name"] == "Other"


@pytest.mark.parametrize(("knob", "counts"), [("all", (150, 150)), ("capped", (100, 100)), ("paged", (50, 50))])
def test_members_come_as_the_knob_says(
    sender_sandbox: Sandbox, sendara: SendaraApi, knob: str, counts: tuple[int, int]
) -> None:
    sender_sandbox.reset(sendara_members=knob)
    sender_sandbox.seed(rows=[{"email": f"p{number}@example.com", "groups": ["All"]} for number in range(150)])
    path = f"/v1/contacts/lists/{sendara.get('/v1/contacts/lists')['lists'][0]['id']}/members"
    pages = [sendara.get(path)["members"], sendara.get(path, offset=50)["members"]]
    assert tuple(len(page) for page in pages) == counts
    assert (pages[0] == pages[1]) is (knob != "paged")


def test_the_control_shows_what_a_list_shows(sender_sandbox: Sandbox, sendara: SendaraApi) -> None:
    made = sendara.contact("ada@example.com", first_name="Ada <3")
    found = sender_sandbox.subscriber("ada@example.com")
    assert found is not None
    assert found["firstname"] == "Ada <3"
    assert "ct_" + found["id"] == made["id"]
    assert b'"first_name":"Ada \\u003c3"' in sendara.call("GET", "/v1/contacts").content
