"""When a watcher tells of campaigns: never so that Airflow starts no run for them.

Airflow queues a DAG at an asset's event, and gives the run the events up to the moment it was queued. An event that
comes between that moment and the run's creation is in no run, and queues none: it waits for the next event, which may
be next week's. (Airflow 3.1 to 3.3: ``AssetManager._queue_dagruns`` leaves a queued DAG as it is, and
``_create_dag_runs_asset_triggered`` goes by when it was queued.) As a rule a run is created within seconds. It takes
longer while a DAG has as many runs as its ``max_active_runs`` allows, or while no scheduler runs.

So events are told some time apart, and those that come close together are followed by events without news, which start
a run for whatever was left behind.
"""

from __future__ import annotations

from collections.abc import Mapping

# Seconds in which a scheduler that has nothing in its way creates a run.
BETWEEN_EVENTS = 30.0

# For so many seconds an event may find the one before it still without a run.
CLOSE_TOGETHER = 3_600.0

# So many seconds after events that were close together comes one without news.
UNTIL_CLOSING_EVENTS = (300.0, 3_600.0)


class EventTimes:
    """Says when the next event may be told, and when one without news is due. All times are epoch seconds.

    :param memory: what an earlier one remembered.
    """

    def __init__(self, memory: object = None) -> None:
        remembered = memory if isinstance(memory, Mapping) else {}
        last, closing = remembered.get("last"), remembered.get("closing")
        self._last = float(last) if isinstance(last, int | float) else None
        self._closing = [float(each) for each in closing] if isinstance(closing, list) else []

    @property
    def memory(self) -> dict[str, object]:
        """Return all it takes to go on in another process, as plain JSON."""
        return {"last": self._last, "closing": self._closing}

    def may_tell(self, now: float) -> bool:
        """Tell whether the last event has its run by now, as a rule."""
        return not self._is_within(BETWEEN_EVENTS, now)

    def note_news(self, now: float) -> None:
        """Note that campaigns are told of."""
        is_close = self._is_within(CLOSE_TOGETHER, now)
        self._closing = [now + each for each in UNTIL_CLOSING_EVENTS] if is_close else []
        self._last = now

    def is_closing_due(self, now: float) -> bool:
        """Tell whether an event without news is due."""
        return bool(self._closing) and now >= self._closing[0] and self.may_tell(now)

    def note_closing(self, now: float) -> None:
        """Note that an event without news is told."""
        self._closing = self._closing[1:]
        self._last = now

    def _is_within(self, seconds: float, now: float) -> bool:
        return self._last is not None and 0 <= now - self._last < seconds
