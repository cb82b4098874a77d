"""What a DAG does with an account."""

from __future__ import annotations
