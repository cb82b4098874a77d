"""Something to try the sandbox on: a draft that is ready to be sent."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.groups import group_id

_TEXT = """<h1>Spring is here</h1>
<p>Everything we planted last autumn is coming up.</p>
<p><a href="{$unsubscribe_link}">Unsubscribe</a></p>
"""


def first_draft(account: Account) -> None:
    """Put a complete draft to the largest group on the account."""
    groups = account.groups.all()[:1]
    account.campaigns.add(
        {
            "title": "Spring newsletter",
            "subject": "Spring is here",
            "sender_name": "The Garden Shop",
            "reply_to": "hello@example.com",
            "preheader": "What to sow now",
            "content_type": "html",
            "content": _TEXT,
            "group_ids": json.dumps([group_id(group) for group in groups]),
        },
        account.now,
    )
