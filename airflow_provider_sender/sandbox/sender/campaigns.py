"""``/campaigns``: drafts, and the calls that mail people."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.records import Campaign, CampaignStatus
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.drafts import as_json, read_draft, shortcomings
from airflow_provider_sender.sandbox.sender.pages import SortKey, page_of_all
from airflow_provider_sender.sandbox.sender.replies import (
    answer,
    done,
    invalid,
    not_found,
    precondition,
    single,
)
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply


def the_campaign(account: Account, call: Call) -> Campaign:
    """The campaign a path names."""
    found = account.campaigns.find(call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _listed_at(account: Account) -> float:
    return account.now + account.settings.listing_delay_seconds if account.settings.listing_delay_seconds else 0


def _list(account: Account, call: Call) -> Reply:
    statuses = {value.upper() for name, value in parse_qsl(call.query_string) if name in ("status", "status[]")}
    listed = [
        campaign
        for campaign in account.campaigns.of("sender")
        if campaign.listed_at <= account.now and (not statuses or campaign.status in statuses)
    ]
    keys: dict[str, SortKey[Campaign]] = {
        "id": lambda campaign: campaign.number,
        "title": lambda campaign: campaign.title or campaign.subject,
        "subject": lambda campaign: campaign.subject,
        "status": lambda campaign: campaign.status,
        "created": lambda campaign: int(campaign.created),
        "modified": lambda campaign: int(campaign.modified),
        "sent_time": lambda campaign: campaign.sent_at,
        "schedule_time": lambda campaign: campaign.schedule_time,
        "recipient_count": lambda campaign: campaign.recipients,
        "opens": lambda campaign: campaign.opens,
        "clicks": lambda campaign: campaign.clicks,
    }
    return page_of_all(call, account.settings, listed, lambda campaign: as_json(account, campaign), keys)


def _get(account: Account, call: Call) -> Reply:
    return single(as_json(account, the_campaign(account, call)))


def _created(account: Account, campaign: Campaign) -> Reply:
    return answer({"success": True, "data": as_json(account, campaign)})


def _post(account: Account, call: Call) -> Reply:
    columns = read_draft(account, call.json, is_new=True)
    return _created(account, account.campaigns.add(columns, account.now, _listed_at(account)))


def _patch(account: Account, call: Call) -> Reply:
    if not account.settings.campaign_patch:
        raise not_found()
    campaign = the_campaign(account, call)
    columns = read_draft(account, call.json, is_new=False)
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
        raise precondition("Only drafts can be updated")
    return _created(account, account.campaigns.change(campaign, {**columns, "modified": account.now}))


def _copy(account: Account, call: Call) -> Reply:
    copied = account.campaigns.copy(the_campaign(account, call), account.now, _listed_at(account))
    return done("Campaign copied", as_json(account, copied))


def _delete(account: Account, call: Call) -> Reply:
    """Delete many: ``?ids=[a,b]``, the brackets part of the value. Ids that are not there are passed over."""
    ids = [id.strip(" \"'") for id in call.query.get("ids", "").strip("[]").split(",") if id.strip(" \"'")]
    if not ids:
        raise Refused(invalid({"ids": ["The ids field is required."]}))
    for id in ids:
        campaign = account.campaigns.find(id)
        if campaign is not None:
            account.campaigns.delete(campaign)
    return done("Campaigns deleted")


def _complete(account: Account, call: Call) -> Campaign:
    campaign = the_campaign(account, call)
    missing = shortcomings(account, campaign)
    if missing:
        raise precondition(missing[0])
    return campaign


def _send(account: Account, call: Call) -> Reply:
    """Mail everybody, also if they have been mailed before: the service knows no idempotency key."""
    campaign, settings = _complete(account, call), account.settings
    account.campaigns.send(campaign, account.now, settings.state_delay_seconds, settings.send_seconds)
    return done("Campaign is being sent")


def _schedule(account: Account, call: Call) -> Reply:
    checks = Checks(call.json)
    text, due = checks.text("schedule_time", required=True), None
    if text is not None:
        try:
            moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
            due = moment.replace(tzinfo=ZoneInfo(account.settings.time_zone)).timestamp()
        except ValueError:
            checks.wrong("schedule_time", "The schedule_time does not match the format Y-m-d H:i:s.")
    if due is not None and due <= account.now:
        checks.wrong("schedule_time", "The schedule_time must be a date in the future.")
    the_campaign(account, call)
    checks.passed()
    assert text is not None
    assert due is not None
    account.campaigns.schedule(_complete(account, call), text, due)
    return done("Campaign scheduled")


def _unschedule(account: Account, call: Call) -> Reply:
    campaign = the_campaign(account, call)
    if campaign.status != CampaignStatus.SCHEDULED:
        raise precondition("Campaign is not scheduled")
    account.campaigns.unschedule(campaign)
    return done("Campaign schedule cancelled")


def _errors(account: Account, call: Call) -> Reply:
    return single(shortcomings(account, the_campaign(account, call)))


ROUTES = (
    Route("GET", "/campaigns", _list),
    Route("GET", "/campaigns/{id}", _get),
    Route("POST", "/campaigns", _post),
    Route("PATCH", "/campaigns/{id}", _patch),
    Route("DELETE", "/campaigns", _delete),
    Route("POST", "/campaigns/{id}/copy", _copy),
    Route("POST", "/campaigns/{id}/send", _send),
    Route("POST", "/campaigns/{id}/schedule", _schedule),
    Route("DELETE", "/campaigns/{id}/schedule", _unschedule),
    Route("GET", "/campaigns/{id}/errors", _errors),
)
