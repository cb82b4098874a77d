"""How many looks of a sensor have failed in a row, counted also where each look is a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

_KEY = "sender_failed_looks"


class FailedLooks:
    """The count of one try of a sensor.

    In ``mode="reschedule"`` it is kept in the task's state store, which Airflow has since 3.3. On older versions it
    begins anew with each look there.

    :param context: the task's context.
    :param is_rescheduled: whether the sensor's process ends after each look.
    """

    def __init__(self, context: Context, *, is_rescheduled: bool) -> None:
        self._try = context["ti"].try_number
        self._store: Any = context.get("task_state_store") if is_rescheduled else None
        kept: Any = self._store.get(_KEY) if self._store is not None else None
        # Another try has another chance.
        self.count = int(kept["failures"]) if isinstance(kept, Mapping) and kept.get("try") == self._try else 0

    def keep(self, count: int) -> None:
        """Keep the count for the next look."""
        if count == self.count:
            return
        self.count = count
        if self._store is not None:
            self._store.set(_KEY, {"try": self._try, "failures": count})
