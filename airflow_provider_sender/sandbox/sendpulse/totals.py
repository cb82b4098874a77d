"""What became of a campaign's mails, in numbers and in the three shapes the service's statistics are known in."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.mails import Mail, Outcome
from airflow_provider_sender.sandbox.account.records import Campaign, CampaignStatus
from airflow_provider_sender.sandbox.sendpulse.replies import number
from airflow_provider_sender.sandbox.sendpulse.states import detail_of

LINK = "https://example.com/spring"


class Delivery(IntEnum):
    """What can have become of a mail, in the vendor's numbers."""

    QUEUED = 0
    SENT = 1
    DELIVERED = 2
    OPENED = 3
    CLICKED = 4
    UNSUBSCRIBED = 5
    NO_MAILBOX = 6
    UNAVAILABLE = 7
    COMPLAINT = 11


EXPLAINED = {
    Delivery.QUEUED: "In queue",
    Delivery.SENT: "Sent",
    Delivery.DELIVERED: "Delivered",
    Delivery.OPENED: "Opened",
    Delivery.CLICKED: "Link redirected",
    Delivery.UNSUBSCRIBED: "Unsubscribed",
    Delivery.NO_MAILBOX: "No such mailbox",
    Delivery.UNAVAILABLE: "Temporarily unavailable",
    Delivery.COMPLAINT: "Marked as spam",
}


class Tally(msgspec.Struct):
    """How many mails of a campaign came to what."""

    sent: int
    bounced: int = 0
    rejected: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complaints: int = 0

    @property
    def delivered(self) -> int:
        """Those that arrived."""
        return self.sent - self.bounced - self.rejected


def tally(account: Account, campaign: Campaign) -> Tally | None:
    """A campaign's numbers; ``None`` before anything was mailed, when the service has none."""
    count = account.mails.counts().get(campaign.number)
    if count is None or campaign.due_at is not None:
        return None
    if campaign.status != CampaignStatus.SENT:
        return Tally(count.mails)
    detail = detail_of(campaign)

    def came_to(outcome: Outcome) -> int:
        return account.mails.outcomes(campaign.number, outcome)

    return Tally(
        sent=count.mails,
        bounced=came_to(Outcome.HARD_BOUNCE),
        rejected=came_to(Outcome.SOFT_BOUNCE),
        opened=came_to(Outcome.OPEN) if detail.opens else 0,
        clicked=came_to(Outcome.CLICK) if detail.clicks else 0,
        unsubscribed=came_to(Outcome.UNSUBSCRIBE),
        complaints=came_to(Outcome.COMPLAINT),
    )


def totals(account: Account, campaign: Campaign) -> dict[str, object] | None:
    """The shape that lists have."""
    found = tally(account, campaign)
    if found is None:
        return None
    return {
        "sent": number(account, found.sent),
        "delivered": number(account, found.delivered),
        "opening": number(account, found.opened),
        "link_redirected": number(account, found.clicked),
        "unsubscribe": number(account, found.unsubscribed),
        "error": number(account, found.bounced + found.rejected),
    }


def by_code(account: Account, found: Tally) -> list[dict[str, object]]:
    """The shape of older clients: one element for each code that happened."""
    counts = {
        Delivery.SENT: found.sent,
        Delivery.DELIVERED: found.delivered,
        Delivery.OPENED: found.opened,
        Delivery.CLICKED: found.clicked,
        Delivery.UNSUBSCRIBED: found.unsubscribed,
        Delivery.NO_MAILBOX: found.bounced,
        Delivery.UNAVAILABLE: found.rejected,
        Delivery.COMPLAINT: found.complaints,
    }
    return [
        {"code": number(account, code), "count": number(account, count), "explain": EXPLAINED[code]}
        for code, count in counts.items()
        if count
    ]


def delivery_of(campaign: Campaign, mail: Mail) -> Delivery:
    """The last that happened to one mail."""
    if campaign.status != CampaignStatus.SENT:
        return Delivery.SENT
    happened = {
        Outcome.HARD_BOUNCE: Delivery.NO_MAILBOX,
        Outcome.SOFT_BOUNCE: Delivery.UNAVAILABLE,
        Outcome.COMPLAINT: Delivery.COMPLAINT,
        Outcome.UNSUBSCRIBE: Delivery.UNSUBSCRIBED,
        Outcome.CLICK: Delivery.CLICKED,
        Outcome.OPEN: Delivery.OPENED,
    }
    return next((code for outcome, code in happened.items() if mail.came_to(outcome)), Delivery.DELIVERED)
