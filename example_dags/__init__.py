"""Example DAGs: each is a job people have, and the documentation quotes them."""

from __future__ import annotations
