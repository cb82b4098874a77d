"""The databases Airflow has connections to: subscribers into a table, and rows out of a query."""

from __future__ import annotations
