"""Waiting without a worker."""

from __future__ import annotations
