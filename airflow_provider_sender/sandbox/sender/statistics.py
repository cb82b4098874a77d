"""``/campaigns/{id}/opens`` and its likes: who did what, once the campaign is sent."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.mails import Mail, Outcome
from airflow_provider_sender.sandbox.account.records import CampaignStatus
from airflow_provider_sender.sandbox.sender.campaigns import the_campaign
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.pages import page, page_asked
from airflow_provider_sender.sandbox.sender.replies import encoded
from airflow_provider_sender.sandbox.service import Handler, Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_LISTS = {
    "opens": Outcome.OPEN,
    "clicks": Outcome.CLICK,
    "hard_bounces": Outcome.HARD_BOUNCE,
    "soft_bounces": Outcome.SOFT_BOUNCE,
    "unsubscribes": Outcome.UNSUBSCRIBE,
    "complaints": Outcome.COMPLAINT,
}


def _as_json(mail: Mail, outcome: Outcome) -> dict[str, object]:
    # Everybody reacts within the quarter of an hour after the mail, at a second that follows from the fate.
    row: dict[str, object] = {
        "recipient_id": mail.recipient_id,
        "email": mail.email,
        "created": plain(mail.mailed_at + mail.fate % 900),
    }
    if outcome is Outcome.CLICK:
        row["url"] = f"https://www.example.com/offers/{mail.fate % 3 + 1}"
    return row


def _list_of(outcome: Outcome) -> Handler:
    def listed(account: Account, call: Call) -> Reply:
        campaign, asked = the_campaign(account, call), page_asked(call, account.settings)
        if campaign.status != CampaignStatus.SENT:
            return page(asked, 0, [])
        mails = account.mails.with_outcome(
            campaign.number, outcome, asked.offset, asked.limit, descending=asked.is_descending
        )
        total = account.mails.outcomes(campaign.number, outcome)
        return page(asked, total, [encoded(_as_json(mail, outcome)) for mail in mails])

    return listed


ROUTES = tuple(Route("GET", f"/campaigns/{{id}}/{name}", _list_of(outcome)) for name, outcome in _LISTS.items())
