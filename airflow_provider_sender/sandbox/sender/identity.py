"""The account's and its owner's ids, which many resources carry."""

from __future__ import annotations

ACCOUNT_ID = "eEqqve"
USER_ID = "dKqq3b"
