"""What the account used and costs: usage, spend caps, billing, credits, and whether it is still sandboxed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.sendara.checks import body_of
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.people import SERVICE
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

MESSAGE = "sendara message"
_CAP = "sendara spend cap"
# In micro-dollars: what an e-mail costs in the reference's example.
_PRICE = 500
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def within_cap(account: Account) -> None:
    """Let sends through only while the account may spend.

    :raises Refused: when a cap is reached.
    """
    caps = [document.body["hard_limit_micros"] for document in account.documents.all(_CAP)]
    cost = _sent(account, _period(account.now)).total() * _PRICE if caps else 0
    if account.settings.sendara_spend_cap_reached or any(isinstance(cap, int) and cost >= cap for cap in caps):
        raise refused("spend_cap_exceeded", "The account's spend cap for the period has been reached")


def _period(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")


def _sent(account: Account, period: str) -> Counter[tuple[str, str]]:
    """Messages and mails of broadcasts in a month, by message type and channel; test keys cost nothing."""
    mails = account.database.number(
        "SELECT SUM(count) FROM mails JOIN campaigns ON number = campaign_number"
        " WHERE service = ? AND strftime('%Y-%m', mailed_at, 'unixepoch') = ?",
        (SERVICE, period),
    )
    counts = Counter({("marketing", "email"): mails} if mails else {})
    for message in account.documents.all(MESSAGE):
        body = message.body
        sends_at = body["sends_at"]
        is_free = body["is_test"] or body["is_test_send"] or body["is_cancelled"]
        if not is_free and isinstance(sends_at, float) and sends_at <= account.now and _period(sends_at) == period:
            counts[str(body["message_type"]), str(body["channel"])] += 1
    return counts


def _usage(account: Account, call: Call) -> Reply:
    period = call.query.get("period") or _period(account.now)
    if _PERIOD.fullmatch(period) is None:
        raise invalid("period must be YYYY-MM")
    counts = _sent(account, period)
    by_channel: Counter[str] = Counter()
    for (_, channel), count in counts.items():
        by_channel[channel] += count
    marketing = sum(count for (kind, _), count in counts.items() if kind == "marketing")
    return answer(
        {
            "period": period,
            "total_send_count": counts.total(),
            "total_cost_micros": counts.total() * _PRICE,
            "marketing_send_count": marketing,
            "marketing_cost_micros": marketing * _PRICE,
            "channels": [
                {"channel": channel, "send_count": count, "cost_micros": count * _PRICE}
                for channel, count in by_channel.items()
            ],
        }
    )


def _put_cap(account: Account, call: Call) -> Reply:
    body = body_of(call)
    kept: dict[str, Json] = {
        "key_id": body.text("key_id"),
        "soft_limit_micros": body.number("soft_limit_micros"),
        "hard_limit_micros": body.number("hard_limit_micros"),
    }
    for document in account.documents.all(_CAP):
        if document.body["key_id"] == kept["key_id"]:
            return answer(account.documents.change(document, kept).body)
    return answer(account.documents.add(_CAP, kept, account.now).body)


def _billing(account: Account, call: Call) -> Reply:
    return answer({"plan": "pro", "subscription_status": "active"})


def _checkout(account: Account, call: Call) -> Reply:
    return answer({"url": "https://checkout.polar.sh/sandbox"})


def _portal(account: Account, call: Call) -> Reply:
    return answer({"url": "https://polar.sh/sandbox/portal"})


def _credits(account: Account, call: Call) -> Reply:
    return answer({"balance_micros": 25_000_000, "balance_usd": 25.0, "ledger": []})


def _verification(account: Account, call: Call) -> Reply:
    is_sandboxed = account.settings.sendara_sandboxed
    email = {
        "channel": "email",
        "status": "pending" if is_sandboxed else "verified",
        "verified": not is_sandboxed,
        "details": None,
    }
    return answer({"sandbox_mode": is_sandboxed, "shared_email_sender": "sandbox@sendara.dev", "channels": [email]})


ROUTES = (
    route("read", "GET", "/v1/usage", _usage),
    route("admin", "PUT", "/v1/spend-caps", _put_cap),
    route("read", "GET", "/v1/billing", _billing),
    route("admin", "POST", "/v1/billing/checkout", _checkout),
    route("admin", "POST", "/v1/billing/portal", _portal),
    route("read", "GET", "/v1/credits", _credits),
    route("read", "GET", "/v1/account/verification", _verification),
)
