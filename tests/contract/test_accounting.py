"""Every row is in one count, whatever is in it; and whom a service does not tell about is never taken for new."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import ServiceFailureError
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.jobs.outcome import RowsUnaccountedError, Upserted
from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator
from tests.contract.accounts import ACTIVE, OUT, VIPS, Account

COUNTS = ("sent", "unchanged", "rejected", "held", "duplicates", "unconfirmed")

_emails = st.sampled_from([*VIPS[:3], *ACTIVE[100:103], *OUT[:3], "new1@x.lt", "new2@x.lt", "nobody", ""])
_statuses = st.sampled_from([None, "active", "unsubscribed", "nonsense"])
_rows = st.lists(
    st.builds(
        lambda email, status, name: {"email": email, "status": status, "firstname": name},
        _emails,
        _statuses,
        st.sampled_from([None, "Ann"]),
    ),
    min_size=1,
    max_size=12,
)


@given(_rows, st.sampled_from([[], ["VIP"], ["All", "VIP"]]), st.booleans(), st.booleans())
@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_row_is_in_one_count(
    account: Account, rows: list[dict[str, Any]], titles: list[str], overwrites: bool, is_dry: bool
) -> None:
    account.furnish()
    counts = account.run(
        SenderUpsertSubscribersOperator,
        subscribers=rows,
        group_ids=[account.group(title) for title in titles],
        consent="overwrite" if overwrites else "keep",
        on_reject="warn",
        dry_run=is_dry,
    )
    assert sum(counts[name] for name in COUNTS) == len(rows)


def test_rows_that_opt_people_out_are_sent_though_the_group_stays_without_them(account: Account) -> None:
    """Where joining a group would make them active in it (SendPulse), they do not join."""
    people = enumerate(VIPS[:6])
    rows: list[dict[str, Any]] = [
        {"email": email, "status": "unsubscribed" if number % 2 else None} for number, email in people
    ]
    fresh: list[dict[str, Any]] = [{"email": ACTIVE[100], "status": "unsubscribed"}, {"email": ACTIVE[101]}]
    account.sandbox.seed(rows=[{"email": "other@x.lt", "groups": ["Another"]}])
    counts = account.run(
        SenderUpsertSubscribersOperator, subscribers=[*rows, *fresh], group_ids=[account.group("Another")]
    )
    assert (counts["sent"], counts["held"], counts["rejected"]) == (8, 0, 0)
    opted_out = [row["email"] for row in [*rows, *fresh] if row.get("status")]
    found = account.service.find_subscribers(opted_out)
    assert {each.consent.value for each in found.values()} == {"unsubscribed"}


def test_a_row_in_no_count_ends_the_task() -> None:
    with pytest.raises(RowsUnaccountedError, match=r"There were 3 rows, and what became of them adds up to 2 \(1 sent"):
        Upserted(sent=1, held=1).check_complete(3)


BASE = "https://api.sendpulse.test"
REFUSALS: dict[str, dict[str, Any]] = {
    "404": {"status_code": 404, "json": {"message": "Not found", "error_code": 404}},
    "405": {"status_code": 405, "text": "Method not allowed"},
    "422": {"status_code": 422, "json": {"message": "The given data was invalid", "error_code": 422}},
    "302": {"status_code": 302, "headers": {"Location": "https://login.sendpulse.test"}},
    "400 page": {"status_code": 400, "text": "<html>Bad request</html>"},
    "text": {"json": "nobody"},
    "null": {"text": "null"},
    "list": {"json": [1]},
    "result": {"json": {"result": True}},
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_look_up_that_tells_nothing_writes_nobody_and_costs_few_requests(refusal: str) -> None:
    budget = Budget()
    client = SendPulseClient(None, "key-of-the-account", Settings(BASE, max_retries=0).checked(), budget)
    rows = [{"email": f"ann{number}@x.lt", "groups": ["1"]} for number in range(100)]
    with requests_mock.Mocker() as service:
        service.get(f"{BASE}/addressbooks", json=[{"id": 1, "name": "All", "all_email_qty": 100_000, "status": 0}])
        service.get(f"{BASE}/addressbooks/1/variables", json=[])
        service.get(f"{BASE}/addressbooks/1/emails/total", json={"total": 100_000})
        service.post(f"{BASE}/emails", **REFUSALS[refusal])
        added = service.post(f"{BASE}/addressbooks/1/emails", json={"result": True})
        with pytest.raises(ServiceFailureError, match=r"about addresses|knows an address") as told:
            upsert(SendPulseService(client), rows, Upsert(group_ids=["1"]))
        assert not added.called
        assert service.call_count < 20
    assert "ann1" not in str(told.value)


def test_an_address_that_is_said_to_be_unknown_is_new() -> None:
    client = SendPulseClient(None, "key-of-the-account", Settings(BASE, max_retries=0).checked(), Budget())
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/emails", status_code=422, json={"message": "Email not found", "error_code": 502})
        assert SendPulseService(client).find_subscribers(["a@x.lt", "b@x.lt"]) == {}
