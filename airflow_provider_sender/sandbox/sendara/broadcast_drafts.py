"""What a broadcast is made of: its content, and whom it is for."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.fanout import FanOut
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.records import Campaign, Group, Segment
from airflow_provider_sender.sandbox.account.segments import segment_id
from airflow_provider_sender.sandbox.sendara.checks import Body
from airflow_provider_sender.sandbox.sendara.domains import verified_sender
from airflow_provider_sender.sandbox.sendara.lists import ContactList, find_list
from airflow_provider_sender.sandbox.sendara.people import SERVICE, SUPPRESSION
from airflow_provider_sender.sandbox.sendara.replies import invalid, not_found
from airflow_provider_sender.sandbox.sendara.templates import usable_template


def read_draft(account: Account, body: Body, name: str, *, is_test: bool) -> dict[str, Value]:
    """The columns of a new broadcast.

    :param name: its name where the body has none.
    :raises Refused: at the first thing in the body that is wrong.
    """
    from_email = body.needed("from_email")
    body.sender("from_email")
    if "<" in from_email and not account.settings.sendara_sender_names:
        raise invalid("from_email must be an e-mail address")
    if not account.settings.sendara_sandboxed:
        verified_sender(account, from_email)
    template_id, audience_id = body.text("template_id"), body.text("audience_list_id")
    if template_id is not None:
        usable_template(account, template_id)
    include_ids, exclude_ids = body.strings("list_ids") or [], body.strings("exclude_list_ids") or []
    included = _lists(account, [*include_ids, *([] if audience_id is None else [audience_id])])
    excluded = _lists(account, exclude_ids)
    addresses = _addresses(body)
    if addresses is not None and included:
        raise invalid("recipients is an alternative to lists")
    fan_out = FanOut(
        excluded_group_ids=_group_ids(excluded),
        excluded_segment_ids=_segment_ids(excluded),
        addresses=addresses,
        suppression_kind=SUPPRESSION,
        is_test=is_test,
    )
    detail = {
        "fan_out": msgspec.to_builtins(fan_out),
        "message_type": body.choice("message_type", ("marketing", "transactional")) or "marketing",
        "template_id": template_id,
        "audience_list_id": audience_id,
        "include_list_ids": include_ids,
        "exclude_list_ids": exclude_ids,
        "test_mode": is_test,
    }
    return {
        "service": SERVICE,
        "title": body.text("name") or name,
        "subject": body.text("subject") or "",
        "sender_name": from_email,
        "content": body.text("body_html") or body.text("body_text"),
        "group_ids": json.dumps(_group_ids(included)),
        "segment_ids": json.dumps(_segment_ids(included)),
        "detail": json.dumps(detail),
    }


def _lists(account: Account, ids: list[str]) -> list[ContactList]:
    found = []
    for id in ids:
        one = find_list(account, id)
        if one is None:
            raise not_found("List")
        found.append(one)
    return found


def _group_ids(lists: list[ContactList]) -> list[str]:
    return [group_id(each) for each in lists if isinstance(each, Group)]


def _segment_ids(lists: list[ContactList]) -> list[str]:
    return [segment_id(each) for each in lists if isinstance(each, Segment)]


def _addresses(body: Body) -> list[str] | None:
    recipients = body.array("recipients")
    if recipients is None:
        return None
    addresses = []
    for place, recipient in enumerate(recipients):
        if not isinstance(recipient, dict):
            raise invalid(f"recipients[{place}] must be an object")
        one = Body(recipient, f"recipients[{place}].")
        addresses.append(one.needed_address("email"))
        one.mapping("data")
    return addresses


def complete(broadcast: Campaign) -> None:
    """Let only broadcasts through that have content and an audience.

    :raises Refused: naming what is missing.
    """
    detail = json.loads(broadcast.detail)
    if detail["template_id"] is None and not (broadcast.subject and broadcast.content):
        raise invalid("subject and body_html, or template_id, is required")
    has_lists = broadcast.group_ids != "[]" or broadcast.segment_ids != "[]"
    if not has_lists and not detail["fan_out"]["addresses"]:
        raise invalid("audience_list_id or recipients is required")
