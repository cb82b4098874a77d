"""Between an account and the databases Airflow has connections to."""

from __future__ import annotations
