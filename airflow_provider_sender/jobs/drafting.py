"""One draft for one intent, and one run that sends it, however often and wherever it is asked for.

A campaign made from a definition carries a marker of the ``send_key`` in its internal title. It is looked for before
one is made, and again a settling time after: two runs that begin at the same moment may make two, but both then see
both and agree on the oldest. Only whoever made that one sends it; the others wait until it shows that it was sent.

Its maker may have been killed. Another run that finds so, because nothing happened for longer than that takes, does not
send that draft: a third run may think the same at the same moment. It makes a draft of the next *generation*, and
of the newest generation, again, only the maker of the oldest draft sends. A maker who was merely slow sees the newer
generation right before sending, and stands back.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import OutcomeUnknownError, SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.finding import Intents, Sleep, check_mark, poll, title_of
from airflow_provider_sender.jobs.marks import draft_mark_of, generation_in, marker_of
from airflow_provider_sender.jobs.preflight import Sending, check_is_the_same

log = logging.getLogger(__name__)

# More generations than that only come of runs that are killed one after the other, each with another one beside it.
_MOST_LOOKS = 24


class NotAgreedError(SenderError):
    """Runs of the same intent have not agreed on who sends. Nothing was sent by this one."""

    retryable = True


def create_once(service: Service, sending: Sending, intents: Intents, *, sleep: Sleep = time.sleep) -> str:
    """Make a draft from a definition, or find the one this intent made already; return its id.

    :raises OutcomeUnknownError: when it cannot be told whether the draft was made; nothing was mailed.
    :raises SendRefusedError: when this intent made one already, of another definition.
    """
    drafting = Drafting(service, sending, intents, sleep)
    found = drafting.found()
    if found is not None:
        log.info("Campaign %s carries the mark of this send_key; it is taken up", drafting.checked(found).id)
        return found.id
    made = drafting.make(generation=0)
    sleep(drafting.settle)
    agreed = drafting.agreed_upon()
    campaign_id = made if agreed is None else drafting.checked(agreed).id
    intents.note(campaign_id=campaign_id, doing="create")
    return campaign_id


class Drafting:
    """One run's way to the draft of its intent."""

    def __init__(self, service: Service, sending: Sending, intents: Intents, sleep: Sleep) -> None:
        self._service = service
        self._sending = sending
        self._definition = sending.made_from
        self._intents = intents
        self._sleep = sleep
        self._marker = marker_of(sending.send_key)
        self.settle = service.transport.settings.settle_time
        # Whatever an earlier try of this task made is this run's, too: it is dead, or there would be no later one.
        self._mine = intents.noted().get("campaign_id", "")
        self._is_settled = False
        self._waited_for = ""

    def found(self) -> Campaign | None:
        """Return the campaign of this intent, if one shows within a settling time."""
        found = self.agreed_upon()
        if found is None:
            # A campaign made by somebody who was killed right after may not be listed yet.
            log.info("No campaign carries the mark of this send_key; looking again in %.0f s", self.settle)
            self._sleep(self.settle)
            found = self.agreed_upon()
        return found

    def to_send(self) -> Campaign:
        """Return the campaign of this intent: one that has left draft, or a draft that is this run's to send.

        :raises OutcomeUnknownError: when it cannot be told whether a draft was made; nothing was mailed.
        :raises NotAgreedError: when others keep making drafts and send none.
        """
        campaign = self.found()
        for _ in range(_MOST_LOOKS):
            if campaign is None:
                campaign = self._made(generation=0)
            elif campaign.state is not CampaignState.DRAFT:
                return self.checked(campaign)
            elif campaign.id == self._mine and self._is_settled:
                return campaign
            elif campaign.id == self._mine:
                campaign = self._after_settling(campaign)
            elif campaign.id != self._waited_for:
                campaign = self._after_its_maker(campaign)
            else:
                log.warning("Draft %s was left behind by a run that was killed; delete it some time", campaign.id)
                campaign = self._made(generation=generation_in(campaign.title) + 1)
        raise NotAgreedError(
            f"Other runs keep making drafts for this send_key and send none ({self._marker} in the title). Nothing was "
            "sent by this one."
        )

    def _after_settling(self, mine: Campaign) -> Campaign | None:
        """Wait until it would show if this run's draft had been sent; return the campaign that counts then."""
        log.info("Campaign %s is a draft; looking again in %.0f s", mine.id, self.settle)
        self.checked(mine)
        self._pause(1)
        return self.agreed_upon()

    def _after_its_maker(self, another: Campaign) -> Campaign | None:
        """Wait until another run would have sent the draft it made; return the campaign that counts then."""
        log.info(
            "Campaign %s carries the mark of this send_key, but another run made it; looking whether that run sends it",
            self.checked(another).id,
        )
        self._waited_for = another.id
        # Its maker waits as well, checks it and sends it, and that must show; else both would step over the other's
        # drafts again and again.
        self._pause(_maker_waits(generation_in(another.title)) + 1.5)
        return self.agreed_upon()

    def is_still_mine(self, campaign: Campaign) -> bool:
        """Tell, right before it is sent, whether a draft is still the one that counts."""
        now = self.agreed_upon()
        if now is None:  # it may not be listed yet; then nobody else can have found it to be left behind either
            now = self._service.campaign(campaign.id)
        return now.id == campaign.id and now.state is CampaignState.DRAFT

    def agreed_upon(self) -> Campaign | None:
        """Return the campaign of this intent: one that left draft, else the oldest draft of the newest generation."""
        carrying: Sequence[Campaign] = self._service.campaigns_titled(self._marker)
        left = [each for each in carrying if each.state is not CampaignState.DRAFT]
        if left or not carrying:
            # One that is on its way counts more than one that somebody cancelled.
            return next((each for each in left if each.state.has_left_draft), next(iter(left), None))
        newest = max(generation_in(each.title) for each in carrying)
        return next(each for each in carrying if generation_in(each.title) == newest)

    def make(self, generation: int) -> str:
        """Make a draft, and return its id."""
        mark = draft_mark_of(generation, secrets.token_hex(3))
        title = title_of(self._sending, self._definition, mark)
        try:
            return self._service.create_campaign(self._definition, title)
        except OutcomeUnknownError as error:
            made = poll(lambda: next(iter(self._service.campaigns_titled(mark)), None), self.settle, self._sleep)
            if made is None:
                raise OutcomeUnknownError(
                    f"{error} No campaign with {self._marker} in its title has shown up within {self.settle:.0f} s. "
                    "Nothing was mailed. Run the task again: it looks for that title first."
                ) from error
            return made.id

    def _made(self, generation: int) -> Campaign:
        """Make a draft and wait until others must have seen it; return the one that counts then."""
        self._mine = self.make(generation)
        self._intents.note(campaign_id=self._mine, doing="create")
        log.info("Created campaign %s; looking whether another run made one as well", self._mine)
        self._pause(_maker_waits(generation))
        self._is_settled = True
        agreed = self.agreed_upon()
        if agreed is None or agreed.id == self._mine:
            agreed = self._service.campaign(self._mine)
            check_mark(self._service, agreed, self._sending)
        return agreed

    def _pause(self, times: float) -> None:
        """Wait for so many settling times."""
        self._sleep(times * self.settle)
        self._is_settled = True

    def checked(self, campaign: Campaign) -> Campaign:
        """Return a campaign that carries the mark, when it is the one that is meant.

        :raises SendRefusedError: when it says something else, or goes to somebody else.
        """
        check_mark(self._service, campaign, self._sending)
        check_is_the_same(self._service, campaign, self._definition)
        return campaign


def _maker_waits(generation: int) -> int:
    """Return how many settling times go by between making a draft and sending it.

    The maker of an earlier generation may have sent it right before this one was listed, and that must show, too.
    """
    return 1 if generation == 0 else 2
