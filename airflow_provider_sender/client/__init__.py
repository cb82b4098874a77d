"""The services over HTTP, a package for each, and what they share. Plain Python: nothing here imports Airflow."""

from __future__ import annotations
