"""What the control API can have happen on Sendara alone."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.records import CampaignStatus
from airflow_provider_sender.sandbox.sendara.broadcasts import failing, find_broadcast
from airflow_provider_sender.sandbox.sendara.webhooks import Delivery, deliver, find_webhook

_OVER = (CampaignStatus.SENT, CampaignStatus.FAILED, CampaignStatus.CANCELLED)


class Failing(msgspec.Struct, forbid_unknown_fields=True):
    """Which broadcast fails."""

    broadcast_id: str


class Delivering(msgspec.Struct, forbid_unknown_fields=True):
    """Which delivery is signed.

    :param event_type: its bare name.
    :param seconds_ago: how old the signature is.
    """

    webhook_id: str
    event_type: str = "delivered"
    message_id: str = "msg_000000"
    seconds_ago: Annotated[int, msgspec.Meta(ge=0)] = 0


def fail_broadcast(account: Account, asked: Failing) -> dict[str, str]:
    """Have a broadcast fail: with nothing mailed when it has not begun, else when its sending ends.

    :raises ValueError: when there is none that still can.
    """
    broadcast = find_broadcast(account, asked.broadcast_id)
    if broadcast is None or broadcast.status in _OVER:
        raise ValueError("broadcast_id: no broadcast that can still fail has this id")
    account.campaigns.change(broadcast, failing(broadcast))
    return {"broadcast_id": asked.broadcast_id}


def sign_delivery(account: Account, asked: Delivering) -> Delivery:
    """A delivery as a webhook's endpoint would get it, signed in the wall clock's time.

    :raises ValueError: when there is no such webhook.
    """
    webhook = find_webhook(account, asked.webhook_id)
    if webhook is None:
        raise ValueError("webhook_id: no webhook has this id")
    return deliver(account, webhook, asked.event_type, asked.message_id, int(time.time()) - asked.seconds_ago)
