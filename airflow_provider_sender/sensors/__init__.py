"""What a DAG waits for."""

from __future__ import annotations
