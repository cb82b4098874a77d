from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.operators.campaigns import SenderCreateCampaignOperator, SenderSendCampaignOperator
from airflow_provider_sender.operators.parameters import moment
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of


@pytest.fixture
def account(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account of ``sender_default``: ten people who can be mailed, all of them in the group "All"."""
    sender_sandbox.reset(group_visibility_seconds=0)
    sender_sandbox.seed(rows=[{"email": f"p{number}@x.lt"} for number in range(10)])
    connection = {**sender_sandbox.connection, "extra": json.dumps({"settle_time": 0.05})}
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(connection))
    return sender_sandbox


@pytest.fixture
def everybody(account: Sandbox) -> str:
    return group_of(account, 10)


def group_of(account: Sandbox, size: int) -> str:
    client = service_of(account).client
    group = client.create_group(f"The first {size}").id
    client.add_to_group(group, [f"p{number}@x.lt" for number in range(size)])
    return group


def campaign_to(group: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": "News",
        "from_name": "Example Ltd",
        "from_email": "news@example.com",
        "html": "<a href='{$unsubscribe_link}'>Unsubscribe</a>",
        "group_ids": [group],
        **more,
    }


def context_of(run_id: str = "monday", task_id: str = "send") -> Any:
    ti = MagicMock(dag_id="weekly", task_id=task_id, run_id=run_id, map_index=-1)
    return {"ti": ti}


class Nowhere(tzinfo):
    """A time zone that does not say what time it is there."""

    def utcoffset(self, when: datetime | None) -> None:
        return None

    def dst(self, when: datetime | None) -> None:
        return None

    def tzname(self, when: datetime | None) -> str:
        return "Nowhere"


def send(run_id: str = "monday", **parameters: Any) -> str:
    return SenderSendCampaignOperator(task_id="send", **parameters).execute(context_of(run_id))


def create(run_id: str = "monday", **parameters: Any) -> str:
    return SenderCreateCampaignOperator(task_id="draft", **parameters).execute(context_of(run_id, "draft"))


def mails(account: Sandbox) -> int:
    total: int = account.counters()["mails"]
    return total


# Against the previous campaign


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"send_key": "newsletter-{run}", "send_key_prefix": "newsletter-"},
    ],
    ids=["the task's own key", "a key of one's own"],
)
@pytest.mark.parametrize(("size", "passes"), [(10, True), (8, True), (7, False), (1, False)])
def test_a_campaign_to_many_more_or_fewer_than_the_one_before_is_not_sent(
    account: Sandbox, everybody: str, key: dict[str, str], size: int, passes: bool
) -> None:
    def keys(run: str) -> dict[str, str]:
        return {name: text.format(run=run) for name, text in key.items()}

    send("monday", campaign=campaign_to(everybody), max_change=0.2, **keys("monday"))
    account.advance(10)
    after = campaign_to(group_of(account, size))
    if passes:
        send("tuesday", campaign=after, max_change=0.2, **keys("tuesday"))
        assert mails(account) == 10 + size
        return
    with pytest.raises(AirflowFailException, match=rf"\(max_change\): it has {size} recipients, campaign \w+ had 10"):
        send("tuesday", campaign=after, max_change=0.2, **keys("tuesday"))
    assert mails(account) == 10


def test_growth_is_a_change_as_well(account: Sandbox, everybody: str) -> None:
    first = send("monday", campaign=campaign_to(group_of(account, 5)))
    account.advance(10)
    with pytest.raises(AirflowFailException, match=r"had 5: \+100%, where at most 20% more or fewer"):
        send("tuesday", campaign=campaign_to(everybody), max_change=0.2)
    assert send("tuesday", campaign=campaign_to(everybody), max_change=1.0) != first


def test_a_change_that_is_hardly_too_large_is_told_exactly(account: Sandbox, everybody: str) -> None:
    send("monday", campaign=campaign_to(group_of(account, 7)))
    account.advance(10)
    with pytest.raises(AirflowFailException, match=r"had 7: \+42\.86%, where at most 42\.8% more or fewer"):
        send("tuesday", campaign=campaign_to(everybody), max_change=0.428)
    assert mails(account) == 7


def test_a_campaign_is_compared_with_the_last_one_sent_and_not_with_itself_or_a_draft(
    account: Sandbox, everybody: str
) -> None:
    send("monday", campaign=campaign_to(everybody))
    account.advance(60)
    send("tuesday", campaign=campaign_to(group_of(account, 5)))
    account.advance(60)
    create("wednesday", campaign=campaign_to(everybody), send_key="k", send_key_prefix="k")
    few = campaign_to(group_of(account, 4))
    send("thursday", campaign=few, max_change=0.2)
    assert mails(account) == 10 + 5 + 4
    send("thursday", campaign=few, max_change=0.0)
    assert mails(account) == 10 + 5 + 4


def test_a_campaign_is_compared_with_the_one_that_is_named(account: Sandbox, everybody: str) -> None:
    service = service_of(account)
    first = send("monday", campaign=campaign_to(everybody))
    draft = create(campaign=campaign_to(group_of(account, 3)))
    with pytest.raises(AirflowFailException, match=r"it has 3 recipients, campaign \w+ had 10"):
        send(campaign_id=draft, max_change=0.5, previous_campaign_id=first)
    assert service.campaign(draft).state == "draft"
    assert send(campaign_id=draft, max_change=0.7, previous_campaign_id=first) == draft


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"recipients": 0, "sent": 0}, "it has 10 recipients and campaign {} had none"),
        ({"recipients": None, "sent": None}, "Sender does not tell how many recipients campaign {} had"),
    ],
)
def test_nothing_can_be_compared_with_a_campaign_to_nobody_or_to_nobody_knows_how_many(
    account: Sandbox, everybody: str, monkeypatch: pytest.MonkeyPatch, figures: dict[str, Any], words: str
) -> None:
    first = send("monday", campaign=campaign_to(everybody))
    draft = create(campaign=campaign_to(everybody))
    read = SenderService.campaign

    def without(service: SenderService, campaign_id: str) -> Campaign:
        found = read(service, campaign_id)
        return msgspec.structs.replace(found, **figures) if campaign_id == first else found

    monkeypatch.setattr(SenderService, "campaign", without)
    with pytest.raises(AirflowFailException, match=words.format(first)):
        send(campaign_id=draft, max_change=0.5, previous_campaign_id=first)
    assert service_of(account).campaign(draft).state == "draft"


@pytest.mark.parametrize("parameter", ["campaign_id", "previous_campaign_id"])
def test_a_campaign_that_is_not_there_is_named_with_the_parameter_that_names_it(
    account: Sandbox, everybody: str, parameter: str
) -> None:
    given: dict[str, Any] = {"campaign_id": create(campaign=campaign_to(everybody)), "max_change": 0.5}
    given |= {"send_key_prefix": "weekly", parameter: "gone"}
    with pytest.raises(AirflowFailException, match=rf"^{parameter}: there is no campaign gone\. "):
        send(**given)
    assert mails(account) == 0


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"campaign_id": "c", "max_change": 0.1}, "max_change: there is nothing to compare with"),
        ({"campaign_id": "c", "max_change": 0.1, "send_key": "k"}, "max_change: there is nothing to compare with"),
        ({"campaign_id": "c", "max_change": -1, "previous_campaign_id": "d"}, "max_change: must be a share"),
        ({"campaign_id": "c", "max_change": "a fifth", "previous_campaign_id": "d"}, "max_change: must be a share"),
        ({"campaign_id": "c", "previous_campaign_id": ""}, "previous_campaign_id: is empty"),
        ({"campaign_id": "c", "send_key": "a", "send_key_prefix": "b"}, "send_key does not begin with it"),
        ({"campaign_id": "c", "send_key_prefix": ""}, "send_key_prefix: is empty"),
        ({"campaign_id": "c", "pre_send_check": "yes"}, "pre_send_check: must be a function"),
        *(
            ({"campaign_id": "c", limit: wrong}, f"{limit}: must be a whole number, 0 or more")
            for limit in ("min_recipients", "max_recipients")
            for wrong in (0.9, -1, "-1", "9.5", "many", True, float("inf"), float("nan"))
        ),
        ({"campaign_id": "c", "send_at": "9999-12-31T23:59:59-12:00"}, "send_at: is no ISO-8601 time"),
        ({"campaign_id": "c", "send_at": datetime(2099, 1, 1, tzinfo=Nowhere())}, "send_at: has no time zone"),
        ({"campaign": campaign_to("g", group_ids=["g", ""])}, r"campaign\['group_ids'\], one of them: is empty"),
        ({"campaign": campaign_to("g", segment_ids=["None"])}, r"campaign\['segment_ids'\], one of them: is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    account: Sandbox, parameters: dict[str, Any], error: str
) -> None:
    before = account.counters()["requests"]
    with pytest.raises(AirflowFailException, match=error):
        send(**parameters)
    assert account.counters()["requests"] == before


def test_a_time_may_come_as_templates_leave_it() -> None:
    nine = datetime(2099, 1, 1, 9, tzinfo=UTC)
    for written in ("2099-01-01T09:00:00Z\n", " 2099-01-01 11:00:00+02:00", "20990101T090000Z", nine):
        assert moment(written, "send_at") == nine


# A check of one's own


@pytest.mark.parametrize("verdict", [None, True])
def test_a_check_of_ones_own_sees_the_campaign_and_lets_it_go(
    account: Sandbox, everybody: str, verdict: bool | None
) -> None:
    asked: list[dict[str, Any]] = []

    def check(campaign: dict[str, Any]) -> bool | None:
        asked.append(campaign)
        return verdict

    sent = send(campaign=campaign_to(everybody), pre_send_check=check)
    assert mails(account) == 10
    (campaign,) = asked
    assert campaign["title"].startswith("News [series ")
    assert {name: campaign[name] for name in ("id", "subject", "recipients", "group_ids", "segment_ids")} == {
        "id": sent,
        "subject": "News",
        "recipients": 10,
        "group_ids": [everybody],
        "segment_ids": [],
    }


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("the figures are not in yet.", "the figures are not in yet."),
        (False, "it returned False, neither None nor True"),
        (" ", "it returned ' ', neither"),
        (1, "it returned 1, neither"),
        (["bob@example.com"], "it returned a list, neither"),  # whoever is in it is not for the log
    ],
)
def test_a_check_of_ones_own_stops_it_for_good(account: Sandbox, everybody: str, verdict: Any, words: str) -> None:
    with pytest.raises(AirflowFailException, match=rf"was not sent \(pre_send_check\): .*{words}"):
        send(campaign=campaign_to(everybody), pre_send_check=lambda campaign: verdict)
    assert mails(account) == 0


def test_a_check_that_breaks_has_nothing_sent_and_is_tried_again(account: Sandbox, everybody: str) -> None:
    def check(campaign: dict[str, Any]) -> bool:
        raise OSError("no route to the warehouse")

    with pytest.raises(OSError, match="no route"):
        send(campaign=campaign_to(everybody), pre_send_check=check)
    assert mails(account) == 0


def test_a_check_is_not_asked_about_what_was_sent_already(account: Sandbox, everybody: str) -> None:
    sent = send(campaign=campaign_to(everybody))
    assert send(campaign=campaign_to(everybody), pre_send_check=lambda campaign: False) == sent


# Copies


def test_a_copy_has_what_its_original_has_but_for_what_is_given(account: Sandbox, everybody: str) -> None:
    service = service_of(account)
    original = send("monday", campaign=campaign_to(everybody, title="Weekly", preheader="In short"))
    copy = create("tuesday", copy_of=original, campaign={"subject": "More news"})
    wire = service.client.get_campaign(copy)
    assert wire.html is not None
    assert (wire.subject, wire.from_, wire.reply_to, wire.preheader, wire.status, wire.html.html_content) == (
        "More news",
        "Example Ltd",
        "news@example.com",
        "In short",
        "DRAFT",
        "<a href='{$unsubscribe_link}'>Unsubscribe</a>",
    )
    assert wire.campaign_groups == [everybody]
    assert (wire.title or "").startswith("Weekly [series ")
    assert (wire.title or "").count("[key ") == 1
    assert create("tuesday", copy_of=original, campaign={"subject": "More news"}) == copy
    assert mails(account) == 10
    send("tuesday", campaign_id=copy)
    assert mails(account) == 20


def test_other_recipients_or_content_take_the_place_of_all_of_the_originals(account: Sandbox, everybody: str) -> None:
    service = service_of(account)
    original = create("monday", campaign=campaign_to(everybody))
    copy = create("tuesday", copy_of=original, campaign={"to_everyone": True, "text": "{$unsubscribe_link}"})
    wire = service.client.get_campaign(copy)
    assert wire.html is not None
    assert (wire.campaign_groups, wire.html.html_content) == ([], "{$unsubscribe_link}")
    again = create("wednesday", copy_of=copy)
    assert service.campaign_definition(again).to_everyone
    assert service.campaign_definition(again).text == "{$unsubscribe_link}"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({}, "campaign: must be a dictionary"),
        ({"copy_of": ""}, "copy_of: is empty"),
        ({"copy_of": "None"}, "copy_of: is empty"),
        ({"copy_of": "b7zYKa", "campaign": "subject"}, "campaign: must be a dictionary"),
        ({"copy_of": "b7zYKa"}, "^copy_of: there is no campaign b7zYKa. .*HTTP 404"),
    ],
)
def test_a_copy_of_nothing_makes_nothing(account: Sandbox, parameters: dict[str, Any], error: str) -> None:
    with pytest.raises(AirflowFailException, match=error):
        create(**parameters)
    assert account.counters()["campaigns"] == {}


def test_a_copy_of_a_draft_without_content_is_refused(account: Sandbox, everybody: str) -> None:
    client = service_of(account).client
    body = {"subject": "S", "from": "F", "reply_to": "f@x.lt", "content_type": "editor", "groups": [everybody]}
    with pytest.raises(AirflowFailException, match="campaign, its html or text: is empty"):
        create(copy_of=client.create_campaign(body))
