"""``/subscribers/{key}/events``: what campaigns did to one subscriber."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.mails import Mail, Outcome
from airflow_provider_sender.sandbox.account.records import SubscriberStatus
from airflow_provider_sender.sandbox.account.subscribers import subscriber_id
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.replies import answer, invalid
from airflow_provider_sender.sandbox.sender.subscribers import the_subscriber
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply


def _events(account: Account, call: Call) -> Reply:
    subscriber, asked = the_subscriber(account, call), _actions(call)
    campaigns = {campaign.number: campaign for campaign in account.campaigns.all()}
    mails = account.mails.to(subscriber.number)
    sent = [mail for mail in mails if (found := campaigns.get(mail.campaign_number)) and found.sent_at is not None]
    happened = {
        "got": mails,
        "opened": _with(sent, Outcome.OPEN),
        "clicked": _with(sent, Outcome.CLICK),
        "bounced": _with(sent, Outcome.HARD_BOUNCE) + _with(sent, Outcome.SOFT_BOUNCE),
        "unsubscribed": _with(sent, Outcome.UNSUBSCRIBE),
    }
    events = {
        action: [
            {
                "campaign_id": campaign_id(mail.campaign_number),
                "subscriber_id": subscriber_id(subscriber.number),
                "title": campaigns[mail.campaign_number].title if mail.campaign_number in campaigns else "",
                "created_at": plain(mail.mailed_at),
            }
            for mail in happened[action]
        ]
        for action in asked
    }
    return answer(
        {
            "email": events,
            "sms": [],
            "temail": {"sent": []},
            "sms_campaign": {
                "sent_count": 0,
                "clicked_count": 0,
                "delivered_count": 0,
                "failed_count": 0,
                "unsubscribed_at": None,
                "unsubscribed": False,
            },
            "email_campaign": {
                "sent_count": len(mails),
                "opened_count": len(happened["opened"]),
                "clicked_count": len(happened["clicked"]),
                "unsubscribed": subscriber.status == SubscriberStatus.UNSUBSCRIBED,
                "bounced": subscriber.status == SubscriberStatus.BOUNCED,
                "spam_reported": subscriber.status == SubscriberStatus.SPAM_REPORTED,
            },
        }
    )


def _actions(call: Call) -> list[str]:
    known = {"opened", "bounced", "clicked", "unsubscribed", "got"}
    try:
        actions = json.loads(call.query.get("actions", ""))
    except ValueError:
        actions = None
    if not isinstance(actions, list) or not actions:
        raise Refused(invalid({"actions": ["The actions field is required."]}))
    if not all(isinstance(action, str) and action in known for action in actions):
        raise Refused(invalid({"actions": ["The selected actions is invalid."]}))
    return actions


def _with(mails: list[Mail], outcome: Outcome) -> list[Mail]:
    return [mail for mail in mails if mail.came_to(outcome)]


ROUTES = (Route("GET", "/subscribers/{key}/events", _events),)
