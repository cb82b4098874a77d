"""What is checked before the one call that cannot be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.records import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.service import Service


class SendRefusedError(SenderError):
    """A check before the send did not pass, or the service refused. Nothing was sent.

    :param campaign_id: which one.
    :param rule: the check that did not pass.
    """

    def __init__(self, campaign_id: str, rule: str, why: str) -> None:
        super().__init__(f"Campaign {campaign_id} was not sent ({rule}): {why}")
        self.campaign_id = campaign_id
        self.rule = rule


@dataclass(frozen=True)
class Sending:
    """What is to be sent, and when.

    :param campaign_id: an existing draft.
    :param definition: or what to make a draft of.
    :param send_key: the business intent; marks a campaign made from a definition.
    :param send_at: an aware datetime; None sends now.
    :param min_recipients: fewer refuse the send.
    :param max_recipients: more refuse the send.
    """

    send_key: str
    campaign_id: str | None = None
    definition: CampaignDefinition | None = None
    send_at: datetime | None = None
    min_recipients: int | None = None
    max_recipients: int | None = None


def check_is_the_same(service: Service, campaign: Campaign, definition: CampaignDefinition) -> None:
    """Refuse to take a campaign up for one that says something else, or goes to somebody else.

    It was made by an earlier try, whose definition was mended since, or for another campaign under the same send_key.
    """
    differences = ["subject"] if campaign.subject.strip() != definition.subject.strip() else []
    if campaign.state is CampaignState.DRAFT:
        if (campaign.sender_address or definition.from_email).lower() != definition.from_email.lower():
            differences.append("from_email")
        if campaign.has_recipients is not None and set(campaign.group_ids) != set(definition.group_ids):
            differences.append("group_ids")
        if campaign.has_recipients is not None and set(campaign.segment_ids) != set(definition.segment_ids):
            differences.append("segment_ids")
    if differences:
        state = campaign.service_state or campaign.state.value
        raise SendRefusedError(
            campaign.id,
            "send_key",
            f"under this send_key there is a campaign already ({state}), with another {', '.join(differences)}. If "
            f"it was mended since and is still a draft, delete it ({service.campaign_url(campaign.id)}) and clear the "
            "task; for another campaign use another send_key.",
        )


def check_time(campaign: Campaign, sending: Sending) -> None:
    """Refuse a time that has passed."""
    if sending.send_at is not None and sending.send_at <= datetime.now(UTC):
        raise SendRefusedError(campaign.id, "send_at", f"{sending.send_at.isoformat()} has passed.")


def check_all(service: Service, campaign: Campaign, sending: Sending) -> None:
    """Check everything that can be checked before the one call that cannot be taken back."""
    check_time(campaign, sending)
    if not campaign.subject:
        raise SendRefusedError(campaign.id, "draft", "it has no subject.")
    if campaign.has_content is False:
        raise SendRefusedError(campaign.id, "draft", "it has no content.")
    obstacles = service.obstacles(campaign.id)
    if obstacles:
        raise SendRefusedError(campaign.id, f"{service.name}'s own check", "; ".join(obstacles))
    if campaign.has_recipients is False and not (sending.definition and sending.definition.to_everyone):
        raise SendRefusedError(campaign.id, "recipients", "it names no groups, no segments and not the whole account.")
    recipients = service.audience(campaign)
    if recipients == 0:
        raise SendRefusedError(campaign.id, "recipients", "its groups and segments have no active subscribers.")
    if sending.min_recipients is None and sending.max_recipients is None:
        return
    if recipients is None:
        raise SendRefusedError(
            campaign.id, "recipients", f"{service.name} does not tell how many it has, so the limits cannot be held."
        )
    if sending.min_recipients is not None and recipients < sending.min_recipients:
        raise SendRefusedError(
            campaign.id, "min_recipients", f"it has {recipients}, at least {sending.min_recipients} are asked for."
        )
    if sending.max_recipients is not None and recipients > sending.max_recipients:
        raise SendRefusedError(
            campaign.id, "max_recipients", f"it has {recipients}, at most {sending.max_recipients} are allowed."
        )
