"""A bare client of the sandbox's Sendara, which hides nothing of what comes back."""

from __future__ import annotations

from typing import Any

import requests

from airflow_provider_sender.sandbox.remote import Sandbox


class SendaraApi:
    """Calls the sandbox with a key, and follows or repeats nothing."""

    def __init__(self, sandbox: Sandbox, key: str | None = None) -> None:
        self.base = sandbox.sendara_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key or sandbox.token}"

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 10)
        return self.session.request(method, self.base + path, json=json, allow_redirects=False, **options)

    def get(self, path: str, **query: str | int) -> Any:
        """The decoded answer of a read that must succeed."""
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def expect(self, status: int, method: str, path: str, json: Any = None) -> Any:
        """The decoded answer of a call that must have a status."""
        response = self.call(method, path, json)
        assert response.status_code == status, (response.status_code, response.text)
        return response.json() if response.content else None

    def refused(self, status: int, code: str, method: str, path: str, json: Any = None) -> str:
        """The message of a call that must be refused with a status and a code, in the documented envelope."""
        found = self.expect(status, method, path, json)
        assert list(found) == ["error"]
        assert found["error"].keys() == {"code", "message", "status"}
        assert (found["error"]["code"], found["error"]["status"]) == (code, status)
        return str(found["error"]["message"])

    def contact(self, email: str, **attributes: Any) -> Any:
        """A new contact."""
        return self.expect(201, "POST", "/v1/contacts", {"email": email, **attributes})

    def audience(self, name: str, *contacts: str) -> str:
        """A new static list of contacts, by id."""
        id = self.expect(201, "POST", "/v1/contacts/lists", {"name": name, "list_type": "static"})["id"]
        for contact in contacts:
            self.expect(201, "POST", f"/v1/contacts/lists/{id}/members", {"contact_id": contact})
        return str(id)
