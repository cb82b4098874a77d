"""What the guides show, by a real Airflow: nobody's address gets into a log."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.airflow.dags.guides import DAGS
from tests.airflow.runs import Run
from tests.docs.rst import ROOT

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize("dag", DAGS)
def test_a_task_of_the_guides_returns_people_and_logs_none(dag: str, run: Callable[..., Run]) -> None:
    operators = [task.task_id for task in DAGS[dag].tasks if task.task_type.startswith(("Sender", "Sql"))]
    done = run("tests.airflow.dags.guides", dag, passed_over="|".join(operators))

    assert done.state == "success"
    assert len(done.states) > len(operators) > 0


def test_there_are_tasks_of_the_guides_to_run() -> None:
    assert len(DAGS) >= 4


def test_every_example_is_run_and_its_log_searched() -> None:
    examples = {path.stem for path in (ROOT / "example_dags").glob("*.py")} - {"__init__"}
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "airflow").glob("test_*.py"))

    assert set(re.findall(r"\brun\(\s*\"example_dags\.(\w+)\"", tests)) == examples
