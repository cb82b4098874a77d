"""Single values: what JSON can hold, what a custom field can hold, and when two of those are the same.

Services change the form of what they are given (a number comes back as a text, a time in another notation), so whoever
compares a row with an account asks :func:`same_value`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

FieldValue = str | int | float | None

# Whatever JSON can hold.
Json = Any

_BEGINS_AS_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


def same_value(one: FieldValue, other: FieldValue) -> bool:
    """Tell whether two values of a field are the same; services return numbers as texts and nothing as ``""``."""
    if one in (None, "") or other in (None, ""):
        return one in (None, "") and other in (None, "")
    if str(one).strip() == str(other).strip() or _is_same_moment(str(one), str(other)):
        return True
    # "007" is not 7: a text that only looks like a number, a post code say, is compared as the text it is.
    if not (_PLAIN_NUMBER.fullmatch(str(one)) and _PLAIN_NUMBER.fullmatch(str(other))):
        return False
    return Decimal(str(one)) == Decimal(str(other))


def _is_same_moment(one: str, other: str) -> bool:
    """Tell whether two texts are one time in different forms; one without a zone is in UTC."""
    moments = []
    for text in (one, other):
        if not _BEGINS_AS_DATE.match(text):
            return False
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            return False
        moments.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return moments[0] == moments[1]
