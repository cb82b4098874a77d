"""What a service says it can do is what it does: no more, no less."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, EventKind
from airflow_provider_sender.client.errors import SenderError, UnsupportedOperationError
from airflow_provider_sender.client.messages import Event
from airflow_provider_sender.client.service import Capability, Service
from tests.contract.accounts import ACTIVE, Account

DEFINITION = CampaignDefinition("s", "f", "f@x.lt")
SOON = datetime.now(UTC) + timedelta(days=1)

# Capability -> the calls it stands for. Of those that stand for none, what a call brings differs, not whether it works.
CALLS: Mapping[Capability, Mapping[str, Callable[[Service], object]]] = {
    Capability.LIST_CAMPAIGNS: {"campaigns_page": lambda service: service.campaigns_page(1)},
    Capability.SEND_DRAFT: {"send_campaign": lambda service: service.send_campaign("nobody")},
    Capability.SCHEDULE_DRAFT: {"schedule_campaign": lambda service: service.schedule_campaign("nobody", SOON)},
    Capability.CANCEL_SCHEDULED: {"cancel_campaign": lambda service: service.cancel_campaign("nobody")},
    Capability.START_WORKFLOW: {"start_workflow": lambda service: service.start_workflow("nobody", ACTIVE[0], {})},
    Capability.RECORD_EVENT: {
        "record_event": lambda service: service.record_event(Event("bought", {"email": ACTIVE[0]}))
    },
    Capability.FIND_SUBSCRIBER: {"find_subscriber": lambda service: service.find_subscriber(ACTIVE[0])},
    Capability.START_CAMPAIGN: {"start_campaign": lambda service: service.start_campaign(DEFINITION, "t", SOON)},
    Capability.CLAIM: {
        "claim": lambda service: service.claim("m"),
        "claims": lambda service: service.claims("m"),
        "release": lambda service: service.release("nobody"),
    },
    Capability.COPY_CAMPAIGN: {"campaign_definition": lambda service: service.campaign_definition("nobody")},
    Capability.CAMPAIGN_TOTALS: {"campaign_totals": lambda service: service.campaign_totals("nobody")},
    Capability.CAMPAIGN_EVENTS: {
        "campaign_events": lambda service: service.campaign_events("nobody", EventKind.OPEN),
        "read_campaign_event": lambda service: service.read_campaign_event(b'{"email":"p0@x.lt"}', EventKind.OPEN),
    },
}


def test_a_service_refuses_exactly_what_it_says_it_cannot_do_and_before_the_first_request(account: Account) -> None:
    service = account.service
    for capability, calls in CALLS.items():
        for call in calls.values():
            if capability in service.capabilities:
                # Nothing is there by that name, which is another matter.
                with suppress(SenderError):
                    refuses_nothing(call, service)
                continue
            before = account.sandbox.counters()["requests"]
            with pytest.raises(UnsupportedOperationError, match=f"{account.kind.name} cannot {capability}"):
                call(service)
            assert account.sandbox.counters()["requests"] == before


def refuses_nothing(call: Callable[[Service], object], service: Service) -> None:
    try:
        call(service)
    except UnsupportedOperationError as error:
        raise AssertionError(f"declared, and refused: {error}") from error


def test_every_call_a_service_may_leave_out_is_held_to_it() -> None:
    """The port's own methods that refuse are those a service has to replace for what it declares."""
    refusing = {
        name: capability
        for name, method in inspect.getmembers(Service, inspect.isfunction)
        for capability in re.findall(
            r"raise UnsupportedOperationError\(self\.name, Capability\.(\w+)", inspect.getsource(method)
        )
    }

    held = {name: capability.name for capability, calls in CALLS.items() for name in calls}
    assert refusing
    assert refusing.items() <= held.items()
