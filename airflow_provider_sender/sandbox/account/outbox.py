"""Transactional e-mails, sent at once or when their time has come."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.documents import Documents, Json

# What was sent, whichever service sent it, with the body as it was posted.
SENT = "message"
_WAITING = "waiting message"


class Outbox:
    """Sends transactional e-mails.

    :param database: the account's database.
    :param documents: where they are kept.
    """

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    def send(self, posted: dict[str, Json], now: float) -> None:
        """Send an e-mail now."""
        self._documents.add(SENT, posted, now)

    def send_later(self, posted: dict[str, Json], due_at: float, now: float) -> str:
        """Have an e-mail sent at a time to come.

        :return: by what it can be taken back.
        """
        return self._documents.add(_WAITING, {"posted": posted, "due_at": due_at}, now).id

    def take_back(self, ticket: str) -> bool:
        """Have a waiting e-mail never sent.

        :return: whether it was still waiting.
        """
        waiting = self._documents.find(_WAITING, ticket)
        if waiting is not None:
            self._documents.delete(waiting)
        return waiting is not None

    def next_due(self) -> float | None:
        """When the next e-mail is due."""
        row = self._database.row(
            "SELECT MIN(json_extract(body, '$.due_at')) FROM documents WHERE kind = ?", (_WAITING,)
        )
        return None if row is None else row[0]

    def settle(self, now: float) -> None:
        """Send what is due."""
        for waiting in self._documents.all(_WAITING):
            due, posted = waiting.body["due_at"], waiting.body["posted"]
            assert isinstance(due, float)
            assert isinstance(posted, dict)
            if due <= now:
                self._documents.delete(waiting)
                self.send(posted, due)
