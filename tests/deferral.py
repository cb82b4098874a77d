"""What a task raises that goes on waiting in the triggerer; where it stands depends on Airflow."""

from __future__ import annotations

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1.0
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]

__all__ = ["TaskDeferred"]
