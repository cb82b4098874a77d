"""The sandbox at a glance: counters for assertions, and everything the page shows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.ids import row_number
from airflow_provider_sender.sandbox.account.mails import MailCount
from airflow_provider_sender.sandbox.sender.messages import KIND as MESSAGE
from airflow_provider_sender.sandbox.service import Service
from airflow_provider_sender.sandbox.state import State

_REQUESTS_SHOWN = 60


def counters(state: State, services: Sequence[Service]) -> dict[str, object]:
    """What happened since the last reset. Mails of deleted campaigns stay counted.

    :param services: whose campaigns are counted, each under the id its service gives it.
    """
    account, traffic = state.account, state.traffic
    ids = {service.name: service.campaign_id for service in services}
    counts = account.mails.counts()
    campaigns: dict[str, dict[str, object]] = {
        campaign_id(number): {"title": None, "status": None, **msgspec.to_builtins(count)}
        for number, count in counts.items()
    }
    for campaign in account.campaigns.all():
        count = counts.get(campaign.number, MailCount())
        campaigns.pop(campaign_id(campaign.number), None)
        campaigns[ids[campaign.service](campaign.number)] = {
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
    login = {"login": service.login} if service.login else {}
    return {"conn_type": service.name, "host": base_url + service.mount, **login, "password": token}


def connection_line(base_url: str, service: Service, token: str) -> str:
    """The line that makes it the default connection of a shell."""
    value = json.dumps(connection(base_url, service, token))
    return f"AIRFLOW_CONN_{service.name.upper()}_DEFAULT='{value}'"


def campaign_number(state: State, services: Sequence[Service], public: str) -> int | None:
    """The campaign that has an id with one of the services; of one that is gone only the account's own id is known."""
    ids = {service.name: service.campaign_id for service in services}
    for campaign in state.account.campaigns.all():
        if ids[campaign.service](campaign.number) == public:
            return campaign.number
    return row_number("campaign", public)


def overview(state: State, services: Sequence[Service], base_url: str) -> dict[str, object]:
    """Everything the page shows."""
    account = state.account
    return {
        "connections": {service.name: connection_line(base_url, service, state.token) for service in services},
        "now": state.clock.now(),
        "ahead": state.clock.ahead,
        "subscribers": account.subscribers.by_status(),
        "groups": [
            {"id": group_id(group), "title": group.title, "count": account.groups.counts(group).total}
            for group in account.groups.all()
        ],
        "counters": counters(state, services),
        "settings": account.settings,
        "faults": faults(state),
        "requests": state.traffic.latest(_REQUESTS_SHOWN),
    }
