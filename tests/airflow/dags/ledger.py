"""DAGs of one task each that upsert with a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator
from tests.airflow.dags.jobs import dag_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiesAtFirst(SenderUpsertSubscribersOperator):
    """Leaves its lock behind in its first try, as a worker that is killed does."""

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow.sdk import ObjectStoragePath

        from airflow_provider_sender.jobs.ledger_lock import LedgerLock
        from airflow_provider_sender.operators.base import run_of

        if context["ti"].try_number == 1:
            LedgerLock(ObjectStoragePath(self.ledger_path), run_of(context)).acquire()  # type: ignore[arg-type]
            raise RuntimeError("The worker was lost.")
        return super().execute(context)


with dag_of("upsert_ledger", path="", ledger="") as upsert_ledger:
    SenderUpsertSubscribersOperator(
        task_id="job", input_path="{{ params.path }}", ledger_path="{{ params.ledger }}", on_reject="warn"
    )

with dag_of("plan_ledger", path="", ledger="") as plan_ledger:
    SenderUpsertSubscribersOperator(
        task_id="job",
        input_path="{{ params.path }}",
        ledger_path="{{ params.ledger }}",
        on_reject="warn",
        dry_run=True,
    )

with dag_of("die_and_upsert", path="", ledger="") as die_and_upsert:
    DiesAtFirst(task_id="job", input_path="{{ params.path }}", ledger_path="{{ params.ledger }}")
