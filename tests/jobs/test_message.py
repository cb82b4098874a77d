"""One mail, as the sandbox has it posted to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    OutcomeUnknownError,
    SenderError,
)
from airflow_provider_sender.client.messages import Mailbox, Message
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.jobs.message import message_from, send_message_once
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

MAIL: dict[str, Any] = {
    "to": "ann@example.com",
    "subject": "Your receipt",
    "html": "<p>Thank you, {{name}}</p>",
    "from_email": "shop@example.com",
}
POST = {"path": "/message/send", "method": "POST"}


class Notes:
    """What a task notes."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def noted(self) -> Mapping[str, str]:
        return self.facts

    def note(self, **facts: str) -> None:
        self.facts |= facts


def send(service: Any, notes: Notes | None = None, tries: str = "2", **given: Any) -> str | None:
    return send_message_once(service, message_from({**MAIL, **given}, service), tries, notes or Notes())


def test_a_mail_is_posted_as_the_reference_has_it(service: SenderService, sender_sandbox: Sandbox) -> None:
    message_id = send(
        service,
        to={"email": " ann@example.com ", "name": "Ann"},
        text="Thank you",
        from_name="The Shop",
        reply_to="help@example.com",
        variables={"name": "Ann", "items": [{"price": 1.5}]},
        attachments={"receipt.pdf": "https://files.example.com/receipt.pdf"},
        headers={"X-Order": 7},
    )

    (posted,) = sender_sandbox.messages()
    posted = {key: posted[key] for key in posted if key not in ("id", "created")}
    assert posted == {
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": {"email": "ann@example.com", "name": "Ann"},
        "reply_to": {"email": "help@example.com"},
        "subject": "Your receipt",
        "html": "<p>Thank you, {{name}}</p>",
        "text": "Thank you",
        "variables": {"name": "Ann", "items": [{"price": 1.5}]},
        "attachments": {"receipt.pdf": "https://files.example.com/receipt.pdf"},
        "headers": {"X-Order": "7"},
    }
    assert message_id is not None
    assert message_id.count("-") == 3


def test_what_is_not_given_is_not_posted_and_a_sender_without_a_name_is_named_by_the_address(
    service: SenderService, sender_sandbox: Sandbox
) -> None:
    send(service)

    (posted,) = sender_sandbox.messages()
    assert set(posted) - {"id", "created"} == {"from", "to", "subject", "html"}
    assert posted["from"] == {"email": "shop@example.com", "name": "shop@example.com"}


def test_a_template_sends_with_its_own_subject_and_sender(service: SenderService, sender_sandbox: Sandbox) -> None:
    template = service.client.create_transactional_campaign(
        {"subject": "Receipt", "from": "The Shop", "reply_to": "shop@example.com", "editor": "html"}
    )
    mail = message_from({"to": "ann@example.com", "template_id": template.id, "variables": {"name": "Ann"}}, service)

    assert send_message_once(service, mail, "2", Notes())

    (posted,) = sender_sandbox.messages()
    assert (posted["subject"], posted["variables"]) == ("Receipt", {"name": "Ann"})
    assert sender_sandbox.counters()["by_path"]["POST /message/{id}/send"] == 1


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "truncate", "status"])
def test_a_lost_answer_is_no_reason_to_send_again(fault: str, service: SenderService, sender_sandbox: Sandbox) -> None:
    options: dict[str, Any] = {"status": 502} if fault == "status" else {}
    sender_sandbox.fault(fault, **POST, times=None, **options)
    notes = Notes()

    with pytest.raises(OutcomeUnknownError, match=r"may or may not .* Look at Sender's transactional mails"):
        send(service, notes)
    with pytest.raises(OutcomeUnknownError, match=r"earlier try"):
        send(service, notes)

    assert sender_sandbox.counters()["by_path"].get("POST /message/send", 0) == 1
    assert len(sender_sandbox.messages()) <= 1


def test_a_slow_answer_is_a_lost_one(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("delay_after", **POST, seconds=2)

    with pytest.raises(OutcomeUnknownError, match="no answer within"):
        send(service_of(sender_sandbox, timeout=0.3))

    assert len(sender_sandbox.messages()) == 1


def test_a_full_request_window_is_waited_for_and_the_mail_sent_once(
    service: SenderService, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("rate_limit", **POST, times=2)

    assert send(service)

    assert len(sender_sandbox.messages()) == 1


def test_a_refused_mail_is_not_sent_and_a_later_try_may_send_it(
    service: SenderService, sender_sandbox: Sandbox
) -> None:
    sender_sandbox.fault("refuse", **POST, message="The domain is not verified")
    notes = Notes()

    with pytest.raises(InvalidRequestError, match="The domain is not verified"):
        send(service, notes)
    assert sender_sandbox.messages() == []

    assert send(service, notes)
    assert len(sender_sandbox.messages()) == 1


def test_a_wrong_token_sends_nothing(service: SenderService, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("status", **POST, status=401)

    with pytest.raises(AuthenticationError):
        send(service)

    assert sender_sandbox.messages() == []


def test_an_earlier_try_that_sent_it_is_enough(service: SenderService, sender_sandbox: Sandbox) -> None:
    notes = Notes()

    assert send(service, notes) == send(service, notes)

    assert len(sender_sandbox.messages()) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"to": None}, "to: is missing"),
        ({"to": "ann"}, "to: is no e-mail address"),
        ({"to": "Ann <ann@example.com>"}, "to: is no e-mail address"),
        ({"to": "ann@example.com, bob@example.com"}, "one address and nothing else"),
        ({"to": "   "}, "to: is no e-mail address"),
        ({"to": 7}, "to: is a int, not an e-mail address"),
        ({"to": ["ann@example.com"]}, r"to: is a list.*\.expand\(\)"),
        ({"to": {"email": "ann@example.com", "phone": "+370"}}, "to: may hold email and name"),
        ({"to": {"name": "Ann"}}, r"to\['email'\]: is missing"),
        ({"to": {"email": "ann@example.com", "name": "Ann\nBcc: bob@example.com"}}, "to: holds a line break"),
        ({"subject": None}, "subject: is missing"),
        ({"subject": "   "}, "subject: is empty"),
        ({"subject": "One\nTwo"}, "subject: holds a line break"),
        ({"subject": {"a": 1}}, "subject: is a dict, not a text"),
        ({"from_email": None}, "from_email: is missing"),
        ({"from_email": "shop"}, "from_email: is no e-mail address"),
        ({"from_name": "A\u2028B"}, "from_name: holds a line break"),
        ({"html": None}, "content as html, as text, or as both"),
        ({"html": " "}, "html: is empty"),
        ({"text": 7}, "text: is a int, not a text"),
        ({"html": "half a pair \ud800"}, "JSON has no form for"),
        ({"reply_to": "help"}, "reply_to: is no e-mail address"),
        ({"variables": "a text"}, "variables: is a str, not a dictionary"),
        ({"variables": {1: "a"}}, "variables: is a dict, not a dictionary with texts for keys"),
        ({"variables": {"a": object()}}, "variables: holds something that JSON has no form for"),
        ({"attachments": {"a.pdf": "/tmp/a.pdf"}}, "attachments: one of them is no http or https address"),
        ({"attachments": ["https://a.example/b"]}, "attachments: is a list"),
        ({"headers": {"X-A": "b\r\nBcc: bob@example.com"}}, "headers, one of the values: holds a line break"),
        ({"headers": {"X-A\r\nBcc: bob@example.com": "b"}}, "headers, one of the names: holds a line break"),
        ({"template_id": "t"}, "subject, from_email: a template has that of its own"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    given: dict[str, Any], words: str, service: SenderService, sender_sandbox: Sandbox
) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        send(service, **given)

    assert "@" not in str(refused.value)
    assert sender_sandbox.counters()["requests"] == 0


def test_what_json_has_a_form_for_may_be_a_variable(service: SenderService, sender_sandbox: Sandbox) -> None:
    send(service, variables={"price": Decimal("1.50"), "none": None, "emoji": "👩‍💻"}, subject="🎉 To\u00a0you 👩‍💻")

    (posted,) = sender_sandbox.messages()
    assert posted["variables"] == {"price": "1.50", "none": None, "emoji": "👩‍💻"}
    assert posted["subject"] == "🎉 To\u00a0you 👩‍💻"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.text(max_size=8) | st.integers() | st.dictionaries(st.text(max_size=3), st.text())
            for name in (*MAIL, "text", "template_id", "variables", "from_name", "reply_to", "attachments", "headers")
        },
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_given_is_a_whole_mail_or_refused(given: dict[str, Any]) -> None:
    with suppress(ConfigurationError):
        message = message_from({**MAIL, **given}, MemoryService())
        assert message.html or message.text or message.template_id
        assert "@" in message.to.email


def test_a_mail_needs_nothing_but_the_port() -> None:
    memory = MemoryService()

    assert send(memory) == "mail1"

    assert memory.messages == [
        Message(Mailbox("ann@example.com"), Mailbox("shop@example.com"), "Your receipt", "<p>Thank you, {{name}}</p>")
    ]


def test_no_error_shows_whom_it_is_about(service: SenderService, sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("refuse", **POST, message="ann@example.com is on the suppression list")

    with pytest.raises(SenderError) as refused:
        send(service)

    assert "ann@example.com" not in str(refused.value)
