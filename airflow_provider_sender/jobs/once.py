"""A call that must not be made twice, and of which nothing can be read back.

A campaign shows whether it was sent. Of a single mail, a started workflow or a recorded event the service shows nothing
afterwards. So what is about to be done is noted before, and that it was done is noted after, where Airflow keeps notes
(3.3). A later try that finds the first note without the second cannot know what became of the call, and neither makes
it again nor succeeds: somebody has to look. Where the service does a thing once for a key, it simply asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_sender.client.errors import OutcomeUnknownError, SenderError
from airflow_provider_sender.jobs.finding import Intents

log = logging.getLogger(__name__)

# How far a deed got, as it is noted.
_BEGUN, _DONE, _REFUSED = "begun", "done", "refused"


@dataclass(frozen=True)
class Deed:
    """What is to be done once.

    :param what: the deed as the beginning of a sentence: ``The mail``, ``The workflow's start``.
    :param tries: what the tries have in common that follow each other without anybody's doing. Notes of others do not
        count: who clears a task wants it to run again.
    :param look: where to find out whether it was done.
    :param is_repeatable: whether the service does it once however often it is asked to, by a key. Then a later try
        asks again.
    """

    what: str
    tries: str
    look: str
    is_repeatable: bool = False

    def unknown(self, why: str) -> OutcomeUnknownError:
        """Return the error for a deed nobody knows the outcome of."""
        return OutcomeUnknownError(
            f"{why} {self.look} If it was done, mark this task as successful; if it is certain that it was not, clear "
            "the task."
        )


def do_once(deed: Deed, call: Callable[[], str | None], intents: Intents) -> str | None:
    """Do something, or find that an earlier try did it already; return what the call returns.

    :raises OutcomeUnknownError: when it cannot be told whether it was done; it says what to look at.
    :raises SenderError: when it was certainly not done.
    """
    noted = intents.noted()
    stage = noted.get("stage") if noted.get("tries") == deed.tries else None
    if stage == _DONE:
        log.info("%s: an earlier try of this task did it; nothing to do", deed.what)
        return noted.get("result") or None
    if stage == _BEGUN and not deed.is_repeatable:
        raise deed.unknown(
            f"{deed.what}: an earlier try of this task was about to do it, and ended before it could tell what became "
            "of it. It was not repeated."
        )
    intents.note(tries=deed.tries, stage=_BEGUN)
    result = _done(deed, call, intents)
    try:
        intents.note(stage=_DONE, result=result or "")
    except Exception:
        # It is done. To fail now would only raise the question whether it was.
        log.warning("%s: it was done, but that could not be noted", deed.what, exc_info=True)
    return result


def _done(deed: Deed, call: Callable[[], str | None], intents: Intents) -> str | None:
    try:
        return call()
    except OutcomeUnknownError as error:
        raise deed.unknown(str(error)) from error
    except SenderError:
        intents.note(stage=_REFUSED)
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if deed.is_repeatable:
            raise
        # The task's time limit, say, which is raised wherever the task happens to be.
        why = f"{deed.what}: the task was stopped while doing it. It was not repeated."
        raise deed.unknown(why) from error
