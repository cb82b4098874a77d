"""Mails about DAGs and tasks."""

from __future__ import annotations
