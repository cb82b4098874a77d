"""A bare client of the sandbox's Sender, which hides nothing of what comes back."""

from __future__ import annotations

from typing import Any

import requests

from airflow_provider_sender.sandbox.remote import Sandbox


class Api:
    """Calls the sandbox as a well-behaved client does, and follows or repeats nothing."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.base = sandbox.sender_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(
            {"Authorization": f"Bearer {sandbox.token}", "Accept": "application/json"},
        )

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 10)
        return self.session.request(method, self.base + path, json=json, allow_redirects=False, **options)

    def get(self, path: str, **query: str | int) -> Any:
        """The decoded answer of a call that must succeed."""
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, json: Any = None) -> Any:
        return self.expect(200, "POST", path, json)

    def expect(self, status: int, method: str, path: str, json: Any = None) -> Any:
        """The decoded answer of a call that must have a status."""
        response = self.call(method, path, json)
        assert response.status_code == status, (response.status_code, response.text)
        return response.json()

    def emails(self, path: str, **query: str | int) -> list[str]:
        return [row["email"] for row in self.get(path, **query)["data"]]


def draft(**changes: Any) -> dict[str, Any]:
    """A campaign that can be sent."""
    return {
        "subject": "News",
        "from": "The Shop",
        "reply_to": "shop@example.com",
        "content_type": "html",
        "content": "<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
        **changes,
    }
