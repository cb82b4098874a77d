from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec

import pytest

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    SenderError,
    ServiceFailureError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport
from airflow_provider_sender.jobs.scheduling import StillScheduledError
from airflow_provider_sender.jobs.waiting import CampaignTimeoutError

HAS_POLICIES = find_spec("airflow.sdk.definitions.retry_policy") is not None
with_policies = pytest.mark.skipif(not HAS_POLICIES, reason="Airflow has retry policies from 3.3 on")


def decided(exception: BaseException) -> tuple[str, timedelta | None]:
    from airflow_provider_sender.retry_policy import SenderRetryPolicy

    decision = SenderRetryPolicy().evaluate(exception, 1, 3)
    assert (decision.reason is None) is (decision.action.value == "default")
    return decision.action.value, decision.retry_delay


@with_policies
@pytest.mark.parametrize("kind", [RateLimitError, ServiceFailureError])
def test_it_waits_as_long_as_the_service_says(kind: type[RateLimitError | ServiceFailureError]) -> None:
    assert decided(kind("busy", retry_after=123.0)) == ("retry", timedelta(seconds=123))


@with_policies
def test_it_does_not_put_a_task_off_for_years() -> None:
    assert decided(RateLimitError("busy", retry_after=1e9)) == ("retry", timedelta(days=1))


@with_policies
@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("expired"),
        PermissionDeniedError("no"),
        NotFoundError("gone"),
        InvalidRequestError("wrong"),
        ConfigurationError("wrong"),
        UnsupportedOperationError("It", "do that", "Do this."),
        OutcomeUnknownError("nobody knows"),
        RateLimitError("a day's worth", retryable=False, retry_after=60.0),
    ],
)
def test_it_gives_up_at_once_on_what_trying_again_cannot_mend(error: SenderError) -> None:
    assert decided(error) == ("fail", None)


@with_policies
@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("busy"),
        ServiceFailureError("down"),
        CampaignTimeoutError("late"),
        StillScheduledError("not yet"),
        ListingDriftError(ListingReport(), "Again."),
        ValueError("somebody else's"),
        KeyboardInterrupt(),
    ],
)
def test_it_leaves_everything_else_to_the_task(error: BaseException) -> None:
    assert decided(error) == ("default", None)


@with_policies
def test_it_goes_by_the_error_an_exception_was_raised_from() -> None:
    with pytest.raises(RuntimeError) as explicit:
        raise RuntimeError from RateLimitError("busy", retry_after=5.0)
    assert decided(explicit.value) == ("retry", timedelta(seconds=5))
    only_at_the_same_time = RuntimeError()
    only_at_the_same_time.__context__ = NotFoundError("gone")
    assert decided(only_at_the_same_time) == ("default", None)


@with_policies
def test_it_is_written_down_and_read_again() -> None:
    from airflow_provider_sender.retry_policy import SenderRetryPolicy

    assert isinstance(SenderRetryPolicy.deserialize(SenderRetryPolicy().serialize()), SenderRetryPolicy)


@with_policies
def test_a_dag_file_that_imports_it_loads_no_http_client() -> None:
    code = "import sys, airflow_provider_sender.retry_policy; print('airflow_provider_sender.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(HAS_POLICIES, reason="this Airflow has retry policies")
def test_an_airflow_without_retry_policies_says_so() -> None:
    with pytest.raises(ImportError, match=r"SenderRetryPolicy needs Airflow 3\.3"):
        import airflow_provider_sender.retry_policy  # noqa: F401
