"""Airflow connections become clients."""

from __future__ import annotations
