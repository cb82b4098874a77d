"""``/campaigns``: making one starts it, unless it is a draft or has a date."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.records import Campaign
from airflow_provider_sender.sandbox.sendpulse import drafts
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.ids import campaign_id, campaign_number
from airflow_provider_sender.sandbox.sendpulse.reading import flag, is_descending, many, page_of, required, text
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, invalid, number, refused
from airflow_provider_sender.sandbox.sendpulse.states import (
    CANCELLED,
    CREATING,
    DRAFT,
    STATES,
    Detail,
    detail_of,
    is_scheduled,
    is_under_way,
    put_into,
    status_of,
    written,
)
from airflow_provider_sender.sandbox.sendpulse.totals import totals
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_HOUR = 3_600


def the_campaign(account: Account, call: Call, code: int = 802) -> Campaign:
    """The campaign a path names."""
    wanted = campaign_number(call.parameters["id"])
    found = None if wanted is None else account.campaigns.numbered(wanted, "sendpulse")
    if found is None:
        raise refused(code)
    return found


def as_json(account: Account, campaign: Campaign) -> dict[str, object]:
    """What a campaign is called and where it is, without statistics."""
    detail = detail_of(campaign)
    lists = [number(account, id) for id in detail.list_ids]
    recipients = campaign.recipients or account.campaigns.recipients(campaign)
    return {
        "id": number(account, campaign_id(campaign.number)),
        "name": campaign.title,
        "message": {
            "sender_name": campaign.sender_name,
            "sender_email": campaign.reply_to,
            "subject": campaign.subject,
            "attachments": ",".join(detail.attachments),
            # One list is a number, several are an array.
            "list_id": lists[0] if len(lists) == 1 else lists,
        },
        "status": number(account, status_of(account, campaign)),
        "send_date": detail.send_date or local(account, campaign.created),
        "all_email_qty": number(account, recipients),
        "tariff_email_qty": number(account, recipients),
        "paid_email_qty": number(account, 0),
        "overdraft_price": 0,
        "overdraft_currency": "USD",
    }


def _list(account: Account, call: Call) -> Reply:
    statuses = set(many(call, "status"))
    if not all(status.isdigit() and int(status) in STATES for status in statuses):
        raise invalid("The selected status is invalid.")
    listed = [
        campaign
        for campaign in account.campaigns.of("sendpulse")
        if campaign.listed_at <= account.now
        and (not statuses or str(status_of(account, campaign)) in statuses)
        and (not flag(call, "planed") or is_scheduled(campaign))
    ]
    if is_descending(call, "desc"):
        listed.reverse()
    rows = []
    for campaign in page_of(call, listed):
        found = totals(account, campaign)
        rows.append({**as_json(account, campaign), **({} if found is None else {"statistics": found})})
    return answer(rows)


def _check_quota(account: Account) -> None:
    most = account.settings.sendpulse_campaigns_per_hour
    since = account.now - _HOUR
    if most is not None and sum(each.created > since for each in account.campaigns.of("sendpulse")) >= most:
        raise refused(791)


def _post(account: Account, call: Call) -> Reply:
    body = call.json
    kind = text(body, "type")
    if kind not in (None, "draft"):
        raise invalid("The selected type is invalid.")
    columns, detail, due = drafts.read_campaign(account, body)
    _check_quota(account)
    delay = account.settings.listing_delay_seconds
    campaign = account.campaigns.add(columns, account.now, account.now + delay if delay else 0)
    recipients = account.campaigns.recipients(campaign)
    if kind is None:
        _start(account, campaign, detail, due)
    else:
        account.campaigns.change(campaign, {"detail": written(detail)})
    return answer(
        {
            "id": number(account, campaign_id(campaign.number)),
            "status": number(account, CREATING if kind is None else DRAFT),
            "count": number(account, recipients),
            "tariff_email_qty": number(account, recipients),
            "overdraft_price": "0",
            # Misspelt by the service, in this answer only.
            "ovedraft_currency": "USD",
        }
    )


def _start(account: Account, campaign: Campaign, detail: Detail, due: float | None) -> None:
    """Have a campaign mailed now, after moderation, or at its date."""
    settings = account.settings
    if detail.is_test or settings.sendpulse_scheduled_at_once:
        detail.send_date, due = None, None
    detail.is_moderated = due is None and settings.sendpulse_moderation_seconds > 0 and not detail.is_test
    campaign = account.campaigns.change(campaign, {"detail": written(detail)})
    if detail.is_test:
        _send_test(account, campaign)
    elif detail.is_moderated:
        ready = account.now + settings.sendpulse_moderation_seconds
        account.campaigns.schedule(campaign, local(account, ready), ready)
    elif due is not None and detail.send_date is not None:
        account.campaigns.schedule(campaign, detail.send_date, due)
    else:
        account.campaigns.send(campaign, account.now, settings.state_delay_seconds, settings.send_seconds)


def _send_test(account: Account, campaign: Campaign) -> None:
    """Mail a campaign to the address it is from, and to nobody else."""
    settings = account.settings
    account.mails.deliver_to(campaign.number, campaign.reply_to, account.now)
    ends = account.now + settings.send_seconds
    account.campaigns.change(campaign, {"recipients": 1, "starts_at": account.now, "ends_at": ends})
    account.campaigns.settle(account.now, settings.send_seconds)


def _patch(account: Account, call: Call) -> Reply:
    """Change a campaign that waits for its date."""
    campaign, body = the_campaign(account, call), call.json
    if not is_scheduled(campaign):
        raise refused(602)
    detail, changes = detail_of(campaign), dict[str, Value]()
    if "name" in body:
        changes["title"] = required(body, "name")
    if "subject" in body:
        changes["subject"] = required(body, "subject", 720)
    if "sender_name" in body or "sender_email" in body:
        given = {"sender_name": campaign.sender_name, "sender_email": campaign.reply_to, **body}
        changes |= drafts.read_sender(account, given)
    if body.get("body") or body.get("template_id"):
        changes["content"], detail.template_id = drafts.read_text(account, body)
    due = drafts.read_date(account, body)
    if due is not None:
        detail.send_date = text(body, "send_date")
        changes |= {"schedule_time": detail.send_date, "due_at": due}
    account.campaigns.change(campaign, {**changes, "detail": written(detail), "modified": account.now})
    return done(id=number(account, campaign_id(campaign.number)))


def _delete(account: Account, call: Call) -> Reply:
    """Cancel a campaign; what was mailed stays mailed."""
    campaign = the_campaign(account, call)
    waits = campaign.due_at is not None or status_of(account, campaign) == DRAFT
    if not waits and not (is_under_way(account, campaign) and account.settings.sendpulse_cancel_while_sending):
        raise refused(602)
    put_into(account, campaign, CANCELLED)
    return done()


ROUTES = (
    Route("GET", "/campaigns", _list),
    Route("POST", "/campaigns", _post),
    Route("PATCH", "/campaigns/{id}", _patch),
    Route("DELETE", "/campaigns/{id}", _delete),
)
