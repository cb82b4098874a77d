"""Links from a task to the service."""

from __future__ import annotations
