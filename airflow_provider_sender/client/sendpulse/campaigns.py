"""SendPulse's campaigns in the words of ``client/campaigns.py``: their states and statistics, and how one is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignState, CampaignTotals
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.loose import Loose, text_from
from airflow_provider_sender.client.sendpulse.messages import html_from
from airflow_provider_sender.client.sendpulse.records import id_in, text_of, whole
from airflow_provider_sender.client.times import moment
from airflow_provider_sender.client.values import Json

MOST_LISTS = 10

_TIME = "%Y-%m-%d %H:%M:%S"

STATES: Mapping[int, CampaignState] = {
    0: CampaignState.SENDING,  # new
    1: CampaignState.SENDING,  # being moderated, which can take hours
    2: CampaignState.SENDING,
    3: CampaignState.SENT,
    4: CampaignState.SENT,  # a test, to the account's own address
    5: CampaignState.FAILED,  # blocked by the service
    6: CampaignState.CANCELLED,  # marked for deletion
    7: CampaignState.SENDING,
    8: CampaignState.SENT,  # a test
    9: CampaignState.SENDING,
    10: CampaignState.SENDING,
    11: CampaignState.NEEDS_ATTENTION,  # the moderator waits for an answer
    12: CampaignState.FAILED,  # no active addresses
    13: CampaignState.SENDING,  # addresses are being copied
    14: CampaignState.SENDING,  # in the queue
    15: CampaignState.SENDING,  # waits for the result of an A/B test
    16: CampaignState.CANCELLED,
    22: CampaignState.SENDING,
    23: CampaignState.PARTLY_SENT,
    25: CampaignState.PARTLY_SENT,  # and then blocked
    26: CampaignState.DRAFT,
    27: CampaignState.NEEDS_ATTENTION,  # has to be edited
    28: CampaignState.SENT,  # to be sent once more to those who did not open it
    33: CampaignState.FAILED,  # the balance is used up
    36: CampaignState.DRAFT,  # of an automation
}

# No code says "scheduled": one of these with a time still to come does.
_WAITING = {CampaignState.SENDING, CampaignState.UNKNOWN}

# What became of mails, by code.
_HARD, _SOFT, _NOT_SENT = {6, 9, 12, 16}, {7, 8, 10, 17}, {18, 20}


class Head(msgspec.Struct):
    """What a campaign's mails have on top, and whom they are for."""

    sender_name: Loose = None
    sender_email: Loose = None
    subject: Loose = None
    body: Json = None
    template_id: Json = None
    list_id: Json = None
    segment_id: Json = None


class SendPulseCampaign(msgspec.Struct):
    """A campaign as SendPulse returns one."""

    id: int
    name: Loose = None
    message: Head | list[Json] | None = None
    status: Json = None
    send_date: Loose = None
    all_email_qty: int | None = None
    statistics: Json = None


read_campaign = msgspec.json.Decoder(SendPulseCampaign, strict=False)


# A campaign that is sent at once has the time of its making, on a clock that may be ahead of ours.
_CLOCKS_DIFFER = timedelta(seconds=30)


def _now() -> datetime:
    return datetime.now(UTC)


def campaign_from(wire: SendPulseCampaign, zone: tzinfo, now: datetime | None = None) -> Campaign:
    """Return a campaign in common words.

    :param zone: the account's time zone, in which SendPulse keeps ``send_date``.
    """
    head = head_of(wire)
    planned = moment(text_of(wire.send_date), zone)
    state = state_of(whole(wire.status), planned, now or _now())
    is_over = state in (CampaignState.SENT, CampaignState.PARTLY_SENT)
    totals = totals_from(wire.statistics, wire.all_email_qty)
    segments = _ids(head.segment_id)
    groups = _ids(head.list_id)
    return Campaign(
        id=str(wire.id),
        title=text_of(wire.name),
        subject=text_of(head.subject),
        state=state,
        service_state=text_from(wire.status) or "",
        recipients=wire.all_email_qty,
        sent=totals.sent,
        scheduled_at=planned if state is CampaignState.SCHEDULED else None,
        sent_at=planned if is_over else None,
        sender_address=text_of(head.sender_email) or None,
        group_ids=groups,
        segment_ids=segments,
        has_content=True if head.body or head.template_id else None,
        has_recipients=True if groups or segments else None,
    )


def head_of(wire: SendPulseCampaign) -> Head:
    """Return what is said about a campaign's mails; nothing may come as an empty list."""
    return wire.message if isinstance(wire.message, Head) else Head()


def state_of(code: int | None, planned: datetime | None, now: datetime) -> CampaignState:
    """Return where a campaign is; one that waits for a time still to come is scheduled, whatever its code."""
    state = STATES.get(code, CampaignState.UNKNOWN) if code is not None else CampaignState.UNKNOWN
    is_to_come = planned is not None and planned > now + _CLOCKS_DIFFER
    return CampaignState.SCHEDULED if state in _WAITING and is_to_come else state


def totals_from(statistics: Json, recipients: int | None = None) -> CampaignTotals:
    """Return what became of a campaign's mails from any of the three shapes of its statistics.

    Where mails are counted by code, no document says whether one that was clicked counts as opened and delivered as
    well. If the counts are more than the recipients it does, and they are taken as they are; else each mail is under
    the last thing that happened to it, and they are added up.
    """
    if isinstance(statistics, Mapping) and "general" not in statistics:
        return _from_names(statistics, recipients)
    counts = dict(_counts(statistics.get("general") if isinstance(statistics, Mapping) else statistics))
    if not counts:
        return CampaignTotals(recipients=recipients)
    is_added_up = recipients is not None and sum(counts.values()) > recipients

    def total(*codes: int) -> int:
        return sum(counts.get(code, 0) for code in codes)

    bounced = total(*_HARD, *_SOFT)
    delivered = total(2) if is_added_up else total(2, 3, 4, 5, 11)
    return CampaignTotals(
        recipients=recipients,
        sent=total(1) if is_added_up and 1 in counts else (0 if is_added_up else total(1)) + delivered + bounced,
        delivered=delivered,
        opened=total(3) if is_added_up else total(3, 4),
        clicked=total(4),
        hard_bounced=total(*_HARD),
        soft_bounced=total(*_SOFT),
        bounced=bounced,
        unsubscribed=total(5),
        complained=total(11),
        failed=total(*_NOT_SENT),
    )


def _from_names(statistics: Mapping[str, Json], recipients: int | None) -> CampaignTotals:
    def number(name: str) -> int | None:
        return whole(statistics.get(name))

    return CampaignTotals(
        recipients=recipients,
        sent=number("sent"),
        delivered=number("delivered"),
        opened=number("opening"),
        clicked=number("link_redirected"),
        unsubscribed=number("unsubscribe"),
        bounced=number("error"),
    )


def _counts(counted: Json) -> Iterator[tuple[int, int]]:
    for each in counted if isinstance(counted, list) else ():
        if isinstance(each, Mapping):
            code, count = whole(each.get("code")), whole(each.get("count"))
            if code is not None and count is not None:
                yield code, count


def body_of(definition: CampaignDefinition, title: str) -> dict[str, Json]:
    """Return the body of the call that creates a campaign, but for when it is sent.

    :raises ConfigurationError: when SendPulse's call cannot say what the definition says.
    """
    if definition.to_everyone:
        raise ConfigurationError("campaign: SendPulse sends to mailing lists. Name them in group_ids.")
    if definition.preheader is not None:
        raise ConfigurationError("campaign: SendPulse takes no preheader. Put it into html, at the top.")
    if len(definition.group_ids) > MOST_LISTS or len(definition.segment_ids) > 1:
        raise ConfigurationError(f"campaign: SendPulse sends to at most {MOST_LISTS} mailing lists, or one segment.")
    if definition.segment_ids and len(definition.group_ids) > 1:
        raise ConfigurationError("campaign: a segment of SendPulse's belongs to one mailing list. Name that alone.")
    content = definition.html
    if content is None and definition.text is not None:
        content = html_from(definition.text)
    lists = [id_in(each) for each in definition.group_ids]
    body = {
        **definition.extra,
        "name": title,
        "sender_name": definition.from_name,
        "sender_email": definition.from_email,
        "subject": definition.subject,
        "body": content,
        "list_id": lists[0] if len(lists) == 1 else lists or None,
        "segment_id": id_in(definition.segment_ids[0]) if definition.segment_ids else None,
    }
    return {key: value for key, value in body.items() if value is not None}


def time_text(time: datetime, zone: tzinfo) -> str:
    """Return a time as SendPulse takes it: in the account's time zone, without saying so."""
    return time.astimezone(zone).strftime(_TIME)


def _ids(said: Json) -> tuple[str, ...]:
    """Return the ids of one list or several, however several are written."""
    if isinstance(said, Mapping):
        said = list(said.values())
    elif isinstance(said, str):
        said = said.split(",")
    return tuple(
        str(each).strip() for each in (said if isinstance(said, list) else [said]) if each not in (None, "", 0)
    )
