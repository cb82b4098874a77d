"""``/user`` and ``/balance``: whose account it is, and what is left on it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.sendpulse.replies import answer, invalid, number
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_ID = 7_043_663
_CURRENCIES = ("USD", "EUR", "GBP", "UAH", "RUR", "INR", "JPY")
_TARIFF_SIZE = 1_000_000
_PLAN_ENDS = "2030-12-31 00:00:00"


def _zone_hours(account: Account) -> str:
    """The account's zone as the service writes it: whole hours ahead of UTC, in a string."""
    offset = datetime.fromtimestamp(account.now, UTC).astimezone(ZoneInfo(account.settings.time_zone)).utcoffset()
    return "0" if offset is None else str(int(offset.total_seconds() // 3600))


def _info(account: Account, call: Call) -> Reply:
    return answer(
        {
            "id": number(account, _ID),
            "name": "Sandbox Owner",
            "first_name": "Sandbox",
            "last_name": "Owner",
            "email": "owner@example.com",
            "phone": "380680000000",
            "lang": "en:English",
            "avatar": "https://login.sendpulse.com/files/avatars/sandbox.png",
            "currency": "USD",
            "country": "NZ",
            "city": "Hobbiton",
            "locale": account.settings.time_zone,
            "time_zone": _zone_hours(account),
            "team_name": "The Garden Shop",
            "team_avatar": None,
            "phone_confirm": True,
        }
    )


def _team(account: Account, call: Call) -> Reply:
    member = {
        "id": number(account, _ID + 1),
        "firstname": "sandbox",
        "lastname": "gardener",
        "email": "gardener@example.com",
        "group_id": None,
        "is_active": True,
        "avatar": None,
        "lang": "en:English",
        "locale": account.settings.time_zone,
        "currency": "USD",
        "country": "NZ",
        "phone": 380_680_000_001,
    }
    return answer([member])


def _current_subscribers(account: Account) -> int:
    counts = (account.lists.counts(group) for group in account.groups.all())
    return sum(people for found in counts for people in found.values())


def _balance_detail(account: Account, call: Call) -> Reply:
    sent = sum(count.mails for count in account.mails.counts().values())
    return answer(
        {
            "balance": {"main": "9.36", "bonus": "5.00", "currency": "USD"},
            "email": {
                "tariff_name": "Pay as you go 1 000 000",
                "finished_time": _PLAN_ENDS,
                "emails_left": number(account, max(_TARIFF_SIZE - sent, 0)),
                "maximum_subscribers": number(account, _TARIFF_SIZE),
                "current_subscribers": number(account, _current_subscribers(account)),
            },
            "smtp": {"tariff_name": "SMTP Free", "end_date": _PLAN_ENDS, "auto_renew": 1},
            "push": {"tariff_name": "White Label", "end_date": _PLAN_ENDS[:10], "auto_renew": 1},
        }
    )


def _balance(account: Account, call: Call) -> Reply:
    currency = call.parameters.get("currency", "USD").upper()
    if currency not in _CURRENCIES:
        raise invalid("The selected currency is invalid.")
    return answer({"currency": currency, "balance_currency": 9.36 if currency == "USD" else 0})


ROUTES = (
    Route("GET", "/user/info", _info),
    Route("GET", "/user/invited-users-list", _team),
    Route("GET", "/user/balance/detail", _balance_detail),
    Route("GET", "/balance", _balance),
    Route("GET", "/balance/{currency}", _balance),
)
