"""``/senders``: the addresses campaigns can come from.

Two are there and activated from the beginning. Another is activated with the code the service mails it, which
is always the same here.
"""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document
from airflow_provider_sender.sandbox.sendpulse.reading import is_address, required
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

KIND = "sendpulse sender"
CODE = "123456"
_OWN = {"hello@example.com": "The Garden Shop", "shop@example.com": "The Shop"}
_FREE_SERVICES = ("gmail.com", "hotmail.com", "mail.com", "outlook.com", "yahoo.com")
_WAIT = 15 * 60


def is_activated(account: Account, email: str) -> bool:
    """Whether campaigns can come from an address."""
    return email.lower() in activated(account)


def activated(account: Account) -> list[str]:
    """The addresses campaigns can come from."""
    added = (str(sender.body["email"]) for sender in account.documents.all(KIND) if sender.body["is_active"])
    return [*_OWN, *added]


def _list(account: Account, call: Call) -> Reply:
    rows = [(email, name, True) for email, name in _OWN.items()]
    rows += [
        (str(sender.body["email"]), str(sender.body["name"]), bool(sender.body["is_active"]))
        for sender in account.documents.all(KIND)
    ]
    return answer(
        [
            {
                "email": email,
                "name": name,
                "status": "Active" if is_active else "Not active",
                "is_allowed_for_smtp": is_active,
            }
            for email, name, is_active in rows
        ]
    )


def _added(account: Account, email: str) -> Document | None:
    wanted = email.lower()
    return next((sender for sender in account.documents.all(KIND) if sender.body["email"] == wanted), None)


def _post(account: Account, call: Call) -> Reply:
    email, name = required(call.json, "email", 903), required(call.json, "name", 901)
    if not is_address(email):
        raise refused(906)
    if email.lower().rpartition("@")[2] in _FREE_SERVICES:
        raise refused(20)
    if email.lower() in _OWN or _added(account, email) is not None:
        raise refused(902)
    account.documents.add(KIND, {"email": email.lower(), "name": name, "is_active": False}, account.now)
    return done(email=email)


def _delete(account: Account, call: Call) -> Reply:
    """Remove one, named in the body."""
    sender = _added(account, required(call.json, "email", 903))
    if sender is None:
        raise refused(704)
    account.documents.delete(sender)
    return done()


def _awaiting(account: Account, call: Call) -> Document:
    sender = _added(account, call.parameters["email"])
    if sender is None or sender.body["is_active"]:
        raise refused(21)
    return sender


def _send_code(account: Account, call: Call) -> Reply:
    sender = _awaiting(account, call)
    asked_at = sender.body.get("asked_at")
    if isinstance(asked_at, int | float) and account.now < asked_at + _WAIT:
        raise refused(1004)
    account.documents.change(sender, {"asked_at": account.now})
    return done(email=sender.body["email"])


def _activate(account: Account, call: Call) -> Reply:
    sender = _awaiting(account, call)
    if required(call.json, "code", 1104) != CODE:
        raise refused(800)
    account.documents.change(sender, {"is_active": True})
    return done(email=sender.body["email"])


ROUTES = (
    Route("GET", "/senders", _list),
    Route("POST", "/senders", _post),
    Route("DELETE", "/senders", _delete),
    Route("GET", "/senders/{email}/code", _send_code),
    Route("POST", "/senders/{email}/code", _activate),
)
