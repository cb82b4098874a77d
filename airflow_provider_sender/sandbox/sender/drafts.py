"""What a campaign consists of: reading it from a body, writing it, and what keeps it from being sent."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.records import Campaign, CampaignStatus
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.dates import plain

_LEFT_DRAFT = (CampaignStatus.SENDING, CampaignStatus.SENT)
CONTENT_TYPES = ("editor", "html", "text")
_FOLLOWUP_HOURS = (12, 24, 48, 72, 96, 120, 144, 168)
# Every domain passes for verified but those below the top-level domain reserved for names that never resolve.
_UNVERIFIED = ".invalid"


def read_draft(account: Account, body: dict[str, Json], *, is_new: bool) -> dict[str, Value]:
    """The columns of a campaign that a body sets.

    :param is_new: whether the required attributes must be there.
    :raises Refused: with everything that is wrong with the body.
    """
    checks = Checks(body)
    texts = {
        "subject": checks.text("subject", required=is_new),
        "sender_name": checks.text("from", required=is_new),
        "reply_to": checks.address("reply_to", required=is_new),
        "content_type": checks.choice("content_type", CONTENT_TYPES, required=is_new),
        "title": checks.text("title"),
        "preheader": checks.text("preheader"),
        "content": checks.text("content"),
        "followup_subject": checks.text("auto_followup_subject"),
    }
    columns: dict[str, Value] = {name: text for name, text in texts.items() if text is not None}
    for name, column in (
        ("google_analytics", "google_analytics"),
        ("auto_followup_active", "followup_active"),
    ):
        flag = checks.flag(name)
        if flag is not None:
            columns[column] = int(flag)
    delay = body.get("auto_followup_delay")
    if delay is not None:
        if delay in _FOLLOWUP_HOURS and isinstance(delay, int):
            columns["followup_delay"] = delay
        else:
            checks.wrong("auto_followup_delay", "The selected auto_followup_delay is invalid.")
    for name, column in (("groups", "group_ids"), ("segments", "segment_ids")):
        ids = checks.strings(name)
        for index, id in enumerate(ids or []):
            if (account.groups.find(id) if name == "groups" else account.segments.find(id)) is None:
                checks.wrong(f"{name}.{index}", f"The selected {name}.{index} is invalid.")
        if ids is not None:
            columns[column] = json.dumps(ids)
    checks.passed()
    if columns.get("content_type") == "editor":
        # What the drag-and-drop editor makes cannot be set through the API.
        columns.pop("content", None)
    return columns


def as_json(account: Account, campaign: Campaign) -> dict[str, object]:
    """A campaign as Sender writes it."""
    groups, segments = json.loads(campaign.group_ids), json.loads(campaign.segment_ids)
    return {
        "id": campaign_id(campaign.number),
        "subject": campaign.subject,
        "reply_to": campaign.reply_to,
        "language": "en",
        "recipient_count": campaign.recipients if campaign.status in _LEFT_DRAFT else 0,
        "from": campaign.sender_name,
        "schedule_time": campaign.schedule_time,
        "last_action": "step4" if campaign.content else "step2",
        "sent_time": plain(campaign.sent_at),
        "status": campaign.status,
        "created": plain(campaign.created),
        "modified": plain(campaign.modified),
        "title": campaign.title or campaign.subject,
        "domain_id": "b7yYKa",
        "preheader": campaign.preheader,
        "auto_followup_active": campaign.followup_active,
        "auto_followup_subject": campaign.followup_subject,
        "auto_followup_delay": campaign.followup_delay,
        "send_to_all": int(not groups and not segments),
        "sent_count": _sent_so_far(account, campaign),
        "campaign_groups": groups,
        "segments": segments,
        "ecommerce_tracking_enabled": 0,
        "experiment_id": None,
        "opens": campaign.opens,
        "bounces_count": campaign.bounces,
        "clicks": campaign.clicks,
        "editor": campaign.content_type,
        "html": {
            "id": campaign_id(campaign.number),
            "thumbnail_url": None,
            "has_preview": campaign.content is not None,
            "has_snapshots": False,
            "html_content": campaign.content or "",
        },
    }


def _sent_so_far(account: Account, campaign: Campaign) -> int:
    """All of the recipients of a sent campaign; of one being sent, as many as the time gone by allows."""
    if campaign.status == CampaignStatus.SENT:
        return campaign.recipients
    if campaign.status != CampaignStatus.SENDING or campaign.ends_at is None:
        return 0
    share_left = (campaign.ends_at - account.now) / max(account.settings.send_seconds, 0.001)
    return int(campaign.recipients * min(max(1 - share_left, 0.0), 1.0))


def shortcomings(account: Account, campaign: Campaign) -> list[str]:
    """Why a campaign cannot be sent; empty when it can."""
    found = []
    content = campaign.content or ""
    if not content.strip():
        found.append("Campaign has no content")
    elif "unsubscribe" not in content.lower():
        found.append("Campaign content has no unsubscribe link")
    if campaign.reply_to.lower().endswith(_UNVERIFIED):
        found.append("Sender domain is not verified")
    if account.campaigns.recipients(campaign) == 0:
        found.append("Campaign has no active recipients")
    return found
