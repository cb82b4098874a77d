"""The sandbox at a glance: counters for assertions, and everything the page shows."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.mails import MailCount
from airflow_provider_sender.sandbox.sender.messages import KIND as MESSAGE
from airflow_provider_sender.sandbox.service import Service
from airflow_provider_sender.sandbox.state import State

_REQUESTS_SHOWN = 60


def counters(state: State) -> dict[str, object]:
    """What happened since the last reset. Mails of deleted campaigns stay counted."""
    account, traffic = state.account, state.traffic
    counts = account.mails.counts()
    campaigns: dict[str, dict[str, object]] = {
        campaign_id(number): {"title": None, "status": None, **msgspec.to_builtins(count)}
        for number, count in counts.items()
    }
    for campaign in account.campaigns.all():
        count = counts.get(campaign.number, MailCount())
        campaigns[campaign_id(campaign.number)] = {
            "title": campaign.title or campaign.subject,
            "status": campaign.status,
            **msgspec.to_builtins(count),
        }
    return {
        "requests": traffic.requests,
        "by_path": traffic.by_path,
        "rate_limited": traffic.rate_limited,
        "mails": sum(count.mails for count in counts.values()),
        "max_mails_per_recipient": max((count.max_mails_per_recipient for count in counts.values()), default=0),
        "campaigns": campaigns,
        "messages": account.documents.count(MESSAGE),
    }


def faults(state: State) -> list[dict[str, Json]]:
    """The faults that were ordered, and how often each happened."""
    return [
        {
            "id": planned.id,
            **msgspec.to_builtins(planned.fault),
            "matched": planned.matched,
            "fired": planned.fired,
            "is_over": planned.is_over,
        }
        for planned in state.faults.planned
    ]


def connection(base_url: str, service: Service, token: str) -> dict[str, str]:
    """The Airflow connection to one of the services, as ``AIRFLOW_CONN_...`` takes it.

    :param base_url: scheme, host and port the sandbox is reached at.
    """
    return {"conn_type": service.name, "host": base_url + service.mount, "password": token}


def connection_line(base_url: str, service: Service, token: str) -> str:
    """The line that makes it the default connection of a shell."""
    value = json.dumps(connection(base_url, service, token))
    return f"AIRFLOW_CONN_{service.name.upper()}_DEFAULT='{value}'"


def overview(state: State, service: Service, base_url: str) -> dict[str, object]:
    """Everything the page shows."""
    account = state.account
    return {
        "connection": connection_line(base_url, service, state.token),
        "now": state.clock.now(),
        "ahead": state.clock.ahead,
        "subscribers": account.subscribers.by_status(),
        "groups": [
            {"id": group_id(group), "title": group.title, "count": account.groups.counts(group).total}
            for group in account.groups.all()
        ],
        "counters": counters(state),
        "settings": account.settings,
        "faults": faults(state),
        "requests": state.traffic.latest(_REQUESTS_SHOWN),
    }
