"""The rest of SendPulse: transactional e-mails, templates, the blacklist, senders, tags, webhooks, the account."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.sendpulse_api import SendPulseApi, in_base64, mail

WEBHOOKS = "/v2/email-service/webhook"


# Transactional e-mails


def test_a_message_is_accepted_and_kept(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sent = sendpulse.post("/smtp/emails", mail())
    assert sent == {"result": True, "id": sent["id"]}
    assert sent["id"].count("-") == 2
    assert sender_sandbox.messages() == [mail()["email"]]
    assert sender_sandbox.counters()["messages"] == 1
    found = sendpulse.get(f"/smtp/emails/{sent['id']}")
    assert set(found) == {
        "id", "sender", "total_size", "sender_ip", "smtp_answer_code", "smtp_answer_code_explain",
        "smtp_answer_subcode", "smtp_answer_data", "used_ip", "recipient", "subject", "send_date", "tracking",
    }  # fmt: skip
    assert (found["sender"], found["recipient"], found["smtp_answer_code"]) == (
        "shop@example.com",
        "ann@example.com",
        250,
    )


def test_nothing_tells_a_repeated_message_from_a_new_one(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    ids = {sendpulse.post("/smtp/emails", mail())["id"] for _ in range(2)}
    assert len(ids) == 2
    assert sendpulse.get("/smtp/emails/total") == {"total": 2}
    assert sender_sandbox.counters()["messages"] == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject": None}, 12),
        ({"from": None}, 701),
        ({"from": {"email": "shop@example.com"}}, 701),
        ({"from": {"name": "X", "email": "stranger@example.com"}}, 704),
        ({"to": None}, 11),
        ({"to": [{"email": "nobody"}]}, 906),
        ({"cc": [{"email": "nobody"}]}, 906),
        ({"to": [{"email": f"p{number}@example.com"} for number in range(101)]}, 550),
        ({"html": None}, 13),
        ({"text": None}, 13),
        ({"html": "<p>plain</p>"}, 422),
        ({"attachments_binary": {"a.pdf": "?"}}, 422),
        ({"template": {}}, 422),
        ({"template": {"id": 1}}, 290),
    ],
)
def test_a_message_that_is_refused(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, changes: dict[str, Any], error: int
) -> None:
    assert sendpulse.error("POST", "/smtp/emails", mail(**changes))[1] == error
    assert sender_sandbox.messages() == []


def test_a_message_from_a_template(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    real_id = sendpulse.post("/template", {"body": in_base64("<p>{{x}}</p>")})["real_id"]
    (template,) = sendpulse.get("/templates", owner="me")
    for id in (real_id, template["id"]):
        sendpulse.post("/smtp/emails", mail(html=None, text=None, template={"id": id, "variables": {"x": 1}}))
    assert sender_sandbox.counters()["messages"] == 2


def test_without_an_smtp_user_nothing_is_sent(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.settings(sendpulse_smtp_user=False)
    assert sendpulse.error("POST", "/smtp/emails", mail()) == (400, 400)
    assert sendpulse.error("GET", "/smtp/ips") == (400, 400)


def test_messages_are_found_by_page_by_filter_and_by_id(sendpulse: SendPulseApi) -> None:
    ids = [sendpulse.post("/smtp/emails", mail(to=[{"email": f"{name}@example.com"}]))["id"] for name in "abc"]
    assert [row["id"] for row in sendpulse.get("/smtp/emails")] == ids
    assert [row["id"] for row in sendpulse.get("/smtp/emails", limit=1, offset=1)] == ids[1:2]
    assert [row["id"] for row in sendpulse.get("/smtp/emails", recipient="c@example.com")] == ids[2:]
    assert sendpulse.get("/smtp/emails", sender="other@example.com") == []
    assert sendpulse.get("/smtp/emails", to="2020-01-01") == []
    assert len(sendpulse.get("/smtp/emails", **{"from": "2020-01-01 00:00:00"})) == 3
    assert sendpulse.error("GET", "/smtp/emails", params={"from": "May"}) == (422, 422)
    assert [row["id"] for row in sendpulse.post("/smtp/emails/info", {"emails": [*ids, "nope"]})] == ids
    assert sendpulse.error("POST", "/smtp/emails/info", {"emails": ["x"] * 501}) == (422, 422)
    assert sendpulse.error("GET", "/smtp/emails/nope") == (400, 14)


def test_addresses_at_invalid_bounce(sendpulse: SendPulseApi) -> None:
    sendpulse.post("/smtp/emails", mail())
    sendpulse.post("/smtp/emails", mail(to=[{"email": "a@nowhere.invalid"}]))
    found = sendpulse.get("/smtp/bounces/day")
    assert [row["email_to"] for row in found["emails"]] == ["a@nowhere.invalid"]
    assert (found["total"], found["found"]) == (1, 1)
    assert set(found["emails"][0]) == {
        "email_to", "sender", "send_date", "subject", "smtp_answer_code", "smtp_answer_subcode", "smtp_answer_data",
    }  # fmt: skip
    assert sendpulse.get("/smtp/bounces/day/total") == {"total": 1}
    assert sendpulse.get("/smtp/bounces/day/total", date="2020-01-01") == {"total": 0}


@pytest.mark.parametrize("wrapped", [True, False])
def test_unsubscribing_takes_both_known_bodies(sendpulse: SendPulseApi, wrapped: bool) -> None:
    def body(*rows: Any) -> Any:
        return {"emails": list(rows)} if wrapped else list(rows)

    sendpulse.done(
        "POST", "/smtp/unsubscribe", body({"email": "a@example.com", "comment": "asked"}, {"email": "b@example.com"})
    )
    (first, _) = sendpulse.get("/smtp/unsubscribe")
    assert set(first) == {"email", "unsubscribe_by_link", "unsubscribe_by_user", "spam_complaint", "date"}
    assert sendpulse.get("/smtp/unsubscribe/search", email="a@example.com") == {"result": True}
    sendpulse.done("DELETE", "/smtp/unsubscribe", body("a@example.com"))
    assert sendpulse.get("/smtp/unsubscribe/search", email="a@example.com") == {"result": False}
    assert [row["email"] for row in sendpulse.get("/smtp/unsubscribe", limit=10)] == ["b@example.com"]
    assert sendpulse.get("/smtp/unsubscribe", date="2020-01-01") == []
    assert sendpulse.error("POST", "/smtp/unsubscribe", body()) == (422, 422)
    assert sendpulse.error("POST", "/smtp/unsubscribe", body("x")) == (422, 906)


def test_five_may_be_asked_back_a_day(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    asked = {"email": "a@example.com", "sender": "shop@example.com", "lang": "en"}
    for _ in range(5):
        sendpulse.done("POST", "/smtp/resubscribe", asked)
    assert sendpulse.error("POST", "/smtp/resubscribe", asked) == (422, 422)
    sender_sandbox.advance(86_400)
    sendpulse.done("POST", "/smtp/resubscribe", asked)


def test_senders_addresses_and_domains_of_smtp(sendpulse: SendPulseApi) -> None:
    assert sendpulse.get("/smtp/senders") == ["hello@example.com", "shop@example.com"]
    assert sendpulse.get("/smtp/ips") == ["192.0.2.1"]
    path = "/v2/email-service/smtp/sender_domains"
    added = sendpulse.post(f"{path}/shop.example")["data"]
    assert added["result"] is True
    domains = sendpulse.get(path)["data"]["data"]
    assert [row["domain"] for row in domains] == ["example.com", "shop.example"]
    assert set(domains[0]["checks"]) == {"check_dkim", "check_spf", "check_dmarc", "all_checks", "spf_txt_needed"}


# Templates, blacklist, senders, tags


def test_templates_are_the_vendors_unless_the_own_are_asked_for(sendpulse: SendPulseApi) -> None:
    real_id = sendpulse.post("/template", {"name": "My one", "body": in_base64("<p>ž</p>"), "lang": "en"})["real_id"]
    assert [row["owner"] for row in sendpulse.get("/templates")] == ["sendpulse"]
    (own,) = sendpulse.get("/templates", owner="me")
    assert (own["real_id"], own["name"], own["owner"]) == (real_id, "My one", "me")
    for path in (f"/template/{real_id}", f"/template/{own['id']}", "/template/slug/my-one"):
        assert sendpulse.get(path)["body"] == "<p>ž</p>"
    sendpulse.done("POST", f"/template/edit/{real_id}", {"body": in_base64("<b>2</b>")})
    assert sendpulse.get(f"/template/{real_id}")["body"] == "<b>2</b>"


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("POST", "/template", {}, (422, 422)),
        ("POST", "/template", {"body": "<p>"}, (422, 422)),
        ("POST", "/template", {"body": "eA==", "lang": "xx"}, (422, 422)),
        ("POST", "/template", {"body": "eA==", "name": "There"}, (422, 573)),
        ("GET", "/template/1", None, (404, 290)),
        ("GET", "/template/slug/nope", None, (404, 290)),
        ("POST", "/template/edit/1", {"body": "eA=="}, (404, 31)),
        ("POST", "/template/edit/100", {"body": "eA=="}, (422, 2900)),
        ("GET", "/templates?owner=you", None, (422, 422)),
        ("GET", "/templates?limit=0", None, (422, 422)),
    ],
)
def test_templates_that_are_refused(
    sendpulse: SendPulseApi, method: str, path: str, body: Any, error: tuple[int, int]
) -> None:
    sendpulse.post("/template", {"name": "There", "body": in_base64("x")})
    assert sendpulse.error(method, path, body) == error


def test_the_blacklist_is_base64_of_a_text_with_commas(sendpulse: SendPulseApi) -> None:
    sendpulse.done("POST", "/blacklist", {"emails": in_base64("a@example.com, b@example.com"), "comment": "asked"})
    assert sendpulse.get("/blacklist") == ["a@example.com", "b@example.com"]
    sendpulse.done("POST", "/blacklist", {"emails": in_base64("B@example.com")})
    sendpulse.done("DELETE", "/blacklist", {"emails": in_base64("a@example.com")})
    assert sendpulse.get("/blacklist") == ["b@example.com"]
    assert sendpulse.error("DELETE", "/blacklist", {"emails": in_base64("a@example.com")}) == (422, 422)
    assert sendpulse.error("POST", "/blacklist", {"emails": "a@example.com"}) == (422, 422)
    assert sendpulse.error("POST", "/blacklist", {"emails": in_base64("nobody")}) == (422, 906)
    assert sendpulse.error("POST", "/blacklist", {}) == (422, 1101)
    assert sendpulse.error("POST", "/smtp/emails", mail(to=[{"email": "b@example.com"}])) == (422, 904)


def test_a_sender_is_added_and_activated(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sendpulse.post("/senders", {"email": "new@example.com", "name": "New"})
    assert [row["status"] for row in sendpulse.get("/senders")] == ["Active", "Active", "Not active"]
    sendpulse.get("/senders/new@example.com/code")
    assert sendpulse.error("GET", "/senders/new@example.com/code") == (422, 1004)
    sender_sandbox.advance(15 * 60)
    sendpulse.get("/senders/new@example.com/code")
    assert sendpulse.error("POST", "/senders/new@example.com/code", {}) == (422, 1104)
    assert sendpulse.error("POST", "/senders/new@example.com/code", {"code": "0"}) == (422, 800)
    sendpulse.post("/senders/new@example.com/code", {"code": "123456"})
    assert sendpulse.get("/senders")[-1]["status"] == "Active"
    assert sendpulse.error("GET", "/senders/new@example.com/code") == (422, 21)
    sendpulse.done("DELETE", "/senders", {"email": "new@example.com"})
    assert len(sendpulse.get("/senders")) == 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "X"}, 903),
        ({"email": "x@example.com"}, 901),
        ({"email": "x", "name": "X"}, 906),
        ({"email": "x@gmail.com", "name": "X"}, 20),
        ({"email": "shop@example.com", "name": "X"}, 902),
    ],
)
def test_a_sender_that_is_refused(sendpulse: SendPulseApi, body: dict[str, str], error: int) -> None:
    assert sendpulse.error("POST", "/senders", body) == (422, error)


def test_tags_go_through_a_queue(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    queued = sendpulse.post("/tags", {"name": "vip"})
    assert set(queued) == {"success", "code", "queue_id"}
    assert queued["code"] == "request_sended_to_queue"
    sender_sandbox.advance(2)
    (tag,) = sendpulse.get("/tags")["data"]
    assert tag["name"] == "vip"
    for path in ("/tags/pin/email", "/tags/unpin/email"):
        assert sendpulse.post(path, {"email": "a@example.com", "tags": [tag["id"]]})["success"] is True
    assert sendpulse.error("POST", "/tags/pin/phone", {"tags": [tag["id"]]}) == (422, 1101)
    assert sendpulse.call("PUT", f"/tags/{tag['id']}", {"name": "VIP"}).json()["success"] is True
    assert sendpulse.get("/tags")["data"][0]["name"] == "VIP"
    assert sendpulse.call("DELETE", f"/tags/{tag['id']}").json()["success"] is True
    assert sendpulse.get("/tags")["data"] == []
    assert sendpulse.error("DELETE", f"/tags/{tag['id']}") == (404, 8)
    sender_sandbox.settings(sendpulse_tags=False)
    assert sendpulse.error("POST", "/tags", {"name": "vip"}) == (403, 3030303030)


# Webhooks, events, account


def test_a_webhook_is_a_row_for_each_action(sendpulse: SendPulseApi) -> None:
    body = {"url": "https://example.com/hook", "actions": ["open", "task_status_update"]}
    made = sendpulse.post(WEBHOOKS, body)
    assert made["success"] is True
    assert [(row["url"], row["action"]) for row in made["data"]] == [
        ("https://example.com/hook", "open"),
        ("https://example.com/hook", "task_status_update"),
    ]
    assert set(made["data"][0]) == {"id", "user_id", "url", "action"}
    assert sendpulse.get(WEBHOOKS) == made
    path = f"{WEBHOOKS}/{made['data'][0]['id']}"
    changed = sendpulse.call("PUT", path, {"url": "https://example.com/other"})
    assert changed.json() == {"success": True, "data": [True]}
    assert sendpulse.get(path)["data"]["url"] == "https://example.com/other"
    assert sendpulse.call("DELETE", path).json() == {"success": True, "data": [True]}
    assert sendpulse.error("GET", path) == (404, 8)


@pytest.mark.parametrize(
    "body",
    [{"actions": ["open"]}, {"url": "x", "actions": ["open"]}, {"url": "https://a.b"},
     {"url": "https://a.b", "actions": ["opened"]}],
)  # fmt: skip
def test_a_webhook_that_is_refused(sendpulse: SendPulseApi, body: dict[str, Any]) -> None:
    assert sendpulse.error("POST", WEBHOOKS, body) == (422, 422)


def test_an_event_needs_somebody(sendpulse: SendPulseApi) -> None:
    sendpulse.done("POST", "/events/name/order_paid", {"email": "a@example.com", "total": 3, "automation_id": 5})
    sendpulse.done("POST", "/events/name/order_paid", {"phone": "37060000001"})
    assert sendpulse.error("POST", "/events/name/order_paid", {"total": 3}) == (422, 1101)
    assert sendpulse.error("POST", "/events/name/order_paid", {"email": "x"}) == (422, 906)
    assert sendpulse.error("POST", "/events/name/x", {"email": "a@example.com", "automation_id": "5"}) == (422, 422)


def test_whose_account_it_is_and_what_is_left(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.reset(subscribers=10, time_zone="Asia/Tokyo")
    info = sendpulse.get("/user/info")
    assert set(info) == {
        "id", "name", "first_name", "last_name", "email", "phone", "lang", "avatar", "currency", "country", "city",
        "locale", "time_zone", "team_name", "team_avatar", "phone_confirm",
    }  # fmt: skip
    assert (info["locale"], info["time_zone"]) == ("Asia/Tokyo", "9")
    assert set(sendpulse.get("/user/invited-users-list")[0]) == {
        "id", "firstname", "lastname", "email", "group_id", "is_active", "avatar", "lang", "locale", "currency",
        "country", "phone",
    }  # fmt: skip
    balance = sendpulse.get("/user/balance/detail")
    assert set(balance) == {"balance", "email", "smtp", "push"}
    assert set(balance["email"]) == {
        "tariff_name", "finished_time", "emails_left", "maximum_subscribers", "current_subscribers",
    }  # fmt: skip
    assert sendpulse.get("/balance/eur")["currency"] == "EUR"
    assert sendpulse.error("GET", "/balance/xxx") == (422, 422)


# Faults


@pytest.mark.parametrize(
    ("kind", "options", "status", "body"),
    [
        ("refuse", {"message": "No."}, 400, {"message": "No.", "error_code": 400}),
        ("rate_limit", {}, 429, {"message": "Too many requests", "error_code": 429}),
        ("reject", {"errors": {"emails": ["Bad."]}}, 422, {"message": "Bad.", "error_code": 422}),
        ("status", {"status": 503, "body": {"message": "x"}}, 503, {"message": "x"}),
    ],
)
def test_faults_speak_as_the_service_does(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, kind: str, options: dict[str, Any], status: int, body: Any
) -> None:
    sender_sandbox.fault(kind, "/addressbooks", "POST", **options)
    response = sendpulse.call("POST", "/addressbooks", {"bookName": "News"})
    assert (response.status_code, response.json()) == (status, body)
    assert sendpulse.get("/addressbooks") == []
    log = sender_sandbox.requests()
    assert [(row["service"], row["fault"]) for row in log] == [("sendpulse", kind), ("sendpulse", None)]


def test_a_batch_is_rejected_for_one_of_its_addresses(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    news = sendpulse.new_list()
    sender_sandbox.fault("reject", "/addressbooks/*/emails", "POST", email="bad@*", times=None)
    path, good = f"/addressbooks/{news}/emails", {"email": "good@example.com"}
    assert sendpulse.error("POST", path, {"emails": [good, {"email": "bad@example.com"}]}) == (422, 422)
    sendpulse.done("POST", path, {"emails": [good]})
    assert sendpulse.emails(news) == ["good@example.com"]


def test_a_fault_can_hit_the_call_for_a_token(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.fault("status", "/oauth/access_token", status=502)
    assert [sendpulse.token().status_code for _ in range(2)] == [502, 200]


def test_the_control_shows_people_as_ever(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sendpulse.new_list("News", "a@example.com")
    found = sender_sandbox.subscriber("a@example.com")
    assert found is not None
    assert [tag["title"] for tag in found["subscriber_tags"]] == ["News"]
