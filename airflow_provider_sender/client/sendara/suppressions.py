"""Whom Sendara sends nothing to, whatever their consent says.

Bounces, complaints and people put there by hand are on a list of their own, by address. A contact's row may not show
it, so the list is read once before the contacts are, and laid over them.
"""

from __future__ import annotations

import logging
import threading

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from airflow_provider_sender.client.sendara.client import SendaraClient
from airflow_provider_sender.client.sendara.contact_records import SendaraSuppression
from airflow_provider_sender.client.sendara.listing import PAGE_SIZE, ROUND_NUMBER
from airflow_provider_sender.client.subscribers import Consent, Subscriber

log = logging.getLogger(__name__)

_MAY_BE_MAILED = {Consent.ACTIVE, Consent.UNKNOWN}


class Suppressions:
    """The account's suppression list. It is kept in memory: an address for everybody on it."""

    def __init__(self, client: SendaraClient) -> None:
        self._client = client
        self._states: dict[str, Consent] | None = None
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read the list anew when it is needed next."""
        with self._lock:
            self._states = None

    def laid_over(self, subscriber: Subscriber) -> Subscriber:
        """Return a subscriber as the list has it: who bounced, who complained, who is out for another reason."""
        state = self._read().get((subscriber.email or "").lower())
        if state is None or (state is Consent.UNSUBSCRIBED and subscriber.consent not in _MAY_BE_MAILED):
            return subscriber
        return msgspec.structs.replace(subscriber, consent=state)

    def _read(self) -> dict[str, Consent]:
        with self._lock:
            if self._states is None:
                self._states = self._listed()
            return self._states

    def _listed(self) -> dict[str, Consent]:
        states: dict[str, Consent] = {}
        try:
            rows = listed = self._client.list_suppressions("email")
            while rows:
                known = len(states)
                states |= {each.recipient.lower(): _state(each) for each in rows if each.recipient}
                if len(states) == known or len(rows) % ROUND_NUMBER:
                    break
                # So many may be all there are, or a page.
                rows = self._client.list_suppressions("email", limit=PAGE_SIZE, offset=len(listed))
                listed += rows
        except (NotFoundError, PermissionDeniedError) as error:
            # Its reference does not have the call, only its clients do.
            log.info("The suppression list cannot be read, so contacts are taken as their rows say (%s)", error)
        except InvalidRequestError as error:
            if not states:
                raise
            # Nor does anything say that it may be asked for in pages.
            log.warning(
                "Sendara returns %d suppressions and refuses to say whether there are more (%s)", len(states), error
            )
        return states


def _state(wire: SendaraSuppression) -> Consent:
    reason = (wire.reason or "").lower()
    if "complain" in reason or "spam" in reason:
        return Consent.COMPLAINED
    return Consent.BOUNCED if "bounce" in reason else Consent.UNSUBSCRIBED
