"""``/message/send``: one transactional e-mail a call."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.ids import public_id
from airflow_provider_sender.sandbox.account.outbox import SENT
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.replies import answer, not_found
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

KIND = SENT


def _person(checks: Checks, name: str, *, needs_name: bool) -> dict[str, Json] | None:
    """An object with an address and a name, its errors noted as ``name.email`` and ``name.name``."""
    found = checks.mapping(name, required=True)
    if found is None:
        return None
    inner = Checks(found, f"{name}.")
    inner.address("email", required=True)
    inner.text("name", required=needs_name)
    checks.errors |= inner.errors
    return found


def _recipient(checks: Checks) -> dict[str, Json] | None:
    """Who it goes to: one person. Old clients give nothing but ``recipient_email``."""
    if "to" not in checks.body and "recipient_email" in checks.body:
        return {"email": checks.address("recipient_email", required=True)}
    return _person(checks, "to", needs_name=False)


def _checked_extras(checks: Checks) -> None:
    checks.mapping("variables")
    checks.mapping("attachments")
    # The reference has an object here, the official SDK a list of names and values.
    if not isinstance(checks.body.get("headers"), list):
        checks.mapping("headers")


def _sent(account: Account, message: dict[str, Json]) -> Reply:
    stored = account.documents.add(KIND, message, account.now)
    parts = (public_id(part, stored.number) for part in ("account", "domain", "mail", "message"))
    return answer({"success": True, "message": "Email sent", "emailId": "-".join(parts)})


def _send(account: Account, call: Call) -> Reply:
    checks = Checks(call.json)
    _person(checks, "from", needs_name=True)
    recipient = _recipient(checks)
    checks.text("subject", required=True)
    if checks.text("text") is None and checks.text("html") is None:
        checks.wrong("html", "The html field is required when text is not present.")
    _checked_extras(checks)
    checks.passed()
    return _sent(account, {**checks.body, "to": recipient})


def _send_template(account: Account, call: Call) -> Reply:
    template = account.documents.find("transactional", call.parameters["id"])
    if template is None:
        raise not_found()
    checks = Checks(call.json)
    recipient = _recipient(checks)
    checks.text("text")
    checks.text("html")
    _checked_extras(checks)
    checks.passed()
    sender: dict[str, Json] = {"name": template.body.get("from"), "email": template.body.get("reply_to")}
    return _sent(
        account,
        {
            "from": sender,
            "subject": template.body.get("subject"),
            **checks.body,
            "to": recipient,
            "transactional_id": template.id,
        },
    )


ROUTES = (
    Route("POST", "/message/send", _send),
    Route("POST", "/message/{id}/send", _send_template),
)
