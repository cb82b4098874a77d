"""What all operators share: the account, errors that stop retries, and what tells a run of a task from others."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender._compat import AirflowFailException, AirflowTaskTimeout
from airflow_provider_sender.operators.lineage import Traffic, openlineage_of, tell
from airflow_provider_sender.operators.templated import TemplatedOperator

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from airflow_provider_sender.client.service import Service


class SenderOperator(TemplatedOperator):
    """Works with the account of a connection.

    :param sender_conn_id: connection to the account; its type says which service it is with.
    """

    template_fields: Sequence[str] = ("sender_conn_id",)
    _traffic: Traffic | None = None
    ui_color = "#e8f0ff"

    def __init__(self, *, sender_conn_id: str = "sender_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sender_conn_id = sender_conn_id

    def tell(self, context: Context, service: Service, traffic: Traffic, counts: Mapping[str, Any]) -> None:
        """Tell the task's outlets, OpenLineage and Airflow's hook lineage what this task read and wrote.

        :param counts: what the task returns.
        """
        self._traffic = traffic
        tell(self, context, service, traffic, counts)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any] | None:
        """Return what this task read and wrote; OpenLineage asks for it."""
        return openlineage_of(self._traffic) if self._traffic is not None else None

    def get_openlineage_facets_on_failure(self, task_instance: object) -> OperatorLineage[Any, Any] | None:
        """Return what this task read and wrote before it failed, as far as it is known."""
        return self.get_openlineage_facets_on_complete(task_instance)

    def on_kill(self) -> None:
        """End the work where it is, so that what it holds is given back and what it has begun to write is removed."""
        end_work()

    def service(self) -> Service:
        """Return the account."""
        # Imported here: parsing a DAG must not load an HTTP client.
        from airflow_provider_sender.hooks.services import service_for

        return service_for(self.sender_conn_id)


def end_work() -> None:
    """End the work of a task that Airflow wants to end; for ``on_kill``, the last thing it does.

    Airflow calls that in the middle of the work (SIGTERM), and would have the work go on afterwards until it kills the
    process. It calls it after the work as well, when that took longer than ``execution_timeout``.

    :raises SystemExit: in the middle of the work. Airflow retries the task then, if it is to be retried.
    """
    if not isinstance(sys.exception(), AirflowTaskTimeout):
        raise SystemExit("The task was told to end (SIGTERM).")


@contextlib.contextmanager
def no_retry_when_final() -> Iterator[None]:
    """Let an error that trying again cannot mend fail the task at once, retries or not."""
    from airflow_provider_sender.client.errors import SenderError

    try:
        yield
    except SenderError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error


def run_of(context: Context) -> str:
    """Return what tells this run of a task from every other, the same for all of its tries."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.task_id}/{ti.run_id}/{ti.map_index}"


def task_of(context: Context) -> str:
    """Return what tells a task from every other, the same for all of its runs."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.task_id}/{ti.map_index}"


def tries_of(context: Context) -> str:
    """Return what the tries of a task have in common that Airflow makes by itself.

    Clearing a task allows it as many tries as it has ``retries`` beyond those it had, so that they are told apart by
    how many it may have.
    """
    return str(context["ti"].max_tries)
