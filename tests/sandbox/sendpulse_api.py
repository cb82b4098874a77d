"""A bare client of the sandbox's SendPulse, which hides nothing of what comes back."""

from __future__ import annotations

import base64
from typing import Any

import requests

from airflow_provider_sender.sandbox.remote import Sandbox

CLIENT = "sandbox-client"


class SendPulseApi:
    """Calls the sandbox with its static key, and follows or repeats nothing."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.base = sandbox.sendpulse_url
        self.secret = sandbox.token
        self.session = requests.Session()
        self.session.trust_env = False
        self.use(sandbox.token)

    def use(self, token: str) -> None:
        """Show another token from now on."""
        self.session.headers["Authorization"] = f"Bearer {token}"

    def token(self, **changes: Any) -> requests.Response:
        """Ask for a token."""
        asked = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": self.secret}
        return self.call("POST", "/oauth/access_token", {**asked, **changes})

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 10)
        return self.session.request(method, self.base + path, json=json, allow_redirects=False, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer of a call that must succeed."""
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, json: Any = None) -> Any:
        response = self.call("POST", path, json)
        assert response.status_code == 200, response.text
        return response.json()

    def done(self, method: str, path: str, json: Any = None) -> None:
        """A change whose whole answer is that it was made."""
        response = self.call(method, path, json)
        assert (response.status_code, response.json()) == (200, {"result": True})

    def error(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, int]:
        """The HTTP status and the ``error_code`` of a call that must fail, in the service's envelope."""
        response = self.call(method, path, json, **options)
        body = response.json()
        assert set(body) == {"message", "error_code"}, body
        assert isinstance(body["message"], str)
        return response.status_code, body["error_code"]

    def new_list(self, name: str = "News", *emails: str, **variables: Any) -> int:
        """A list with members."""
        id: int = self.post("/addressbooks", {"bookName": name})["id"]
        if emails:
            rows = [{"email": email, "variables": variables} for email in emails]
            self.done("POST", f"/addressbooks/{id}/emails", {"emails": rows})
        return id

    def emails(self, list_id: int, **query: Any) -> list[str]:
        return [row["email"] for row in self.get(f"/addressbooks/{list_id}/emails", **query)]

    def statuses(self, list_id: int) -> dict[str, int]:
        """The status of every address of a list."""
        return {row["email"]: row["status"] for row in self.get(f"/addressbooks/{list_id}/emails")}


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def campaign(list_id: Any, /, **changes: Any) -> dict[str, Any]:
    """A campaign that is accepted."""
    return {
        "sender_name": "The Shop",
        "sender_email": "shop@example.com",
        "subject": "News",
        "body": in_base64("<p>Hello</p>"),
        "list_id": list_id,
        "name": "June",
        **changes,
    }


def mail(**changes: Any) -> dict[str, Any]:
    """A transactional e-mail that is accepted."""
    email = {
        "subject": "Your order",
        "from": {"name": "The Shop", "email": "shop@example.com"},
        "to": [{"name": "Ann", "email": "ann@example.com"}],
        "html": in_base64("<p>Thanks</p>"),
        "text": "Thanks",
        **changes,
    }
    return {"email": {key: value for key, value in email.items() if value is not None}}
