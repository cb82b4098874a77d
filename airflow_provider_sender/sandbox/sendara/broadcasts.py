"""``/v1/broadcasts`` and ``/v1/send/bulk``: one e-mail to many."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.mails import Outcome
from airflow_provider_sender.sandbox.account.records import Campaign, CampaignStatus
from airflow_provider_sender.sandbox.sendara.broadcast_drafts import complete, read_draft
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.dates import read, written, written_if
from airflow_provider_sender.sandbox.sendara.keys import key_of, route
from airflow_provider_sender.sandbox.sendara.pages import stretches
from airflow_provider_sender.sandbox.sendara.people import SERVICE
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.sendara.usage import within_cap
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

_NOT_STARTED = (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED)


def _progress(account: Account, broadcast: Campaign) -> tuple[int, int, int]:
    """How many recipients there are, and to how many it was handed off or could not be."""
    total = broadcast.recipients
    if broadcast.status in (*_NOT_STARTED, CampaignStatus.CANCELLED):
        return 0, 0, 0
    if broadcast.status == CampaignStatus.SENDING and broadcast.ends_at is not None:
        seconds = account.settings.send_seconds
        share = 1 - (broadcast.ends_at - account.now) / seconds if seconds else 1.0
        return total, int(total * min(max(share, 0.0), 1.0)), 0
    return total, total, 0


def as_json(account: Account, broadcast: Campaign) -> dict[str, object]:
    """A broadcast as it is now."""
    detail: dict[str, Json] = json.loads(broadcast.detail)
    total, sent, failed = _progress(account, broadcast)
    return {
        "id": "bc_" + campaign_id(broadcast.number),
        "name": broadcast.title,
        "status": broadcast.status.lower(),
        "from_email": broadcast.sender_name,
        "subject": broadcast.subject,
        "template_id": detail["template_id"],
        "message_type": detail["message_type"],
        "audience_list_id": detail["audience_list_id"],
        "include_list_ids": detail["include_list_ids"],
        "exclude_list_ids": detail["exclude_list_ids"],
        "total_recipients": total,
        "sent_count": sent,
        "failed_count": failed,
        "test_mode": detail["test_mode"],
        "scheduled_at": written_if(broadcast.due_at),
        "created_at": written(broadcast.created),
        "updated_at": written(broadcast.modified),
    }


def _stats(account: Account, broadcast: Campaign) -> dict[str, int]:
    total, sent, failed = _progress(account, broadcast)

    def came_to(outcome: Outcome) -> int:
        is_known = broadcast.status == CampaignStatus.SENT
        return account.mails.outcomes(broadcast.number, outcome) if is_known else 0

    bounced = came_to(Outcome.HARD_BOUNCE) + came_to(Outcome.SOFT_BOUNCE)
    return {
        "total": total,
        "sent": sent,
        "delivered": sent - bounced if broadcast.status == CampaignStatus.SENT else 0,
        "opened": came_to(Outcome.OPEN),
        "bounced": bounced,
        "complained": came_to(Outcome.COMPLAINT),
        "failed": failed,
    }


def find_broadcast(account: Account, id: str) -> Campaign | None:
    """The broadcast with an id."""
    found = account.campaigns.find(id.removeprefix("bc_")) if id.startswith("bc_") else None
    return found if found is not None and found.service == SERVICE else None


def _the_one(account: Account, call: Call) -> Campaign:
    found = find_broadcast(account, call.parameters["id"])
    if found is None:
        raise not_found("Broadcast")
    return found


def _list(account: Account, call: Call) -> Reply:
    part = stretches(call, account.settings)[account.settings.sendara_broadcasts]
    listed = [broadcast for broadcast in account.campaigns.of(SERVICE) if broadcast.listed_at <= account.now]
    listed.reverse()
    chosen = listed[part.offset : part.offset + part.limit]
    return answer({"broadcasts": [as_json(account, broadcast) for broadcast in chosen]})


def _get(account: Account, call: Call) -> Reply:
    broadcast = _the_one(account, call)
    return answer({"broadcast": as_json(account, broadcast), "stats": _stats(account, broadcast)})


def _made(account: Account, call: Call, body: Body, name: str) -> Campaign:
    key, settings = key_of(account, call), account.settings
    columns = read_draft(account, body, name, is_test=key is not None and key.is_test)
    delay = settings.listing_delay_seconds
    return account.campaigns.add(columns, account.now, account.now + delay if delay else 0)


def _started(account: Account, broadcast: Campaign) -> dict[str, object]:
    """Begin the fan-out. Its audience is resolved after the answer, so that says nothing of it."""
    complete(broadcast)
    within_cap(account)
    settings = account.settings
    broadcast = account.campaigns.change(broadcast, {"modified": account.now, **_doomed(account, broadcast)})
    account.campaigns.send(broadcast, account.now, settings.state_delay_seconds, settings.send_seconds)
    shown = as_json(account, account.campaigns.reread(broadcast.number))
    return {**shown, "status": "sending", "total_recipients": 0, "sent_count": 0, "scheduled_at": None}


def _doomed(account: Account, broadcast: Campaign) -> dict[str, str | int | float | None]:
    return failing(broadcast) if account.settings.sendara_broadcasts_fail else {}


def failing(broadcast: Campaign) -> dict[str, str | int | float | None]:
    """The change that makes a broadcast fail."""
    detail = json.loads(broadcast.detail)
    detail["fan_out"]["fails"] = True
    return {"detail": json.dumps(detail)}


def _send_bulk(account: Account, call: Call) -> Reply:
    return answer(_started(account, _made(account, call, body_of(call), "Bulk send")), 202)


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call)
    due, is_sent_now = _scheduled_at(account, body), bool(body.flag("send_now"))
    if due is not None and is_sent_now:
        raise invalid("send_now and scheduled_at exclude each other")
    broadcast = _made(account, call, body, "Untitled broadcast")
    if is_sent_now:
        return answer(_started(account, broadcast), 201)
    if due is not None:
        complete(broadcast)
        broadcast = account.campaigns.change(broadcast, _doomed(account, broadcast))
        account.campaigns.schedule(broadcast, written(due), due)
    return answer(as_json(account, account.campaigns.reread(broadcast.number)), 201)


def _scheduled_at(account: Account, body: Body) -> float | None:
    text = body.text("scheduled_at")
    due = None if text is None else read(text)
    if text is not None and (due is None or due <= account.now):
        raise invalid("scheduled_at must be an RFC 3339 time in the future")
    return due


def _not_started(account: Account, call: Call, what: str) -> Campaign:
    broadcast = _the_one(account, call)
    # One whose send was accepted may still show its old status.
    if broadcast.status not in _NOT_STARTED or broadcast.ends_at is not None:
        raise _late(account, f"Only draft or scheduled broadcasts can be {what}")
    return broadcast


def _late(account: Account, message: str) -> Refused:
    status = account.settings.sendara_late_status
    return refused("not_found" if status == 404 else "invalid_request", message, status)


def _send(account: Account, call: Call) -> Reply:
    return answer(_started(account, _not_started(account, call, "sent")), 202)


def _cancel(account: Account, call: Call) -> Reply:
    broadcast = _not_started(account, call, "cancelled")
    account.campaigns.change(broadcast, {"status": CampaignStatus.CANCELLED, "due_at": None, "modified": account.now})
    return answer(as_json(account, account.campaigns.reread(broadcast.number)))


def _delete(account: Account, call: Call) -> Reply:
    broadcast = _the_one(account, call)
    if broadcast.ends_at is not None:
        raise _late(account, "A broadcast that is sending stays")
    account.campaigns.delete(broadcast)
    return nothing()


ROUTES = (
    route("send", "POST", "/v1/send/bulk", _send_bulk),
    route("read", "GET", "/v1/broadcasts", _list),
    route("send", "POST", "/v1/broadcasts", _post),
    route("read", "GET", "/v1/broadcasts/{id}", _get),
    route("send", "DELETE", "/v1/broadcasts/{id}", _delete),
    route("send", "POST", "/v1/broadcasts/{id}/send", _send),
    route("send", "POST", "/v1/broadcasts/{id}/cancel", _cancel),
)
