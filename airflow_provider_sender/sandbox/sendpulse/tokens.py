"""``/oauth/access_token``, and who may call anything else: a static key, or a token that was issued here.

The sandbox's token is both the static key and the client secret.
"""

from __future__ import annotations

import hashlib

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.sendpulse.replies import answer, failure
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

CLIENT_ID = "sandbox-client"
PATH = "/oauth/access_token"
KIND = "sendpulse token"


def turned_away(account: Account, call: Call) -> Reply | None:
    """401 for a caller who has neither the key nor a token that still holds."""
    if call.path == PATH:
        return None
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and (given == account.token or _holds(account, given)):
        return None
    return failure(401, "Unauthorized!")


def revoke(account: Account) -> int:
    """Have no issued token hold any more.

    :return: how many did until now.
    """
    issued = account.documents.all(KIND)
    for token in issued:
        account.documents.delete(token)
    return sum(_is_current(account, token.created) for token in issued)


def _holds(account: Account, given: str) -> bool:
    return any(
        token.body["token"] == given and _is_current(account, token.created) for token in account.documents.all(KIND)
    )


def _is_current(account: Account, issued: float) -> bool:
    return account.now < issued + account.settings.sendpulse_token_seconds


def _issue(account: Account, call: Call) -> Reply:
    body = call.json
    if body.get("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "The authorization grant type is not supported.")
    if body.get("client_id") != CLIENT_ID or body.get("client_secret") != account.token:
        return _refusal(401, "invalid_client", "Client authentication failed")
    for token in account.documents.all(KIND):
        if not _is_current(account, token.created):
            account.documents.delete(token)
    number = account.database.next_number("documents")
    secret = hashlib.sha256(f"{account.token}:{number}:{account.now}".encode()).hexdigest()
    account.documents.add(KIND, {"token": secret}, account.now)
    lifetime = max(int(account.settings.sendpulse_token_seconds), 1)
    return answer({"access_token": secret, "token_type": "Bearer", "expires_in": lifetime})


def _refusal(status: int, error: str, description: str) -> Reply:
    """An error in OAuth's form, unlike all others of the service."""
    return answer({"error": error, "error_description": description, "message": description}, status)


ROUTES = (Route("POST", PATH, _issue),)
