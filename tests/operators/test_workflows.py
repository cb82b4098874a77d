"""Whom a workflow or an event is about is not whom Airflow mails its alerts to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_sender.operators.undisclosed import revealed
from airflow_provider_sender.operators.workflows import SenderCreateEventOperator, SenderStartWorkflowOperator
from tests.operators.mapped import dag, made_in_a_worker, returned, scheduled, stored

# Airflow would rather have a notifier there, but people have it.
pytestmark = pytest.mark.filterwarnings("ignore:Setting email.* on a task is deprecated")

OPERATORS: list[tuple[Any, dict[str, Any]]] = [
    (SenderStartWorkflowOperator, {"workflow_id": "w"}),
    (SenderCreateEventOperator, {"event": "order"}),
]
STRANGER = "ann@example.com"
TEAM = "team@example.net"


@pytest.mark.parametrize(("of", "others"), OPERATORS)
def test_the_address_for_alerts_is_airflows_and_the_subscribers_is_ours(of: Any, others: dict[str, Any]) -> None:
    with DAG("alerts", schedule=None, start_date=datetime(2026, 1, 1), default_args={"email": TEAM}) as made:
        plain = of(task_id="plain", subscriber_email=STRANGER, **others)
        of.partial(task_id="mapped", **others).expand(subscriber_email=[STRANGER])
        of.partial(task_id="kwargs", **others).expand_kwargs([{"subscriber_email": STRANGER}])

    for task in (plain, made_in_a_worker(made.get_task("mapped")), made_in_a_worker(made.get_task("kwargs"))):
        assert task.email == TEAM
        assert revealed(task.subscriber_email) == STRANGER
    assert STRANGER not in stored(made)
    assert {task.email for task in scheduled(made).tasks} == {TEAM}


@pytest.mark.parametrize(("of", "others"), OPERATORS)
def test_a_subscriber_by_the_old_name_is_refused_while_the_dag_file_is_read(
    of: Any, others: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[Callable[[], Any]] = [
        lambda: of(task_id="a", email=STRANGER, **others),
        lambda: of.partial(task_id="b", email=STRANGER, **others).expand(run_as_user=["x"]),
        lambda: of.partial(task_id="c", **others).expand(email=[STRANGER]),
        lambda: of.partial(task_id="d", **others).expand(email=returned([STRANGER], monkeypatch)),
        lambda: of.partial(task_id="e", **others).expand_kwargs([{"email": STRANGER}]),
    ]
    with dag():
        for way in ways:
            with pytest.raises(TypeError, match="subscriber_email") as refused:
                way()
            assert STRANGER not in str(refused.value)


def test_an_event_may_name_its_subscriber_in_three_ways() -> None:
    with dag() as made:
        for name in ("subscriber_email", "phone", "subscriber_id"):
            subscriber: dict[str, Any] = {name: "x"}
            SenderCreateEventOperator(task_id=name, event="order", email=TEAM, **subscriber)
            SenderCreateEventOperator.partial(task_id=f"mapped_{name}", event="order").expand(**{name: ["x"]})

    assert len(made.tasks) == 6
