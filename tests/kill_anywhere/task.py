"""The task itself: the real operator and its real trigger, each try in whatever process it is called."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.kill_anywhere.process import Deferred, Ending, Failed, Fired, Sent, in_two

CONN_ID = "account"


class Waiting(StrEnum):
    """Whether and where the task waits until the campaign is sent."""

    NOT = "does not wait"
    WORKER = "waits in the worker"
    TRIGGERER = "waits deferred"


@dataclass(frozen=True)
class Task:
    """What the operator is given."""

    campaign_id: str | None
    campaign: Mapping[str, Any] | None
    send_at: datetime | None
    waiting: Waiting


@dataclass(frozen=True)
class Airflow:
    """One run of the task in one Airflow.

    :param dag_id: the DAG.
    :param run_id: the run.
    :param memory: the file that stands for ``task_state_store``.
    :param has_memory: whether this Airflow knows such a thing; older ones do not.
    """

    dag_id: str
    run_id: str
    memory: Path
    has_memory: bool = True


class Store:
    """``task_state_store``, as a task meets it: in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> object:
        """Return what was kept."""
        return self._kept().get(key)

    def set(self, key: str, value: object, *, retention: object = None) -> None:
        """Keep something."""
        in_two(f"task_state_store {key}", lambda: self._keep(key, value))

    def _kept(self) -> dict[str, object]:
        kept: dict[str, object] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return kept

    def _keep(self, key: str, value: object) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({**self._kept(), key: value}))
        new.replace(self._path)


class Instance:
    """The task instance, with what a task may do to it and nothing else."""

    task_id = "send"
    map_index = -1
    max_tries = 3

    def __init__(self, airflow: Airflow) -> None:
        self.dag_id = airflow.dag_id
        self.run_id = airflow.run_id

    def xcom_push(self, key: str, value: object) -> None:
        """Hand something on; it makes no difference to this task, but takes a moment in which one can die."""
        in_two(f"xcom_push {key}", lambda: None)


def work(task: Task, run: Airflow, event: dict[str, object] | None = None) -> Ending:
    """Run the task, or what is left of it when its trigger has fired."""
    import airflow.sdk

    from airflow_provider_sender._compat import AirflowFailException
    from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
    from tests.deferral import TaskDeferred

    # Two runs of the same date mean the same campaign, whoever runs them.
    context: Any = {"ti": Instance(run), "run_id": run.run_id, "ds": "2026-01-31"}
    if run.has_memory and hasattr(airflow.sdk, "NEVER_EXPIRE"):
        context["task_state_store"] = Store(run.memory)
    operator = SenderSendCampaignOperator(
        task_id="send",
        sender_conn_id=CONN_ID,
        campaign_id=task.campaign_id,
        campaign=task.campaign,
        send_key=None if task.campaign is None else "newsletter-{{ ds }}",
        send_at=task.send_at,
        wait_for_completion=task.waiting is not Waiting.NOT,
        deferrable=task.waiting is Waiting.TRIGGERER,
        # In the triggerer time is the wall's. In a worker, a campaign that is scheduled is looked at a few times.
        poll_interval=0.04 if task.waiting is Waiting.TRIGGERER else 25 * 60,
    )
    operator.render_template_fields(context)
    try:
        returned = operator.execute(context) if event is None else operator.execute_complete(context, event)
    except TaskDeferred as deferred:
        return Deferred(*deferred.trigger.serialize())
    except AirflowFailException as error:
        return Failed(str(error), is_final=True)
    except Exception as error:  # whatever it is: Airflow would note the same, and try again
        return Failed(repr(error), is_final=False)
    return Sent(returned)


def wait(deferred: Deferred) -> Ending:
    """Run a trigger until it fires."""
    from airflow.sdk import BaseHook

    async def connection(conn_id: str) -> Any:
        return BaseHook.get_connection(conn_id)

    # Older Airflows ask for it over a triggerer's line to its supervisor, which is not there.
    BaseHook.aget_connection = connection  # type: ignore[method-assign]
    module, _, name = deferred.path.rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**deferred.arguments)

    async def fired() -> dict[str, object]:
        async for event in trigger.run():
            payload: dict[str, object] = event.payload
            return payload
        raise AssertionError("the trigger has ended without an event")

    return Fired(asyncio.run(fired()))
