"""What operator and sensor have in common when they wait for a campaign."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_provider_sender.jobs.waiting import Patience

log = logging.getLogger(__name__)

# A killed task has five seconds before Airflow ends its process, and none of these limits where it ran for too long.
_SOON_ENDED = 4.0
_TIME_TO_TAKE_BACK = 20.0


def defer_until_sent(
    task: BaseOperator,
    campaign_id: str,
    conn_id: str,
    *,
    poll_interval: float,
    timeout: float,
    patience: Patience,
    cancel_on_kill: bool,
) -> NoReturn:
    """Have the triggerer wait, and the task go on with its ``execute_complete``.

    :param timeout: seconds from now until the wait ends whatever comes.
    """
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger

    if cancel_on_kill and not hasattr(BaseTrigger, "on_kill"):
        log.warning("cancel_on_kill: this Airflow does not tell a triggerer that a task was killed; 3.3 and newer do")
    began = time.time()
    task.defer(
        trigger=SenderCampaignTrigger(
            campaign_id=campaign_id,
            sender_conn_id=conn_id,
            poll_interval=poll_interval,
            began=began,
            end_time=began + timeout,
            draft_timeout=patience.draft_timeout,
            accept_partly_sent=patience.accept_partly_sent,
            cancel_on_kill=cancel_on_kill,
        ),
        method_name="execute_complete",
        timeout=task.execution_timeout,
    )
    raise AssertionError("deferring does not return")  # pragma: no cover


class WaitedFor:
    """The campaign a worker waits for, to be taken back if its task is killed.

    :param conn_id: connection to the account.
    :param campaign_id: the campaign.
    """

    def __init__(self, conn_id: str, campaign_id: str) -> None:
        from airflow_provider_sender.hooks.services import service_for

        # Made beforehand: a kill may interrupt anything, also a question to Airflow that is waiting for its answer.
        self._service = service_for(conn_id, in_a_hurry=True)
        self._campaign_id = campaign_id

    def take_back(self) -> None:
        """Make the campaign a draft again, if it is scheduled and there is time enough."""
        from airflow_provider_sender.jobs.taking_back import take_back

        # In a thread: a kill interrupts the main one, perhaps while it holds what this needs, and must not hang there.
        thread = threading.Thread(target=take_back, args=(self._service, self._campaign_id), daemon=True)
        thread.start()
        thread.join(_SOON_ENDED)
        if thread.is_alive():
            log.warning("Campaign %s is still being taken back; if nothing follows, look at it", self._campaign_id)
            thread.join(_TIME_TO_TAKE_BACK)
