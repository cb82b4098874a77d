"""``/v1/test-recipients``: up to three addresses that real e-mails go to for free."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document
from airflow_provider_sender.sandbox.sendara.checks import body_of
from airflow_provider_sender.sandbox.sendara.dates import written, written_if
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendara test recipient"
_SLOTS = 3


def is_verified(account: Account, address: str) -> bool:
    """Whether an address belongs to a test recipient who clicked the link."""
    return any(
        str(document.body["email"]).lower() == address.lower() and _verified_at(account, document) is not None
        for document in account.documents.all(_KIND)
    )


def _verified_at(account: Account, document: Document) -> float | None:
    takes = account.settings.sendara_verify_seconds
    clicked = None if takes is None else document.created + takes
    return clicked if clicked is not None and clicked <= account.now else None


def _as_json(account: Account, document: Document) -> dict[str, object]:
    verified_at = _verified_at(account, document)
    return {
        "id": f"tr_{document.id}",
        "email": document.body["email"],
        "status": "pending" if verified_at is None else "verified",
        "verified_at": written_if(verified_at),
        "created_at": written(document.created),
    }


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, call.parameters["id"].removeprefix("tr_"))
    if found is None:
        raise not_found("Test recipient")
    return found


def _list(account: Account, call: Call) -> Reply:
    return answer({"recipients": [_as_json(account, document) for document in account.documents.all(_KIND)]})


def _post(account: Account, call: Call) -> Reply:
    email, there = body_of(call).needed_address("email"), account.documents.all(_KIND)
    if len(there) >= _SLOTS:
        raise refused("too_many_test_recipients", "You already have the maximum of 3 registered test recipients")
    if any(str(document.body["email"]).lower() == email.lower() for document in there):
        raise invalid("email is already registered")
    added = account.documents.add(_KIND, {"email": email}, account.now)
    return answer({**_as_json(account, added), "status": "pending", "verified_at": None}, 201)


def _resend(account: Account, call: Call) -> Reply:
    if _verified_at(account, _the_one(account, call)) is not None:
        raise invalid("The test recipient is already verified")
    return nothing()


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return nothing()


ROUTES = (
    route("read", "GET", "/v1/test-recipients", _list),
    route("send", "POST", "/v1/test-recipients", _post),
    route("send", "POST", "/v1/test-recipients/{id}/resend", _resend),
    route("send", "DELETE", "/v1/test-recipients/{id}", _delete),
)
