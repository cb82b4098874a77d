"""The services over HTTP. Plain Python: nothing here imports Airflow."""

from __future__ import annotations
