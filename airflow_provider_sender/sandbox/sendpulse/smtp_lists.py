"""``/smtp/unsubscribe`` and what else belongs to the SMTP account: its senders, addresses and domains."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.reading import day, is_address, page_of, required
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, invalid, refused
from airflow_provider_sender.sandbox.sendpulse.senders import activated
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse smtp unsubscribed"
_RESUBSCRIBED = "sendpulse smtp resubscribed"
_DOMAIN = "sendpulse smtp domain"
_MOST_A_DAY = 5
_DAY = 86_400


def check_smtp_user(account: Account) -> None:
    """Refuse accounts that have not set SMTP up."""
    if not account.settings.sendpulse_smtp_user:
        raise refused(400)


def is_unsubscribed(account: Account, email: str) -> bool:
    """Whether an address takes no transactional e-mails."""
    return _found(account, email) is not None


def _found(account: Account, email: str) -> Document | None:
    wanted = email.lower()
    return next((row for row in account.documents.all(_KIND) if row.body["email"] == wanted), None)


def _given(account: Account, call: Call) -> list[tuple[str, str | None]]:
    """Addresses with their comments, in an object or, as the reference has it, as the whole body."""
    try:
        body: Json = json.loads(call.body)
    except ValueError:
        body = None
    if account.settings.sendpulse_unsubscribe_body == ("object" if isinstance(body, list) else "array"):
        body = None
    rows = body if isinstance(body, list) else body.get("emails") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise invalid("The emails field is required.")
    found: list[tuple[str, str | None]] = []
    for row in rows:
        email = row.get("email") if isinstance(row, dict) else row
        comment = row.get("comment") if isinstance(row, dict) else None
        if not is_address(email):
            raise refused(906)
        found.append((str(email).lower(), None if comment is None else str(comment)))
    return found


def _unsubscribe(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    for email, comment in _given(account, call):
        if _found(account, email) is None:
            account.documents.add(_KIND, {"email": email, "comment": comment}, account.now)
    return done()


def _remove(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    for email, _ in _given(account, call):
        row = _found(account, email)
        if row is not None:
            account.documents.delete(row)
    return done()


def _list(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    asked = day(call.query, "date")
    rows = [
        {
            "email": row.body["email"],
            "unsubscribe_by_link": 0,
            "unsubscribe_by_user": 1,
            "spam_complaint": 0,
            "date": local(account, row.created),
        }
        for row in account.documents.all(_KIND)
    ]
    return answer(page_of(call, [row for row in rows if asked in (None, str(row["date"])[:10])]))


def _search(account: Account, call: Call) -> Reply:
    """Whether an address is there: ``result: false`` is the answer here, and no error."""
    email = call.query.get("email", "")
    if not is_address(email):
        raise refused(1101)
    return answer({"result": is_unsubscribed(account, email)})


def _resubscribe(account: Account, call: Call) -> Reply:
    """Ask somebody to come back, at most five a day."""
    check_smtp_user(account)
    email, _ = required(call.json, "email", 1101), required(call.json, "sender", 10)
    since = account.now - _DAY
    if sum(row.created > since for row in account.documents.all(_RESUBSCRIBED)) >= _MOST_A_DAY:
        raise invalid("Resubscribe limit exceeded (5 per day)")
    account.documents.add(_RESUBSCRIBED, {"email": email}, account.now)
    return done()


def _addresses(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    return answer(["192.0.2.1"])


def _senders(account: Account, call: Call) -> Reply:
    check_smtp_user(account)
    return answer(activated(account))


def _domain_row(name: str) -> dict[str, object]:
    checks = {"check_dkim": True, "check_spf": True, "check_dmarc": True, "all_checks": True, "spf_txt_needed": ""}
    return {"domain": name, "checks": checks}


def _domains(account: Account, call: Call) -> Reply:
    names = ["example.com", *(str(row.body["name"]) for row in account.documents.all(_DOMAIN))]
    return answer({"data": {"result": True, "data": [_domain_row(name) for name in names]}})


def _add_domain(account: Account, call: Call) -> Reply:
    account.documents.add(_DOMAIN, {"name": call.parameters["domain"]}, account.now)
    return answer({"data": {"result": True, "data": [_domain_row(call.parameters["domain"])]}})


ROUTES = (
    Route("GET", "/smtp/unsubscribe", _list),
    Route("POST", "/smtp/unsubscribe", _unsubscribe),
    Route("DELETE", "/smtp/unsubscribe", _remove),
    Route("GET", "/smtp/unsubscribe/search", _search),
    Route("POST", "/smtp/resubscribe", _resubscribe),
    Route("GET", "/smtp/ips", _addresses),
    Route("GET", "/smtp/senders", _senders),
    Route("GET", "/v2/email-service/smtp/sender_domains", _domains),
    Route("POST", "/v2/email-service/smtp/sender_domains/{domain}", _add_domain),
)
