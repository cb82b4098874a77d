"""What differs between the Airflow versions this package runs on (3.1 to 3.3), in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf

# They are where they are in 3.1 to 3.3; airflow.sdk itself exports none of them.
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )
else:
    try:
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowSensorTimeout,
            AirflowSkipException,
            AirflowTaskTimeout,
        )
    except ImportError:  # Airflow 3.1.0
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowSensorTimeout,
            AirflowSkipException,
            AirflowTaskTimeout,
        )

__all__ = [
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "MappedOperator",
    "NotedIntents",
    "OperatorPartial",
    "ResolveMixin",
    "conf",
    "stores_of_assets",
]

_KEY = "sender_campaign"


class NotedIntents:
    """What a task is about to do, noted where it survives the task's retries.

    Airflow has such a place since 3.3 (``task_state_store``). On older versions nothing is noted. Of a campaign its
    state tells all there is to know, and the note only spares a search; of a single mail nothing else tells.

    :param context: the task's context.
    :param key: the name of the notes, for a task that keeps more than one kind.
    """

    def __init__(self, context: Context, key: str = _KEY) -> None:
        self._store: Any = context.get("task_state_store")
        self._key = key

    def noted(self) -> Mapping[str, str]:
        """Return what was noted last."""
        noted = self._store.get(self._key) if self._store is not None else None
        return noted if isinstance(noted, Mapping) else {}

    def note(self, **facts: str) -> None:
        """Note what is about to be done; what was noted before stays."""
        if self._store is None:
            return
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # left out of its .pyi file

        # A task may be cleared months later, and must still find its campaign.
        self._store.set(self._key, {**self.noted(), **facts}, retention=NEVER_EXPIRE)


def stores_of_assets(trigger: object) -> list[Any]:
    """Return where Airflow keeps things for the assets a trigger watches, one for each; before 3.3 there is none.

    Of a trigger that several assets share, Airflow wants to be told which is meant, and does not say which there are.
    """
    accessors: Any = getattr(trigger, "asset_state_store", None)
    if accessors is None:
        return []
    each = [*getattr(accessors, "_by_name", {}).values(), *getattr(accessors, "_by_uri", {}).values()]
    return each or [accessors]
