"""Campaigns and single mails: what holds for every service."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.jobs.waiting import CampaignNotSentError
from airflow_provider_sender.operators.campaigns import (
    SenderCancelCampaignOperator,
    SenderCreateCampaignOperator,
    SenderExportCampaignReportOperator,
    SenderSendCampaignOperator,
)
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor
from tests.contract.accounts import ACTIVE, CONN_ID, VIPS, Account

ONCE = Counter(dict.fromkeys(ACTIVE, 1))


def later(**delta: float) -> str:
    return (datetime.now(UTC).replace(microsecond=0) + timedelta(**delta)).isoformat()


def test_a_campaign_is_sent_once_however_often_the_task_is_run(account: Account) -> None:
    campaign = account.campaign()
    sent = account.run(SenderSendCampaignOperator, campaign=campaign, send_key="weekly-1")
    assert account.run(SenderSendCampaignOperator, campaign=campaign, send_key="weekly-1", run_id="again") == sent
    assert account.mails() == ONCE
    other = account.run(SenderSendCampaignOperator, campaign=campaign, send_key="weekly-2")
    assert other != sent
    assert sum(account.mails().values()) == 2 * len(ACTIVE)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "truncate"])
def test_a_lost_answer_to_the_send_is_found_out_by_reading_or_told(account: Account, fault: str) -> None:
    account.sandbox.fault(fault, path=account.kind.start, method="POST")
    campaign = account.campaign()
    if fault == "drop_before":
        with pytest.raises(AirflowFailException, match="Look at"):
            account.run(SenderSendCampaignOperator, campaign=campaign, send_key="weekly-1")
        assert account.mails() == Counter()
    account.run(SenderSendCampaignOperator, campaign=campaign, send_key="weekly-1")
    assert account.mails() == ONCE


def test_a_campaign_is_scheduled_once_scheduled_anew_and_taken_back(account: Account) -> None:
    campaign, first, second = account.campaign(), later(days=1), later(days=2)
    made = account.run(SenderSendCampaignOperator, campaign=campaign, send_key="k", send_at=first)
    assert account.run(SenderSendCampaignOperator, campaign=campaign, send_key="k", send_at=first) == made
    assert account.service.campaign(made).scheduled_at == datetime.fromisoformat(first)
    assert account.mails() == Counter()
    moved = account.run(SenderSendCampaignOperator, campaign=campaign, send_key="k", send_at=second)
    assert account.service.campaign(moved).scheduled_at == datetime.fromisoformat(second)
    account.run(SenderCancelCampaignOperator, campaign_id=moved)
    account.sandbox.advance(timedelta(days=3).total_seconds())
    assert account.mails() == Counter()


def test_a_scheduled_campaign_goes_out_at_its_time_and_is_found_sent_then(account: Account) -> None:
    campaign, send_at = account.campaign(), later(hours=1)
    account.run(SenderSendCampaignOperator, campaign=campaign, send_key="k", send_at=send_at)
    account.sandbox.advance(timedelta(hours=2).total_seconds())
    account.run(SenderSendCampaignOperator, campaign=campaign, send_key="k", send_at=send_at)
    assert account.mails() == ONCE


def test_a_draft_is_sent_where_the_service_can_and_else_refused_before_the_first_request(account: Account) -> None:
    draft = account.run(SenderCreateCampaignOperator, campaign=account.campaign(), send_key="k")
    assert account.mails() == Counter()
    if account.can(Capability.SEND_DRAFT):
        assert account.run(SenderSendCampaignOperator, campaign_id=draft) == draft
        assert account.mails() == ONCE
        return
    before = account.sandbox.counters()["requests"]
    with pytest.raises(AirflowFailException, match="Give campaign instead of campaign_id"):
        account.run(SenderSendCampaignOperator, campaign_id=draft)
    assert account.sandbox.counters()["requests"] == before


@pytest.mark.parametrize("limits", [{"min_recipients": 1000}, {"max_recipients": 2}])
def test_an_audience_outside_of_the_limits_is_not_mailed(account: Account, limits: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"was not sent \((min|max)_recipients\)"):
        account.run(SenderSendCampaignOperator, campaign=account.campaign(), **limits)
    assert account.mails() == Counter()


def test_a_change_of_the_audience_is_noticed(account: Account) -> None:
    account.run(SenderSendCampaignOperator, campaign=account.campaign(), wait_for_completion=True, poll_interval=0.2)
    (first,) = account.sandbox.counters()["campaigns"]
    with pytest.raises(AirflowFailException, match=r"\(max_change\): it has 30 recipients, campaign .* had 230"):
        account.run(
            SenderSendCampaignOperator,
            campaign=account.campaign("VIP"),
            send_key="b",
            max_change=0.5,
            previous_campaign_id=first,
        )
    assert set(account.mails()) == set(ACTIVE)


def test_waiting_ends_when_the_campaign_is_sent(account: Account) -> None:
    sent = account.run(SenderSendCampaignOperator, campaign=account.campaign("VIP"))
    summary = account.run(SenderCampaignSensor, campaign_id=sent, poke_interval=0.2, timeout=30)
    assert summary["state"] == "sent"
    assert account.mails() == Counter(dict.fromkeys(VIPS, 1))


def test_waiting_fails_at_once_when_the_campaign_never_will_be_sent(account: Account) -> None:
    if account.kind.name == "Sender":
        sent = account.run(SenderCreateCampaignOperator, campaign=account.campaign())
        SenderHook(CONN_ID).delete_campaigns([sent])
    elif account.kind.name == "SendPulse":
        sent = account.run(SenderSendCampaignOperator, campaign=account.campaign())
        account.sandbox.set_campaign_status(sent, 5)
    else:
        sent = account.run(SenderSendCampaignOperator, campaign=account.campaign(), send_at=later(days=1))
        account.sandbox.fail_broadcast(sent)
        account.sandbox.advance(timedelta(days=2).total_seconds())
    with pytest.raises((AirflowFailException, CampaignNotSentError)):
        account.run(SenderCampaignSensor, campaign_id=sent, poke_interval=0.2, timeout=30)


def test_a_report_has_the_sandboxs_figures_or_says_what_cannot_be_had(account: Account, tmp_path: Path) -> None:
    sent = account.run(
        SenderSendCampaignOperator, campaign=account.campaign(), wait_for_completion=True, poll_interval=0.2
    )
    report = account.run(SenderExportCampaignReportOperator, campaign_id=sent, html_path=f"{tmp_path}/report.html")
    assert report["totals"]["sent"] == len(ACTIVE)
    assert "<html" in (tmp_path / "report.html").read_text()
    assert not any(email in (tmp_path / "report.html").read_text() for email in ACTIVE)
    path = tmp_path / "events.jsonl"
    if account.can(Capability.CAMPAIGN_EVENTS):
        account.run(SenderExportCampaignReportOperator, campaign_id=sent, output_path=str(path))
        opened = [row for row in map(json.loads, path.read_text().splitlines()) if row["event"] == "open"]
        assert len(opened) == report["totals"]["opened"] > 0
        return
    before = account.sandbox.counters()["requests"]
    with pytest.raises(AirflowFailException, match=account.kind.name):
        account.run(SenderExportCampaignReportOperator, campaign_id=sent, output_path=str(path), events=["open"])
    assert account.sandbox.counters()["requests"] == before
    assert not path.exists()


def test_a_single_mail_is_sent(account: Account) -> None:
    account.run(
        SenderSendMessageOperator,
        to=ACTIVE[0],
        from_email="shop@example.com",
        from_name="The Shop",
        subject="Your order",
        html="<p>It is on its way</p>",
        text="It is on its way",
    )
    assert len(account.sandbox.messages()) == 1
