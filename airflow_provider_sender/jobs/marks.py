"""What a campaign is found again by: short digests at the end of its internal title, which recipients never see."""

from __future__ import annotations

import re
from hashlib import sha256

_MARK = re.compile(r"\s*\[(?:key|series|draft) [0-9a-f]+(?: [0-9a-f]+)?\]")
_DRAFT = re.compile(r"\[draft (\d+) [0-9a-f]+\]")


def marker_of(send_key: str) -> str:
    """Return what marks a campaign as the one of this intent: the same wherever it is worked out."""
    return f"[key {_digest(send_key)[:16]}]"


def series_mark_of(prefix: str) -> str:
    """Return what marks a campaign as one of a series.

    :param prefix: what the keys of all of them begin with.
    """
    return f"[series {_digest(prefix)[:8]}]"


def draft_mark_of(generation: int, nonce: str) -> str:
    """Return what tells a draft from the others of its intent.

    :param generation: how many drafts of its intent were left behind, one after the other, before it.
    :param nonce: what tells it from others of its generation.
    """
    return f"[draft {generation} {nonce}]"


def generation_in(title: str) -> int:
    """Return the generation a title tells of."""
    found = _DRAFT.search(title)
    return int(found.group(1)) if found else 0


def unmarked(title: str) -> str:
    """Return a title without marks."""
    return _MARK.sub("", title).strip()


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
