"""What a service tells about the account a token opens: enough to see that it is the right one."""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, frozen=True):
    """Whose account a token opens, as far as the service says.

    :param description: a sentence for the "Test" button, without anybody's data but the account's own.
    """

    description: str
