"""The work itself, over the port of a service. Plain Python: nothing here imports Airflow."""

from __future__ import annotations
