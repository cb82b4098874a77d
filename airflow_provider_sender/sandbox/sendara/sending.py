"""``/v1/send`` and ``/v1/send/batch``: transactional messages, each once per idempotency key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of, decoded
from airflow_provider_sender.sandbox.sendara.dates import read, written
from airflow_provider_sender.sandbox.sendara.domains import verified_sender
from airflow_provider_sender.sandbox.sendara.keys import key_of, route
from airflow_provider_sender.sandbox.sendara.replies import answer, error, invalid, refused
from airflow_provider_sender.sandbox.sendara.suppressions import CHANNELS, is_suppressed, suppress
from airflow_provider_sender.sandbox.sendara.templates import render, usable_template
from airflow_provider_sender.sandbox.sendara.trial_recipients import is_verified
from airflow_provider_sender.sandbox.sendara.usage import MESSAGE, within_cap
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

_DESTINATIONS = {
    "email": "email", "sms": "phone_number", "voice": "phone_number", "push": "device_token", "webhook": "url",
}  # fmt: skip
_CONTENTS = {"email": ("body_html", "body_text"), "sms": ("body",), "push": ("title", "body")}
# Local parts that pick a message's outcome, and the reason each suppresses its recipient for.
_OUTCOMES = {
    "bounced": "bounced", "bounce": "bounced", "complained": "complained", "complaint": "complained",
}  # fmt: skip
_REASONS = {"bounced": "hard_bounce", "complained": "complaint"}
_SOON, _LATEST = 60, 90 * 86_400
_TEST_SENDS_A_DAY = 10


def response_of(message: Document) -> dict[str, object]:
    """What the send of a message was answered with, then and ever after."""
    body = message.body
    return {
        "id": f"msg_{message.id}",
        "status": "scheduled" if body["ticket"] is not None else "queued",
        "channel": body["channel"],
        "idempotency_key": body["idempotency_key"],
        "created_at": written(message.created),
    }


def _sent(account: Account, call: Call, body: Body) -> dict[str, object]:
    """Send one message, or find that it was sent before."""
    channel = body.needed("channel")
    body.choice("channel", ("email",) if account.settings.sendara_email_only else CHANNELS)
    idempotency_key = body.text("idempotency_key")
    if idempotency_key is None and account.settings.sendara_key_required:
        raise invalid("idempotency_key is required")
    recipient = _recipient(body, channel)
    _checked_content(account, body, channel)
    fingerprint = _fingerprint(body)
    before = account.documents.where(MESSAGE, "idempotency_key", idempotency_key) if idempotency_key else []
    if before:
        if before[0].body["fingerprint"] != fingerprint:
            raise refused("idempotency_key_reused", "The idempotency_key was reused with a different request body")
        return response_of(before[0])
    due = _due(account, body)
    _let_through(account, body, channel, recipient)
    key = key_of(account, call)
    kept: dict[str, Json] = {
        "idempotency_key": idempotency_key or f"auto_{uuid4().hex}",
        "fingerprint": fingerprint,
        "channel": channel,
        "recipient": recipient,
        "message_type": body.choice("message_type", ("transactional", "marketing")) or "transactional",
        "outcome": _OUTCOMES.get(recipient.partition("@")[0].partition("+")[0].lower(), "delivered"),
        "is_test": key is not None and key.is_test,
        "is_test_send": bool(body.flag("test_send")),
        "is_cancelled": False,
        "sends_at": account.now if due is None else due,
    }
    kept["ticket"] = _handed_over(account, body, is_test=bool(kept["is_test"]), due=due)
    message = account.documents.add(MESSAGE, kept, account.now)
    if kept["outcome"] in _REASONS:
        suppress(account, channel, recipient, _REASONS[str(kept["outcome"])])
    return response_of(message)


def _recipient(body: Body, channel: str) -> str:
    destination, name = body.inner("destination"), _DESTINATIONS[channel]
    return destination.needed_address(name) if channel == "email" else destination.needed(name)


def _checked_content(account: Account, body: Body, channel: str) -> None:
    body.choice("message_type", ("transactional", "marketing"))
    metadata = Body(body.mapping("metadata") or {}, "metadata.")
    from_email = metadata.sender("from_email")
    if from_email is not None and not account.settings.sendara_sandboxed:
        verified_sender(account, from_email)
    template_id, values = body.text("template_id"), body.mapping("template_vars")
    if template_id is not None:
        render(usable_template(account, template_id), values or {})
        return
    payload = body.inner("payload")
    if channel == "email":
        payload.needed("subject")
    contents = _CONTENTS.get(channel, ())
    if contents and not any(payload.text(name) for name in contents):
        raise invalid(f"payload.{contents[0]} is required")


def _fingerprint(body: Body) -> str:
    """What has to be the same under the same key; the time it is scheduled for does not."""
    compared = {name: value for name, value in body.attributes.items() if name != "scheduled_at"}
    return json.dumps(compared, sort_keys=True)


def _due(account: Account, body: Body) -> float | None:
    """When a message shall go out; less than a minute away is now."""
    text = body.text("scheduled_at")
    due = None if text is None else read(text)
    if text is not None and (due is None or not account.now < due <= account.now + _LATEST):
        raise invalid("scheduled_at must be an RFC 3339 time in the future, at most 90 days away")
    return None if due is None or due - account.now < _SOON else due


def _let_through(account: Account, body: Body, channel: str, recipient: str) -> None:
    if body.flag("validate_recipient") and not account.settings.sendara_validation_configured:
        raise Refused(error("validation_not_configured", "Address validation is not configured", 503))
    is_test_send = bool(body.flag("test_send"))
    if (is_test_send or account.settings.sendara_sandboxed) and not is_verified(account, recipient):
        raise refused("recipient_not_verified", "The recipient is not a verified test recipient")
    if is_suppressed(account, channel, recipient):
        raise refused("recipient_suppressed", "Recipient is on the suppression list")
    if not is_test_send:
        within_cap(account)
    elif _test_sends_today(account, recipient) >= _TEST_SENDS_A_DAY:
        raise refused("test_send_daily_limit", "The daily cap of test sends to this address was reached")


def _test_sends_today(account: Account, recipient: str) -> int:
    """How many test sends an address had in this UTC day."""
    today = datetime.fromtimestamp(account.now, UTC).date()
    sends = account.documents.where(MESSAGE, "recipient", recipient)
    return sum(
        bool(message.body["is_test_send"]) and datetime.fromtimestamp(message.created, UTC).date() == today
        for message in sends
    )


def _handed_over(account: Account, body: Body, *, is_test: bool, due: float | None) -> str | None:
    """Send for real, unless the key is for tests; by what a scheduled one can be taken back."""
    if due is not None:
        return "test" if is_test else account.outbox.send_later(body.attributes, due, account.now)
    if not is_test:
        account.outbox.send(body.attributes, account.now)
    return None


def _send(account: Account, call: Call) -> Reply:
    return answer(_sent(account, call, body_of(call)), 201)


def _send_batch(account: Account, call: Call) -> Reply:
    """Each by itself, whatever becomes of the others."""
    items, limit = decoded(call), account.settings.sendara_batch_limit
    if not isinstance(items, list):
        raise invalid("The request body must be a JSON array")
    if limit is not None and len(items) > limit:
        raise refused("payload_too_large", f"At most {limit} messages can be sent in one call")
    results: list[dict[str, object]] = []
    for item in items:
        try:
            if not isinstance(item, dict):
                raise invalid("Each message must be an object")
            results.append({"success": True, "response": _sent(account, call, Body(item))})
        except Refused as refusal:
            results.append({"success": False, **json.loads(refusal.reply.body)})
    return answer(results)


ROUTES = (
    route("send", "POST", "/v1/send", _send),
    route("send", "POST", "/v1/send/batch", _send_batch),
)
