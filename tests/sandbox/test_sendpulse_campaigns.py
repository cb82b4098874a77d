"""Campaigns, which start when they are made."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.api import Api
from tests.sandbox.sendpulse_api import SendPulseApi, campaign, in_base64

STATES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 23, 25, 26, 27, 28, 33, 36)


@pytest.fixture
def news(sendpulse: SendPulseApi) -> int:
    return sendpulse.new_list("News", "a@example.com", "b@example.com")


def later(zone: str = "UTC", **ahead: float) -> str:
    """A date to come, as an account of a zone writes it."""
    return (datetime.now(UTC) + timedelta(**ahead)).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def status(sendpulse: SendPulseApi, id: int) -> int:
    found: int = sendpulse.get(f"/campaigns/{id}")["status"]
    return found


def test_making_one_mails_everybody_at_once(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    made = sendpulse.post("/campaigns", campaign(news))
    assert made == {
        "id": made["id"],
        "status": 13,
        "count": 2,
        "tariff_email_qty": 2,
        "overdraft_price": "0",
        "ovedraft_currency": "USD",
    }
    assert sender_sandbox.mails(str(made["id"])) == {"a@example.com": 1, "b@example.com": 1}
    assert sender_sandbox.counters()["campaigns"] == {
        str(made["id"]): {
            "title": "June",
            "status": "SENDING",
            "mails": 2,
            "recipients": 2,
            "max_mails_per_recipient": 1,
        }
    }


def test_making_it_twice_mails_everybody_twice(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    first, second = (sendpulse.post("/campaigns", campaign(news))["id"] for _ in range(2))
    assert first != second
    assert sender_sandbox.counters()["mails"] == 4
    assert sender_sandbox.counters()["max_mails_per_recipient"] == 1


def test_a_lost_answer_has_mailed_and_a_lost_call_has_not(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int
) -> None:
    for kind, mails in (("drop_before", 0), ("drop_after", 2)):
        sender_sandbox.fault(kind, "/campaigns", "POST")
        with pytest.raises(OSError, match="aborted"):
            sendpulse.call("POST", "/campaigns", campaign(news))
        assert sender_sandbox.counters()["mails"] == mails
    assert [row["name"] for row in sendpulse.get("/campaigns")] == ["June"]


def test_its_statuses_follow_each_other(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    sender_sandbox.settings(send_seconds=1000)
    id = sendpulse.post("/campaigns", campaign(news))["id"]
    seen = [status(sendpulse, id)]
    for _ in range(3):
        sender_sandbox.advance(150 if len(seen) == 1 else 500)
        seen.append(status(sendpulse, id))
    assert seen == [13, 1, 2, 3]


def test_only_those_active_on_the_list_are_mailed(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "gone@example.com", "groups": ["A"], "status": "unsubscribed"},
            *({"email": f"{name}@example.com", "groups": ["A", "B"]} for name in ("left-a", "left-both", "here")),
        ]
    )
    first, second = (row["id"] for row in sendpulse.get("/addressbooks"))
    left = ["left-a@example.com", "left-both@example.com"]
    sendpulse.done("POST", f"/addressbooks/{first}/emails/unsubscribe", {"emails": left})
    sendpulse.done("POST", f"/addressbooks/{second}/emails/unsubscribe", {"emails": left[1:]})
    only_first = sendpulse.post("/campaigns", campaign(first))
    assert sender_sandbox.mails(str(only_first["id"])) == {"here@example.com": 1}
    both = sendpulse.post("/campaigns", campaign([first, second]))
    assert both["count"] == 2
    assert sender_sandbox.mails(str(both["id"])) == {"here@example.com": 1, "left-a@example.com": 1}


def test_a_list_on_which_nobody_is_active_ends_with_12(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int
) -> None:
    sendpulse.done("POST", f"/addressbooks/{news}/emails/unsubscribe", {"emails": ["a@example.com", "b@example.com"]})
    made = sendpulse.post("/campaigns", campaign(news))
    assert made["count"] == 0
    sender_sandbox.advance(10)
    assert status(sendpulse, made["id"]) == 12
    assert sender_sandbox.counters()["mails"] == 0


def test_a_draft_stays_one(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    made = sendpulse.post("/campaigns", campaign(news, type="draft"))
    assert made["status"] == 26
    sender_sandbox.advance(86_400)
    found = sendpulse.get(f"/campaigns/{made['id']}")
    assert found["status"] == 26
    assert "statistics" not in found
    assert sender_sandbox.counters()["mails"] == 0
    sendpulse.done("DELETE", f"/campaigns/{made['id']}")
    assert status(sendpulse, made["id"]) == 16


def test_a_test_goes_to_its_sender(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    sender_sandbox.settings(send_seconds=100)
    id = sendpulse.post("/campaigns", campaign(news, is_test=True))["id"]
    assert status(sendpulse, id) == 4
    sender_sandbox.advance(100)
    assert status(sendpulse, id) == 8
    assert sender_sandbox.mails(str(id)) == {"shop@example.com": 1}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sender_name": ""}, 701),
        ({"sender_email": None}, 701),
        ({"sender_email": "stranger@example.com"}, 704),
        ({"subject": ""}, 720),
        ({"body": None}, 721),
        ({"body": "<p>plain</p>"}, 422),
        ({"body": None, "template_id": 900_001}, 31),
        ({"body_amp": "<p>plain</p>"}, 422),
        ({"list_id": None}, 722),
        ({"list_id": []}, 722),
        ({"list_id": 1}, 703),
        ({"list_id": "x"}, 422),
        ({"list_id": list(range(11))}, 422),
        ({"list_id": [1, 2], "is_test": True}, 422),
        ({"list_id": [1, 2], "segment_id": 7_001}, 422),
        ({"segment_id": 1}, 422),
        ({"send_date": "tomorrow"}, 799),
        ({"send_date": "2020-01-01 00:00:00"}, 799),
        ({"send_date": "2035-01-01T00:00:00"}, 799),
        ({"type": "final"}, 422),
        ({"stats": "all"}, 422),
        ({"is_test": "perhaps"}, 422),
        ({"attachments": {str(number): "x" for number in range(6)}}, 422),
        ({"attachments_binary": {"a.pdf": "?"}}, 422),
    ],
)
def test_a_campaign_that_is_refused(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int, changes: dict[str, Any], error: int
) -> None:
    assert sendpulse.error("POST", "/campaigns", campaign(news, **changes))[1] == error
    assert sendpulse.get("/campaigns") == []
    assert sender_sandbox.counters()["mails"] == 0


def test_a_list_without_anybody(sendpulse: SendPulseApi) -> None:
    assert sendpulse.error("POST", "/campaigns", campaign(sendpulse.new_list())) == (422, 211)


def test_a_template_instead_of_a_text(sendpulse: SendPulseApi, news: int) -> None:
    template = sendpulse.post("/template", {"name": "T", "body": in_base64("<p>Žalia</p>")})["real_id"]
    for id in (template, str(template)):
        made = sendpulse.post("/campaigns", campaign(news, body=None, template_id=id))
        assert sendpulse.get(f"/campaigns/{made['id']}")["message"]["body"] == "<p>Žalia</p>"


def test_a_segment_is_a_part_of_its_list(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> None:
    sender_sandbox.seed(
        rows=[
            {"email": "phone@example.com", "phone": "+37060000001", "groups": ["A"]},
            {"email": "none@example.com", "groups": ["A"]},
            {"email": "elsewhere@example.com", "phone": "+37060000002", "groups": ["B"]},
        ]
    )
    first = sendpulse.get("/addressbooks")[0]["id"]
    made = sendpulse.post("/campaigns", campaign(first, segment_id=7_002))
    assert sender_sandbox.mails(str(made["id"])) == {"phone@example.com": 1}
    made = sendpulse.post("/campaigns", campaign(None, segment_id=7_002))
    assert set(sender_sandbox.mails(str(made["id"]))) == {"phone@example.com", "elsewhere@example.com"}


def test_a_sender_has_to_be_activated(sendpulse: SendPulseApi, news: int) -> None:
    sendpulse.post("/senders", {"email": "new@example.com", "name": "New"})
    assert sendpulse.error("POST", "/campaigns", campaign(news, sender_email="new@example.com")) == (422, 704)
    sendpulse.post("/senders/new@example.com/code", {"code": "123456"})
    sendpulse.post("/campaigns", campaign(news, sender_email="new@example.com"))


# Scheduling


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_the_date_is_the_accounts_own(sender_sandbox: Sandbox, sendpulse: SendPulseApi, zone: str, news: int) -> None:
    sender_sandbox.settings(time_zone=zone)
    assert sendpulse.get("/user/info")["locale"] == zone
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(zone, hours=1)))["id"]
    sender_sandbox.advance(3_500)
    assert sender_sandbox.counters()["mails"] == 0
    sender_sandbox.advance(110)
    assert sender_sandbox.counters()["mails"] == 2
    assert status(sendpulse, id) == 3
    assert sendpulse.error("POST", "/campaigns", campaign(news, send_date=later(zone, hours=-1)))[1] == 799


@pytest.mark.parametrize("shown", [13, 14, 0, 1])
def test_what_a_scheduled_one_shows_is_a_knob(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int, shown: int
) -> None:
    sender_sandbox.settings(sendpulse_scheduled_status=shown)
    date = later(days=1)
    id = sendpulse.post("/campaigns", campaign(news, send_date=date))["id"]
    now = sendpulse.post("/campaigns", campaign(news, name="now"))["id"]
    assert status(sendpulse, id) == shown
    (found,) = sendpulse.get("/campaigns", planed=1)
    assert (found["id"], found["status"], found["send_date"]) == (id, shown, date)
    assert [row["id"] for row in sendpulse.get("/campaigns")] == [now, id]
    assert "statistics" not in sendpulse.get(f"/campaigns/{id}")


def test_one_can_be_sent_at_once_though_it_has_a_date(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int
) -> None:
    sender_sandbox.settings(sendpulse_scheduled_at_once=True)
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(days=1)))["id"]
    assert sender_sandbox.counters()["mails"] == 2
    assert sendpulse.get("/campaigns", planed=1) == []
    sender_sandbox.advance(10)
    assert status(sendpulse, id) == 3


def test_a_scheduled_one_can_be_changed(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(hours=1)))["id"]
    date = later(hours=3)
    changes = {"name": "July", "subject": "Other", "body": in_base64("<b>New</b>"), "send_date": date}
    response = sendpulse.call("PATCH", f"/campaigns/{id}", changes)
    assert response.json() == {"result": True, "id": id}
    found = sendpulse.get(f"/campaigns/{id}")
    assert (found["name"], found["message"]["subject"], found["message"]["body"], found["send_date"]) == (
        "July",
        "Other",
        "<b>New</b>",
        date,
    )
    sender_sandbox.advance(2 * 3_600)
    assert sender_sandbox.counters()["mails"] == 0
    sender_sandbox.advance(3_700)
    assert sender_sandbox.counters()["mails"] == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"subject": ""}, 720), ({"send_date": "2020-01-01 00:00:00"}, 799), ({"sender_email": "x@example.com"}, 704)],
)
def test_a_change_is_checked_too(sendpulse: SendPulseApi, news: int, changes: dict[str, str], error: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(hours=1)))["id"]
    before = sendpulse.get(f"/campaigns/{id}")
    assert sendpulse.error("PATCH", f"/campaigns/{id}", changes) == (422, error)
    assert sendpulse.get(f"/campaigns/{id}") == before


def test_only_a_scheduled_one_can_be_changed(sendpulse: SendPulseApi, news: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news))["id"]
    assert sendpulse.error("PATCH", f"/campaigns/{id}", {"name": "July"}) == (422, 602)


def test_a_cancelled_one_is_never_mailed(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(hours=1)))["id"]
    sendpulse.done("DELETE", f"/campaigns/{id}")
    sender_sandbox.advance(7_200)
    assert status(sendpulse, id) == 16
    assert sender_sandbox.counters()["mails"] == 0
    assert sender_sandbox.counters()["campaigns"][str(id)]["status"] == "CANCELLED"
    assert sendpulse.get("/campaigns", planed=1) == []
    assert sendpulse.error("DELETE", f"/campaigns/{id}") == (422, 602)


def test_moderation_can_take_its_time(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    sender_sandbox.settings(sendpulse_moderation_seconds=1000)
    first, second = (sendpulse.post("/campaigns", campaign(news))["id"] for _ in range(2))
    assert status(sendpulse, first) == 13
    sender_sandbox.advance(500)
    assert status(sendpulse, first) == 1
    assert sendpulse.get("/campaigns", planed=1) == []
    sendpulse.done("DELETE", f"/campaigns/{first}")
    assert sender_sandbox.counters()["mails"] == 0
    sender_sandbox.advance(600)
    assert (status(sendpulse, first), status(sendpulse, second)) == (16, 3)
    assert sender_sandbox.mails(str(second)) == {"a@example.com": 1, "b@example.com": 1}


@pytest.mark.parametrize("can", [True, False])
def test_one_being_sent_is_cancelled_as_the_knob_says(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int, can: bool
) -> None:
    sender_sandbox.settings(send_seconds=100, sendpulse_cancel_while_sending=can)
    id = sendpulse.post("/campaigns", campaign(news))["id"]
    if can:
        sendpulse.done("DELETE", f"/campaigns/{id}")
    else:
        assert sendpulse.error("DELETE", f"/campaigns/{id}") == (422, 602)
    sender_sandbox.advance(200)
    assert status(sendpulse, id) == (16 if can else 3)
    assert sender_sandbox.counters()["mails"] == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/countries"),
        ("GET", "/referrals"),
        ("GET", "/email/a@example.com"),
    ],
)
@pytest.mark.parametrize("id", ["1", "12000999", "x"])
def test_one_that_is_not_there(sendpulse: SendPulseApi, method: str, path: str, id: str) -> None:
    assert sendpulse.error(method, f"/campaigns/{id}{path}") == (404, 802)


@pytest.mark.parametrize("state", STATES)
def test_any_status_of_the_table_can_be_shown(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int, state: int
) -> None:
    id = sendpulse.post("/campaigns", campaign(news, send_date=later(hours=1)))["id"]
    sender_sandbox.set_campaign_status(id, state)
    assert status(sendpulse, id) == state
    assert [row["id"] for row in sendpulse.get("/campaigns", **{"status[]": state})] == [id]
    sender_sandbox.advance(7_200)
    assert status(sendpulse, id) == state
    goes_on = state in (0, 1, 2, 7, 9, 10, 13, 14, 15, 22)
    assert sender_sandbox.counters()["mails"] == (2 if goes_on else 0)


def test_a_status_that_means_nothing_is_refused(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news))["id"]
    with pytest.raises(SandboxError, match="no such status"):
        sender_sandbox.set_campaign_status(id, 17)
    with pytest.raises(SandboxError, match="no such campaign"):
        sender_sandbox.set_campaign_status(1, 3)


# Lists and statistics


def test_the_list_is_filtered_ordered_and_paged(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    ids = [sendpulse.post("/campaigns", campaign(news, name=name))["id"] for name in "abc"]
    sender_sandbox.set_campaign_status(ids[0], 5)
    sender_sandbox.set_campaign_status(ids[1], 16)
    sender_sandbox.set_campaign_status(ids[2], 3)

    def names(**query: Any) -> str:
        return "".join(row["name"] for row in sendpulse.get("/campaigns", **query))

    assert (names(), names(order="asc"), names(order="desc")) == ("cba", "abc", "cba")
    assert names(order="asc", limit=1, offset=1) == "b"
    assert names(order="asc", **{"status[]": [5, 3]}) == "ac"
    assert names(status=16) == names(**{"status[0]": 16}) == "b"
    for query in ({"order": "up"}, {"status[]": "sent"}, {"status[]": 17}, {"limit": 0}, {"limit": 101}):
        assert sendpulse.error("GET", "/campaigns", params=query) == (422, 422)


def test_lists_know_their_campaigns_as_tasks(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    other = sendpulse.new_list("Other", "c@example.com")
    first = sendpulse.post("/campaigns", campaign(news, name="First"))["id"]
    second = sendpulse.post("/campaigns", campaign([other, news], name="Second"))["id"]
    sender_sandbox.advance(10)
    tasks = [
        {"task_id": first, "task_name": "First", "task_status": 3},
        {"task_id": second, "task_name": "Second", "task_status": 3},
    ]
    assert sendpulse.get(f"/addressbooks/{news}/campaigns") == tasks
    assert sendpulse.get(f"/addressbooks/{other}/campaigns") == tasks[1:]
    assert sendpulse.get(f"/campaigns/{first}")["message"]["list_id"] == news
    assert sendpulse.get(f"/campaigns/{second}")["message"]["list_id"] == [other, news]


def test_one_campaign_has_all_its_keys(sender_sandbox: Sandbox, sendpulse: SendPulseApi, news: int) -> None:
    id = sendpulse.post("/campaigns", campaign(news, attachments={"a.txt": "x"}, stats={"clicks": False}))["id"]
    found = sendpulse.get(f"/campaigns/{id}")
    assert abs(datetime.fromisoformat(found.pop("send_date") + "+00:00").timestamp() - time.time()) < 60
    assert found.pop("statistics")
    assert found == {
        "id": id,
        "name": "June",
        "message": {
            "sender_name": "The Shop",
            "sender_email": "shop@example.com",
            "subject": "News",
            "attachments": "a.txt",
            "list_id": news,
            "body": "<p>Hello</p>",
        },
        "status": 13,
        "all_email_qty": 2,
        "tariff_email_qty": 2,
        "paid_email_qty": 0,
        "overdraft_price": 0,
        "overdraft_currency": "USD",
        "external_stat": {"check_open_email": 1, "check_redirect_link": 0},
        "permalink": f"https://example.com/view/{id}",
    }


@pytest.fixture
def sent(sender_sandbox: Sandbox, sendpulse: SendPulseApi) -> int:
    """A campaign that 500 people got."""
    sender_sandbox.seed(rows=[{"email": f"p{number:03}@example.com", "groups": ["Big"]} for number in range(500)])
    id: int = sendpulse.post("/campaigns", campaign(sendpulse.get("/addressbooks")[0]["id"]))["id"]
    sender_sandbox.advance(10)
    return id


def test_the_three_shapes_of_statistics_say_the_same(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, sent: int
) -> None:
    general = sendpulse.get(f"/campaigns/{sent}")["statistics"]
    counts = {row["code"]: row["count"] for row in general["general"]}
    assert {tuple(row) for row in general["general"]} == {("code", "count", "explain")}
    assert set(counts) <= {1, 2, 3, 4, 5, 6, 7, 11}
    assert counts[1] == 500
    assert counts[2] == 500 - counts[6] - counts[7]
    assert counts[2] > counts[3] > counts[4] > counts[5]
    assert general["clicks"] == [{"url": "https://example.com/spring", "count": counts[4]}]
    sender_sandbox.settings(sendpulse_statistics="array")
    assert sendpulse.get(f"/campaigns/{sent}")["statistics"] == general["general"]
    sender_sandbox.settings(sendpulse_statistics="totals")
    totals = sendpulse.get(f"/campaigns/{sent}")["statistics"]
    assert totals == {
        "sent": 500,
        "delivered": counts[2],
        "opening": counts[3],
        "link_redirected": counts[4],
        "unsubscribe": counts[5],
        "error": counts[6] + counts[7],
    }
    assert sendpulse.get("/campaigns")[0]["statistics"] == totals
    assert sendpulse.get(f"/campaigns/{sent}/countries") == {"LT": counts[3]}
    assert sendpulse.get(f"/campaigns/{sent}/referrals") == [{"link": "https://example.com/spring", "count": counts[4]}]


def test_what_is_not_tracked_is_not_counted(sender_sandbox: Sandbox, sendpulse: SendPulseApi, sent: int) -> None:
    big = sendpulse.get("/addressbooks")[0]["id"]
    id = sendpulse.post("/campaigns", campaign(big, stats={"opens": False, "clicks": False}))["id"]
    sender_sandbox.advance(10)
    found = sendpulse.get(f"/campaigns/{id}")["statistics"]
    assert {row["code"] for row in found["general"]}.isdisjoint({3, 4})
    assert found["clicks"] == []
    # No openings, no countries: an empty map, which PHP writes as a list.
    assert sendpulse.get(f"/campaigns/{id}/countries") == sendpulse.get(f"/campaigns/{id}/referrals") == []


@pytest.mark.parametrize("key", ["sent_date", "send_date"])
def test_what_became_of_one_mail(sender_sandbox: Sandbox, sendpulse: SendPulseApi, sent: int, key: str) -> None:
    sender_sandbox.settings(sendpulse_date_key=key)
    statuses = set()
    for number in range(40):
        found = sendpulse.get(f"/campaigns/{sent}/email/p{number:03}@example.com")
        assert set(found) == {
            key, "global_status", "global_status_explain", "detail_status", "detail_status_explain",
        }  # fmt: skip
        statuses.add(found["detail_status"])
    assert len(statuses) > 2
    assert sendpulse.error("GET", f"/campaigns/{sent}/email/nobody@example.com") == (404, 17)


def test_what_one_address_got(sendpulse: SendPulseApi, sent: int) -> None:
    big = sendpulse.get("/addressbooks")[0]["id"]
    books = [{"id": big, "address_book_name": "Big"}]
    found = sendpulse.get("/emails/p000@example.com/campaigns")
    assert found == {"statistic": found["statistic"], "blacklist": False, "addressbooks": books}
    assert found["statistic"]["sent"] == 1
    many = sendpulse.post("/emails/campaigns", {"emails": ["p000@example.com", "nobody@example.com"]})
    assert many["p000@example.com"] == found
    assert many["nobody@example.com"]["addressbooks"] == []


def test_each_service_shows_its_own_campaigns(
    sender_sandbox: Sandbox, sendpulse: SendPulseApi, api: Api, news: int
) -> None:
    id = sendpulse.post("/campaigns", campaign(news))["id"]
    draft = api.post("/campaigns", {"subject": "S", "from": "F", "reply_to": "shop@example.com",
                                    "content_type": "html", "content": "x"})["data"]["id"]  # fmt: skip
    assert [row["id"] for row in sendpulse.get("/campaigns")] == [id]
    assert [row["id"] for row in api.get("/campaigns")["data"]] == [draft]
    assert set(sender_sandbox.counters()["campaigns"]) == {str(id), draft}
