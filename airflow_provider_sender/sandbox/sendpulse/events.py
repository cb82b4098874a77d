"""``/events/name/{event}``: what sets automations off."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.sendpulse.reading import is_address
from airflow_provider_sender.sandbox.sendpulse.replies import done, invalid, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse event"


def _event(account: Account, call: Call) -> Reply:
    body = call.json
    email, phone = body.get("email"), body.get("phone")
    if not email and not phone:
        raise refused(1101)
    if email and not is_address(email):
        raise refused(906)
    automation = body.get("automation_id")
    if automation is not None and (isinstance(automation, bool) or not isinstance(automation, int)):
        raise invalid("The automation_id must be an integer.")
    account.documents.add(_KIND, {"name": call.parameters["event"], "body": body}, account.now)
    return done()


ROUTES = (Route("POST", "/events/name/{event}", _event),)
