"""What is checked before the one call that cannot be taken back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import ConfigurationError, SenderError, without_addresses
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.marks import series_mark_of
from airflow_provider_sender.jobs.naming import campaign_named

log = logging.getLogger(__name__)

# Is handed the campaign and how many recipients it has at the most, and returns what is wrong with that, or None.
PreSendCheck = Callable[[Campaign, int | None], str | None]

_WAS_MAILED = {CampaignState.SENDING, CampaignState.SENT, CampaignState.PARTLY_SENT}


class SendRefusedError(SenderError):
    """A check before the send did not pass, or the service refused. Nothing was sent.

    :param campaign_id: which one; empty for one that was not even made.
    :param rule: the check that did not pass.
    """

    def __init__(self, campaign_id: str, rule: str, why: str) -> None:
        name = f"Campaign {campaign_id}" if campaign_id else "The campaign"
        super().__init__(f"{name} was not sent ({rule}): {why}")
        self.campaign_id = campaign_id
        self.rule = rule


@dataclass(frozen=True)
class Sending:
    """What is to be sent, and when.

    :param campaign_id: an existing draft.
    :param definition: or what to make a draft of.
    :param send_key: the business intent; marks a campaign made from a definition.
    :param series: what the keys of all campaigns of the same kind begin with; marks them as one series.
    :param send_at: an aware datetime; None sends now.
    :param min_recipients: fewer refuse the send.
    :param max_recipients: more refuse the send.
    :param max_change: the share by which the recipients may be more or fewer than the previous campaign's.
    :param previous_campaign_id: that one; by default the last of the series that was sent.
    :param pre_send_check: a check of the user's own.
    """

    send_key: str
    campaign_id: str | None = None
    definition: CampaignDefinition | None = None
    series: str | None = None
    send_at: datetime | None = None
    min_recipients: int | None = None
    max_recipients: int | None = None
    max_change: float | None = None
    previous_campaign_id: str | None = None
    pre_send_check: PreSendCheck | None = None

    @property
    def made_from(self) -> CampaignDefinition:
        """What the campaign is made from.

        :raises ConfigurationError: when there is nothing.
        """
        if self.definition is None:
            raise ConfigurationError("Give either campaign_id or campaign.")
        return self.definition

    @property
    def limits_recipients(self) -> bool:
        """Whether their number must be known."""
        return not (self.min_recipients is None and self.max_recipients is None and self.max_change is None)


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
        said = without_addresses("; ".join(obstacles))
        raise SendRefusedError(campaign.id, f"{service.name}'s own check", said)
    if campaign.has_recipients is False and not (sending.definition and sending.definition.to_everyone):
        raise SendRefusedError(campaign.id, "recipients", "it names no groups, no segments and not the whole account.")
    _check_recipients(service, campaign, sending)


def check_new(service: Service, definition: CampaignDefinition, sending: Sending) -> None:
    """Check a campaign that is about to be made and sent in one call, as far as that is possible beforehand."""
    campaign = Campaign(
        id="",
        title=definition.title or definition.subject,
        subject=definition.subject,
        state=CampaignState.DRAFT,
        group_ids=definition.group_ids,
        segment_ids=definition.segment_ids,
    )
    check_time(campaign, sending)
    _check_recipients(service, campaign, sending)


def _check_recipients(service: Service, campaign: Campaign, sending: Sending) -> None:
    recipients = service.audience(campaign)
    if recipients == 0:
        raise SendRefusedError(campaign.id, "recipients", "its groups and segments have no active subscribers.")
    if sending.limits_recipients:
        _check_number(service, campaign, sending, recipients)
    if sending.pre_send_check is not None:
        objection = sending.pre_send_check(campaign, recipients)
        if objection is not None:
            raise SendRefusedError(campaign.id, "pre_send_check", objection)


def _check_number(service: Service, campaign: Campaign, sending: Sending, recipients: int | None) -> None:
    """Hold the number of recipients against the limits."""
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
    if sending.max_change is not None:
        _check_change(service, campaign, sending, recipients, sending.max_change)


def _check_change(service: Service, campaign: Campaign, sending: Sending, recipients: int, most: float) -> None:
    previous = _previous(service, campaign, sending)
    if previous is None:
        log.info("max_change: no campaign of this series was sent before, so there is nothing to compare with")
        return
    before = previous.recipients or previous.sent
    if not before:
        why = f"it has {recipients} recipients and campaign {previous.id} had none, so they cannot be compared."
        if previous.recipients is None and previous.sent is None:
            why = (
                f"{service.name} does not tell how many recipients campaign {previous.id} had, so they cannot be "
                "compared."
            )
        raise SendRefusedError(campaign.id, "max_change", why)
    change = (recipients - before) / before
    if abs(change) > most:
        raise SendRefusedError(
            campaign.id,
            "max_change",
            f"it has {recipients} recipients, campaign {previous.id} had {before}: {_percent(change, '+')}, where at "
            f"most {_percent(most)} more or fewer are allowed.",
        )


def _percent(share: float, sign: str = "") -> str:
    """Return a share in per cent, exactly enough to tell one that is allowed from one that is not."""
    return f"{100 * share:{sign}.2f}".rstrip("0").rstrip(".") + "%"


def _previous(service: Service, campaign: Campaign, sending: Sending) -> Campaign | None:
    """Return the campaign this one is compared with; None when it is the first of its series."""
    if sending.previous_campaign_id is not None:
        return campaign_named(service, sending.previous_campaign_id, "previous_campaign_id")
    if sending.series is None:
        return None
    series = service.campaigns_titled(series_mark_of(sending.series))
    mailed = [each for each in series if each.state in _WAS_MAILED and each.id != campaign.id]
    return max(mailed, key=_when, default=None)


def _when(campaign: Campaign) -> datetime:
    return campaign.sent_at or campaign.created or datetime.min.replace(tzinfo=UTC)
