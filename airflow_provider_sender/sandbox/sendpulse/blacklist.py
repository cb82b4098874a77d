"""``/blacklist``: addresses nothing is sent to, written as Base64 of one text with commas."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.sendpulse.reading import decoded, is_address, page, text
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, invalid, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse blacklist"


def is_blacklisted(account: Account, email: str) -> bool:
    """Whether an address is on the blacklist."""
    return email.lower() in _addresses(account)


def _addresses(account: Account) -> list[str]:
    return [str(document.body["email"]) for document in account.documents.all(_KIND)]


def _given(call: Call) -> list[str]:
    joined = decoded(call.json, "emails")
    if joined is None:
        raise refused(1101)
    found = [email.strip().lower() for email in joined.split(",") if email.strip()]
    if not found or not all(is_address(email) for email in found):
        raise refused(906)
    return found


def _list(account: Account, call: Call) -> Reply:
    """All of them, or by ``limit`` and ``offset``: no document says which."""
    found, most = _addresses(account), account.settings.sendpulse_blacklist_page
    if most is None:
        return answer(found)
    limit, offset = page(call)
    return answer(found[offset : offset + min(limit, most)])


def _post(account: Account, call: Call) -> Reply:
    comment, there = text(call.json, "comment"), set(_addresses(account))
    for email in dict.fromkeys(_given(call)):
        if email not in there:
            account.documents.add(_KIND, {"email": email, "comment": comment}, account.now)
    return done()


def _delete(account: Account, call: Call) -> Reply:
    unwanted = set(_given(call))
    found = [document for document in account.documents.all(_KIND) if document.body["email"] in unwanted]
    if not found:
        raise invalid("Emails not found in the blacklist")
    for document in found:
        account.documents.delete(document)
    return done()


ROUTES = (
    Route("GET", "/blacklist", _list),
    Route("POST", "/blacklist", _post),
    Route("DELETE", "/blacklist", _delete),
)
