"""Dates, which SendPulse writes and reads in the account's own time zone without saying so."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_sender.sandbox.account.account import Account

_FORM = "%Y-%m-%d %H:%M:%S"


def local(account: Account, moment: float) -> str:
    """``2025-06-05 12:55:13`` on the account's clock."""
    return datetime.fromtimestamp(int(moment), ZoneInfo(account.settings.time_zone)).strftime(_FORM)


def moment(account: Account, text: str) -> float:
    """Seconds since the epoch of such a date.

    :raises ValueError: when it is none.
    """
    return datetime.strptime(text, _FORM).replace(tzinfo=ZoneInfo(account.settings.time_zone)).timestamp()
