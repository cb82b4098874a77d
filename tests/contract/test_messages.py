"""Single mails and notifications: what holds for every service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.errors import ConfigurationError, OutcomeUnknownError, ServiceError
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.sendpulse import SendPulseHook
from airflow_provider_sender.notifications.sender import SenderNotifier
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from tests.contract.accounts import ACTIVE, CONN_ID, Account

MAIL = {
    "to": ACTIVE[0],
    "from_email": "shop@example.com",
    "from_name": "The Shop",
    "subject": "Your order",
    "html": "<p>It is on its way</p>",
}
FAILED: dict[str, Any] = {"dag_run": {"dag_id": "sales", "dag_run_id": "r", "state": "failed"}}


class Notes:
    """What Airflow 3.3 keeps for a task."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any, retention: Any = None) -> None:
        self.kept[key] = value


@pytest.fixture(autouse=True)
def _a_store_on_any_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an Airflow without such a store pass for one with it."""
    monkeypatch.setattr("airflow.sdk.NEVER_EXPIRE", None, raising=False)


def send(account: Account, notes: Notes | None = None, run_id: str = "monday", **mail: Any) -> str | None:
    """Send a mail as a task does."""
    task = SenderSendMessageOperator(task_id="receipt", sender_conn_id=CONN_ID, **{**MAIL, **mail})
    context = account.context(run_id)
    context["task_state_store"] = notes or Notes()
    sent: str | None = task.execute(context)
    return sent


def template(account: Account) -> str:
    """Keep a template with the service, and return its id."""
    if account.kind.name == "Sender":
        body = {"subject": "Receipt", "from": "The Shop", "reply_to": "shop@example.com", "editor": "html"}
        return SenderHook(CONN_ID).create_transactional_campaign(body).id
    if account.kind.name == "SendPulse":
        return str(SendPulseHook(CONN_ID).create_template("<p>Dear {{name}}</p>", name="Receipt"))
    content = {"subject": "Receipt", "body_html": "<p>Dear {{ name }}</p>", "variables": [{"name": "name"}]}
    return SendaraHook(CONN_ID).create_template({"name": "Receipt", "channel": "email", **content}).id


def of_a_template(account: Account) -> dict[str, Any]:
    """Return what a mail from a template may and must have beside it."""
    kept = {"sender": ("from_email", "from_name"), "subject": ("subject",)}
    own = {name for part, names in kept.items() if part not in account.service.template_brings for name in names}
    return {name: MAIL[name] if name in own else None for name in ("from_email", "from_name", "subject")} | {
        "html": None
    }


def test_a_task_that_is_tried_again_mails_nobody_twice(account: Account) -> None:
    notes = Notes()
    assert send(account, notes) == send(account, notes)
    assert len(account.sandbox.messages()) == 1
    send(account, run_id="tuesday")
    assert len(account.sandbox.messages()) == 2


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_a_lost_answer_is_resolved_by_the_key_or_told(account: Account, fault: str) -> None:
    notes = Notes()
    account.sandbox.fault(fault, path=account.kind.message, method="POST")
    if account.can(Capability.IDEMPOTENT_MESSAGES):
        assert send(account, notes)
        assert len(account.sandbox.messages()) == 1
        return
    for words in ("may or may not", "earlier try"):
        with pytest.raises(AirflowFailException, match=words) as told:
            send(account, notes)
        assert "Look at" in str(told.value)
        assert "@" not in str(told.value)
    assert len(account.sandbox.messages()) == (fault == "drop_after")
    posts = [request for request in account.sandbox.requests() if request["path"] == account.kind.message]
    assert sum(request["status"] != 401 for request in posts) == 1  # the token of an earlier test is refused


def test_an_outage_is_over_at_the_next_try_or_the_task_says_what_to_look_at(account: Account) -> None:
    account.sandbox.fault("drop_after", path=account.kind.message, method="POST", times=None)
    notes = Notes()
    is_keyed = account.can(Capability.IDEMPOTENT_MESSAGES)
    with pytest.raises(ServiceError if is_keyed else AirflowFailException):
        send(account, notes)
    account.sandbox.clear_faults()
    if is_keyed:
        assert send(account, notes)
    else:
        with pytest.raises(AirflowFailException, match="earlier try"):
            send(account, notes)
    assert len(account.sandbox.messages()) == 1


def test_a_mail_from_a_template_has_what_the_service_wants_beside_it_and_nothing_else(account: Account) -> None:
    made = template(account)
    mail = of_a_template(account)
    send(account, template_id=made, variables={"name": "Ann"}, **mail)
    (posted,) = account.sandbox.messages()
    assert "Ann" in str(posted)
    before = account.sandbox.counters()["requests"]
    brought, needed = account.service.template_brings, account.service.template_needs
    for name, part in {"subject": "subject", "from_email": "sender"}.items():
        if part in brought:
            with pytest.raises(AirflowFailException, match=f"{name}: a template has that of its own"):
                send(account, template_id=made, **{**mail, name: MAIL[name]})
        if part in needed:
            with pytest.raises(AirflowFailException, match=f"{name}: is missing.*{account.kind.name}'s templates"):
                send(account, template_id=made, **{**mail, name: None})
    assert account.sandbox.counters()["requests"] == before


def notifier(**options: Any) -> SenderNotifier:
    return SenderNotifier(
        **{"to": "oncall@example.com", "from_email": "shop@example.com", "sender_conn_id": CONN_ID, **options}
    )


def mails(account: Account) -> list[str]:
    """Return the mails that were sent, as they were posted, as text."""
    return [str(mail) for mail in account.sandbox.messages()]


def test_a_failed_dag_is_mailed_to_everybody_once(account: Account) -> None:
    notifier(to=["a@example.com", "b@example.com"], raise_on_error=True)(dict(FAILED))
    first, second = mails(account)
    assert ("a@example.com" in first, "b@example.com" in second) == (True, True)
    assert "[Airflow] DAG sales failed" in first


async def test_a_missed_deadline_is_mailed_from_an_event_loop(account: Account) -> None:
    await notifier(context={**FAILED, "deadline": {"id": 1, "deadline_time": "noon"}}, raise_on_error=True)
    (mail,) = mails(account)
    assert "[Airflow] DAG sales missed its deadline" in mail


def test_a_notification_from_a_template_gets_a_subject_where_it_needs_one(account: Account) -> None:
    mail: Mapping[str, Any] = of_a_template(account)
    sender = {name: mail[name] for name in ("from_email", "from_name")}
    made = template(account)
    notifier(template_id=made, variables={"name": "{{ dag_run.dag_id }}"}, raise_on_error=True, **sender)(dict(FAILED))
    (sent,) = mails(account)
    assert "sales" in sent
    needs_subject = "subject" in account.service.template_needs
    assert ("[Airflow] DAG sales failed" in sent) == needs_subject


def test_a_notification_that_cannot_be_sent_fails_nothing(account: Account, said: Callable[[], str]) -> None:
    account.sandbox.fault("refuse", path=account.kind.message, method="POST", times=None, message="no a@example.com")
    notifier()(dict(FAILED))
    (line,) = [line for line in said().splitlines() if "notification failed" in line]
    assert "@" not in line
    with pytest.raises(ServiceError):
        notifier(raise_on_error=True)(dict(FAILED))
    assert account.sandbox.messages() == []


def test_a_lost_answer_to_a_notification_mails_nobody_twice(account: Account) -> None:
    account.sandbox.fault("drop_after", path=account.kind.message, method="POST")
    if account.can(Capability.IDEMPOTENT_MESSAGES):
        notifier(raise_on_error=True)(dict(FAILED))
    else:
        with pytest.raises(OutcomeUnknownError):
            notifier(raise_on_error=True)(dict(FAILED))
    assert len(account.sandbox.messages()) == 1


def test_a_notification_to_nobody_is_refused_before_the_first_request(account: Account) -> None:
    before = account.sandbox.counters()["requests"]
    mistakes: list[dict[str, Any]] = [{"to": []}, {"to": "oncall"}, {"from_email": None}]
    for options in mistakes:
        with pytest.raises(ConfigurationError):
            notifier(raise_on_error=True, **options)(dict(FAILED))
    assert account.sandbox.counters()["requests"] == before
