"""Made-up people: the same ones for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.records import SubscriberStatus

_FIRST = (
    "Ava", "Ben", "Chloé", "Dariusz", "Elena", "Femi", "Greta", "Hugo", "Inés", "Jonas", "Katarzyna", "Liam",
    "Mia", "Noah", "Ona", "Pálné", "Quinn", "Rūta", "Søren", "Tomasz", "Uma", "Viktor", "Wanda", "Yusuf",
    "Zoë", "Žilvinas",
)  # fmt: skip
_LAST = (
    "Adams", "Baker", "Čepaitis", "Dubois", "Evans", "Fischer", "García", "Hansen", "Ivanova", "Jankauskas",
    "Kowalska", "López", "Müller", "Novák", "O'Brien", "Petrauskas", "Rossi", "Smith", "Tanaka", "Walker",
    "Zhang",
)  # fmt: skip
_PLANS = ("free", "free", "free", "starter", "pro")
# 2024-01-01 00:00:00 UTC, and about a year and a half after it.
_FIRST_DAY = 1_704_067_200
_SPAN = 500 * 86_400

PLAN, VISITS, RENEWAL = "Plan", "Visits", "Renewal date"


def creation_times(count: int, chance: random.Random) -> Iterator[int]:
    """Times for a first load of an account: ascending, in whole seconds, and with imports that share one."""
    step = _SPAN / count
    moment, left = float(_FIRST_DAY), 0
    for _ in range(count):
        if left:
            left -= 1
        elif chance.random() < 0.02:
            left = chance.randrange(2, 40)
        yield int(moment)
        if not left:
            moment += step * chance.uniform(0.2, 1.0)


def person(number: int, created: int, field_ids: dict[str, str], chance: random.Random) -> dict[str, Value]:
    """The columns of one made-up subscriber."""
    firstname, lastname, draw = chance.choice(_FIRST), chance.choice(_LAST), chance.random()
    status = SubscriberStatus.ACTIVE
    if draw < 0.06:
        status = SubscriberStatus.UNSUBSCRIBED
    elif draw < 0.09:
        status = SubscriberStatus.BOUNCED
    elif draw < 0.095:
        status = SubscriberStatus.SPAM_REPORTED
    left_at = min(created + 86_400 * 30, _FIRST_DAY + _SPAN)
    values = {
        field_ids[PLAN]: chance.choice(_PLANS),
        field_ids[VISITS]: chance.randrange(200),
        field_ids[RENEWAL]: f"2026-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d} 00:00:00",
    }
    return {
        "number": number,
        "email": f"subscriber-{number:06d}@example.com",
        "firstname": firstname,
        "lastname": lastname if draw > 0.02 else None,
        "phone": f"+3706{number % 10_000_000:07d}" if chance.random() < 0.3 else None,
        "status": status,
        "transactional_status": SubscriberStatus.ACTIVE,
        "sms_status": SubscriberStatus.ACTIVE,
        "created": created,
        "unsubscribed_at": left_at if status == SubscriberStatus.UNSUBSCRIBED else None,
        "bounced_at": left_at if status == SubscriberStatus.BOUNCED else None,
        "ip_address": f"192.0.2.{number % 254 + 1}",
        "location": None,
        "field_values": json.dumps(values),
    }
