"""The sandbox's SendPulse account, by client id and secret."""

from __future__ import annotations

from typing import Any

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.subscribers import Subscriber
from airflow_provider_sender.sandbox.remote import Sandbox


def service_of(sandbox: Sandbox, budget: Budget | None = None, **settings: Any) -> SendPulseService:
    """Return the account, with a token of its own: tokens are kept as long as the process, the sandbox's are not."""
    settings = {"settle_time": 0.1, "timeout": 10.0, "max_retries": 2, **settings}
    checked = Settings(sandbox.sendpulse_url, **settings).checked()
    client = SendPulseClient("sandbox-client", sandbox.token, checked, budget or Budget())
    return SendPulseService(client)


def everybody(
    service: SendPulseService, listing: Listing, report: ListingReport | None = None
) -> dict[str, Subscriber]:
    """Return all subscribers of a listing by address; none may come twice."""
    report = report if report is not None else ListingReport()
    rows = [row for rows in listing.walk(SeenKeys(), report, OnDrift.REPAIR) for row in rows]
    found = {row.key: service.read_subscriber(row.raw) for row in rows}
    assert len(found) == len(rows) == report.rows
    return found
