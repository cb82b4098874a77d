"""How fast a SendPulse account may be asked. No answer says how much is left, so the published limits are kept to.

All plans allow 10 requests a second, which no plan's minute can exceed; what binds beside it is the day.
"""

from __future__ import annotations

from airflow_provider_sender.client.budget import Budget, Pace
from airflow_provider_sender.client.settings import Settings

# Ten in a second as the service sees them. They reach it closer together or further apart than they left, so they leave
# one by one: then it takes a fifth of a second of delay until eleven of them arrive within one.
_BURST = Pace(1, 0.12)

_DAY = 86_400.0

# Requests a minute -> requests a day, of the plans from the smallest to the largest.
PLANS = {1_000: 500_000, 2_000: 1_000_000, 3_000: 3_000_000}


def budget_for(settings: Settings) -> Budget:
    """Return the request budget of an account.

    ``requests_per_minute`` of the settings is a cap below the plan's own, or, from 2,000 on, says which plan it is;
    without it the account is taken to have the smallest one.
    """
    smallest = min(PLANS)
    wanted = settings.requests_per_minute or smallest
    plan = max((minute for minute in PLANS if minute <= wanted), default=smallest)
    return Budget(
        paces=(_BURST, Pace(min(wanted, max(PLANS)), 60.0), Pace(PLANS[plan], _DAY)), max_wait=settings.max_wait
    )
