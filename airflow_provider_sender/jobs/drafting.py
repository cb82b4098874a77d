"""One draft for one intent, however often and wherever it is asked for.

A campaign made from a definition carries a marker of the ``send_key`` in its internal title. It is looked for before
one is made, and again a settling time after: two runs that begin at the same moment may make two, but both then see
both and agree on the same one.
"""

from __future__ import annotations

import logging
import time

from airflow_provider_sender.client.errors import ConfigurationError, OutcomeUnknownError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.finding import Intents, Sleep, marked, noted, poll, title_of
from airflow_provider_sender.jobs.marks import marker_of
from airflow_provider_sender.jobs.preflight import Sending

log = logging.getLogger(__name__)


def create_once(service: Service, sending: Sending, intents: Intents, *, sleep: Sleep = time.sleep) -> str:
    """Make a draft from a definition, or find the one this intent made already; return its id.

    :raises OutcomeUnknownError: when it cannot be told whether the draft was made; nothing was mailed.
    """
    return found_or_created(service, sending, intents, sleep)[0]


def found_or_created(service: Service, sending: Sending, intents: Intents, sleep: Sleep) -> tuple[str, bool]:
    """Return the campaign of this intent, and whether it was made just now."""
    marker = marker_of(sending.send_key)
    settle = service.transport.settings.settle_time
    found = noted(service, intents, marker) or marked(service, marker)
    if found is None:
        # A campaign made by somebody who was killed right after may not be listed yet.
        log.info("No campaign carries the mark of this send_key; looking again in %.0f s, before one is made", settle)
        sleep(settle)
        found = marked(service, marker)
    if found is not None:
        log.info("Campaign %s carries the mark of this send_key; it is taken up", found.id)
        return found.id, False
    definition = sending.definition
    if definition is None:
        raise ConfigurationError("Give either campaign_id or campaign.")
    is_new = True
    try:
        campaign_id = service.create_campaign(definition, title_of(sending, definition))
    except OutcomeUnknownError as error:
        found = poll(lambda: marked(service, marker), settle, sleep)
        if found is None:
            raise OutcomeUnknownError(
                f"{error} No campaign with {marker} in its title has shown up within {settle:.0f} s. Nothing was "
                "mailed. Run the task again: it looks for that title first."
            ) from error
        campaign_id, is_new = found.id, False  # it may be somebody else's
    log.info("Created campaign %s; looking in %.0f s whether anybody else made one as well", campaign_id, settle)
    sleep(settle)
    # Two runs that looked at the same moment have both found none. Now they find both, and agree on one.
    agreed = marked(service, marker)
    if agreed is not None and agreed.id != campaign_id:
        campaign_id, is_new = agreed.id, False
    intents.note(campaign_id=campaign_id, doing="create")
    return campaign_id, is_new
