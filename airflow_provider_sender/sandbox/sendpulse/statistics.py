"""``/campaigns/{id}`` and what lies below it: one campaign with what became of its mails."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.records import Campaign
from airflow_provider_sender.sandbox.sendpulse.campaigns import as_json, the_campaign
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.replies import answer, mapping, number, refused
from airflow_provider_sender.sandbox.sendpulse.states import detail_of
from airflow_provider_sender.sandbox.sendpulse.totals import (
    EXPLAINED,
    LINK,
    Delivery,
    by_code,
    delivery_of,
    tally,
    totals,
)
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply


def _statistics(account: Account, campaign: Campaign) -> dict[str, object]:
    """The statistics in the shape the knob says; no key at all before sending."""
    found = tally(account, campaign)
    if found is None:
        return {}
    shape = account.settings.sendpulse_statistics
    if shape == "totals":
        return {"statistics": totals(account, campaign)}
    if shape == "array":
        return {"statistics": by_code(account, found)}
    clicks = [{"url": LINK, "count": number(account, found.clicked)}] if found.clicked else []
    return {"statistics": {"general": by_code(account, found), "clicks": clicks}}


def _get(account: Account, call: Call) -> Reply:
    campaign = the_campaign(account, call)
    written, detail = as_json(account, campaign), detail_of(campaign)
    message = written["message"]
    assert isinstance(message, dict)
    message["body"] = campaign.content
    tracked = {"check_open_email": int(detail.opens), "check_redirect_link": int(detail.clicks)}
    shown = {**written, "external_stat": tracked, "permalink": f"https://example.com/view/{call.parameters['id']}"}
    return answer({**shown, **_statistics(account, campaign)})


def _countries(account: Account, call: Call) -> Reply:
    found = tally(account, the_campaign(account, call))
    return answer(mapping({"LT": number(account, found.opened)} if found is not None and found.opened else {}))


def _referrals(account: Account, call: Call) -> Reply:
    found = tally(account, the_campaign(account, call))
    clicked = 0 if found is None else found.clicked
    return answer([{"link": LINK, "count": number(account, clicked)}] if clicked else [])


def _one_address(account: Account, call: Call) -> Reply:
    campaign = the_campaign(account, call)
    mail = account.mails.outcome_of(campaign.number, call.parameters["email"])
    if mail is None:
        raise refused(17)
    arrived = delivery_of(campaign, mail)
    return answer(
        {
            account.settings.sendpulse_date_key: local(account, mail.mailed_at),
            "global_status": number(account, Delivery.SENT),
            "global_status_explain": EXPLAINED[Delivery.SENT],
            "detail_status": number(account, arrived),
            "detail_status_explain": EXPLAINED[arrived],
        }
    )


ROUTES = (
    Route("GET", "/campaigns/{id}", _get),
    Route("GET", "/campaigns/{id}/countries", _countries),
    Route("GET", "/campaigns/{id}/referrals", _referrals),
    Route("GET", "/campaigns/{id}/email/{email}", _one_address),
)
