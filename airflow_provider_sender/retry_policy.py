"""When a failed task is tried again: as soon as the service says it is worth it, or not at all.

Operators and sensors stop retries by themselves where trying again is of no use. The policy does the same for
``@task`` functions that use the hook, and for all of them it waits as long as the service asks for.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError as error:
    raise ImportError(
        "SenderRetryPolicy needs Airflow 3.3 or newer: older versions have no retry policies. Leave it out there."
    ) from error

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_sender.client.errors import SenderError

# A clock that is wrong somewhere must not put a task off for years.
_LONGEST_DELAY = timedelta(days=1)


class SenderRetryPolicy(RetryPolicy):
    """Goes by what a service's error says; anything else is left to the task's own ``retries`` and ``retry_delay``.

    It needs Airflow 3.3. There are never more tries than ``retries`` allow.

    .. seealso:: :ref:`howto/retry_policy:SenderRetryPolicy`
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Return what is to follow on an exception, or on the error of a service that led to it."""
        from airflow_provider_sender.client.errors import ServiceError

        error = _service_error_behind(exception)
        if error is None:
            return RetryDecision.default()
        if not error.retryable:
            return RetryDecision.fail(reason=f"Trying again changes nothing: {error}")
        if isinstance(error, ServiceError) and error.retry_after:
            delay = min(timedelta(seconds=error.retry_after), _LONGEST_DELAY)
            return RetryDecision.retry(delay=delay, reason=f"The service asks for that delay: {error}")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return what it is made of: nothing."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SenderRetryPolicy:
        """Return a policy from what ``serialize`` returned."""
        return cls()


def _service_error_behind(exception: BaseException) -> SenderError | None:
    """Return the error of this package that an exception is, or that it was raised ``from``."""
    from airflow_provider_sender.client.errors import SenderError

    cause: BaseException | None = exception
    while cause is not None and not isinstance(cause, SenderError):
        cause = cause.__cause__
    return cause
