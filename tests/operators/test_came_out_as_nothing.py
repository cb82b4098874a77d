"""What was given and came out as nothing is an error, of every parameter and in every way a task can be made."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import BaseSensorOperator

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.operators.expansion import parameters_of_ours
from airflow_provider_sender.operators.subscribers import (
    SenderExportSubscribersOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.operators.templated import TemplatedOperator
from tests.operators.mapped import dag, made_in_a_worker, returned
from tests.packaging.ours import modules_of


def operators() -> Iterator[type[TemplatedOperator]]:
    for package in ("operators", "sensors", "transfers"):
        for name in modules_of(package):
            for _, found in inspect.getmembers(importlib.import_module(name), inspect.isclass):
                if found.__module__ == name and issubclass(found, TemplatedOperator) and required(found) is not None:
                    yield found


def required(of: type) -> dict[str, str] | None:
    """Return what an operator cannot be made without; None for what is not a whole operator."""
    if not ("execute" in vars(of) or "rows" in vars(of)) or of.__name__ == "RowsOperator":
        return None
    constructors = [
        vars(each)["__init__"]
        for each in of.__mro__
        if each.__module__.startswith("airflow_provider") and "__init__" in vars(each)
    ]
    parameters = [each for made in constructors for each in inspect.signature(made).parameters.values()]
    return {each.name: "x" for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty}


FIELDS = [(of, field) for of in operators() for field in of.template_fields]


def run(of: Any) -> None:
    """Run a task as far as its first check."""
    if isinstance(of, BaseSensorOperator):
        of.poke({})
    else:
        of.execute({})


def others(of: type, field: str) -> dict[str, Any]:
    return {name: value for name, value in {**(required(of) or {}), **subscriber(of)}.items() if name != field}


def subscriber(of: type) -> dict[str, str]:
    return {"subscriber_id": "x"} if of.__name__ == "SenderCreateEventOperator" else {}


@pytest.mark.parametrize(("of", "field"), FIELDS)
def test_nothing_in_a_list_a_task_is_mapped_over(of: Any, field: str) -> None:
    nothings = [None, "", " ", "None"]
    with dag():
        mapped = of.partial(task_id="job", **others(of, field)).expand(**{field: nothings})

    for map_index in range(len(nothings)):
        with pytest.raises(AirflowFailException, match=f"^{field}: is empty"):
            run(made_in_a_worker(mapped, map_index))


@pytest.mark.parametrize("is_literal", [True, False])
@pytest.mark.parametrize(("of", "field"), FIELDS)
def test_nothing_in_a_dictionary_a_task_is_mapped_over(
    of: Any, field: str, is_literal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{**others(of, field), field: None}]
    with dag():
        given = rows if is_literal else returned(rows, monkeypatch)
        mapped = of.partial(task_id="job").expand_kwargs(given)

    with pytest.raises(AirflowFailException, match=f"^{field}: is empty"):
        run(made_in_a_worker(mapped))


@pytest.mark.parametrize(("of", "field"), FIELDS)
def test_nothing_that_another_task_returned(of: Any, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with dag():
        mapped = of.partial(task_id="job", **others(of, field)).expand(**{field: returned([None], monkeypatch)})

    with pytest.raises(AirflowFailException, match=f"^{field}: is empty"):
        run(made_in_a_worker(mapped))


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize(("of", "field"), FIELDS)
def test_a_template_that_renders_to_nothing(of: Any, field: str, is_native: bool) -> None:
    with dag() as made:
        made.render_template_as_native_obj = is_native
        task = of(task_id="job", **others(of, field), **{field: "{{ nothing }}"})
    rendered = task.prepare_for_execution()
    rendered.render_template_fields({"nothing": None})

    with pytest.raises(AirflowFailException, match=f"^{field}: is empty"):
        run(rendered)


@pytest.mark.parametrize(("of", "field"), FIELDS)
def test_a_template_in_what_all_mapped_tasks_share(of: Any, field: str) -> None:
    with dag():
        shared = of.partial(task_id="job", **others(of, field), **{field: "{{ nothing }}"})
        mapped = shared.expand(run_as_user=["anybody"])

    with pytest.raises(AirflowFailException, match=f"^{field}: is empty"):
        run(made_in_a_worker(mapped, nothing=""))


@pytest.mark.parametrize("switch", ["dry_run", "trigger_automation"])
def test_a_switch_that_came_out_as_nothing_is_not_taken_for_off(switch: str) -> None:
    with dag():
        mapped = SenderUpsertSubscribersOperator.partial(task_id="job", input_path="rows.csv").expand(
            **{switch: [None]}
        )

    with pytest.raises(AirflowFailException, match=f"^{switch}: is empty"):
        run(made_in_a_worker(mapped))


SWITCHES = {
    (of, name)
    for of, _ in FIELDS
    for name, parameter in parameters_of_ours(of).items()
    if isinstance(parameter.default, bool)
}


@pytest.mark.parametrize(("of", "switch"), sorted(SWITCHES, key=str))
def test_a_switch_is_not_turned_on_by_the_text_false(of: Any, switch: str) -> None:
    with dag():
        plain = of(task_id="plain", **others(of, ""), **{switch: "{{ params.off }}"})
        mapped = of.partial(task_id="mapped", **others(of, "")).expand(**{switch: ["False", 0]})

    for made in (plain, made_in_a_worker(mapped), made_in_a_worker(mapped, 1)):
        with pytest.raises(AirflowFailException, match=f"^{switch}: must be True or False; got a (str|int)"):
            run(made)


def test_there_are_switches_to_try() -> None:
    assert {name for _, name in SWITCHES} >= {"dry_run", "allow_empty", "create_missing", "trigger_automation"}


def test_none_that_is_written_down_is_not_given() -> None:
    with dag():
        plain = SenderExportSubscribersOperator(task_id="plain", output_path="all.csv", group_id=None)
        mapped = SenderExportSubscribersOperator.partial(task_id="mapped", group_id=None).expand(output_path=["a.csv"])

    plain.prepare_for_execution()._check_rendered()
    made = made_in_a_worker(mapped)
    assert isinstance(made, TemplatedOperator)
    made._check_rendered()


def test_parameters_that_are_set_afterwards_are_given_too() -> None:
    with dag():
        task = SenderExportSubscribersOperator(task_id="job", output_path="all.csv")
        task.group_id = "{{ nothing }}"
    rendered = task.prepare_for_execution()
    rendered.render_template_fields({"nothing": ""})  # type: ignore[typeddict-unknown-key]

    with pytest.raises(AirflowFailException, match=r"^group_id: is empty"):
        run(rendered)


def test_there_are_operators_to_try() -> None:
    names = {of.__name__ for of, _ in FIELDS}
    assert {"SenderCampaignSensor", "SqlToSenderOperator", "SenderToSqlOperator", "SenderSendMessageOperator"} <= names
    assert len(names) == 14
