"""What SendPulse's limits and its token cost a long export."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.pace import budget_for
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.sendpulse_accounts import everybody, service_of

TOKENS = "POST /oauth/access_token"


def tokens_issued(sandbox: Sandbox) -> int:
    return sandbox.counters()["by_path"].get(TOKENS, 0)


def test_a_token_that_expires_in_the_middle_of_500_pages_costs_one_call_and_no_page() -> None:
    with Sandbox.start() as sandbox:
        sandbox.seed(rows=[{"email": f"p{number}@x.lt", "groups": ["All"]} for number in range(50_000)])
        service = service_of(sandbox)
        (group,) = service.groups()
        before = tokens_issued(sandbox)
        sandbox.fault("status", method="GET", path="/addressbooks/*/emails", skip=250, status=401)
        assert len(everybody(service, service.subscribers(group.id))) == 50_000
        assert tokens_issued(sandbox) == before + 1
        refused = [request for request in sandbox.requests(10_000) if request["status"] == 401]
        assert len(refused) == 1
        pages = sandbox.counters()["by_path"]["GET /addressbooks/{id}/emails"]
        assert 500 < pages <= 510


def test_an_account_that_keeps_to_ten_requests_a_second_sees_no_refusal(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(sendpulse_requests_per_second=10, sendpulse_requests_per_minute=1_000)
    sender_sandbox.seed(rows=[{"email": f"p{number}@x.lt", "groups": ["All"]} for number in range(3_000)])
    settings = replace(Settings(sender_sandbox.sendpulse_url), timeout=9.0).checked()
    client = SendPulseClient("sandbox-client", sender_sandbox.token, settings, budget_for(settings))
    service = SendPulseService(client)
    assert len(everybody(service, service.subscribers())) == 3_000
    assert sender_sandbox.counters()["rate_limited"] == 0
