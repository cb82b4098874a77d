"""Mapped tasks: what they are made with, and where that comes from.

Airflow makes a mapped task's operator when the values it is mapped over are known, so that nothing in the operator says
which of its parameters were given, nor which of their values were written in the DAG file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Self

from airflow.sdk import BaseOperator, XComArg

from airflow_provider_sender._compat import MappedOperator, OperatorPartial, ResolveMixin
from airflow_provider_sender.operators.undisclosed import parameter_of


class Expansion(NamedTuple):
    """What a mapped task is mapped over.

    :param names: the parameters, and some that Airflow adds; each was given, whatever became of its value.
    :param data: those whose values come from another task. They are data: what looks like a template in them is none.
    """

    names: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()


def expansion_of(task: BaseOperator, arguments: Iterable[str], map_index: int) -> Expansion:
    """Return what a task is mapped over.

    :param arguments: the names of everything its operator was made with.
    """
    dag = task.get_dag()
    mapped = dag.task_dict.get(task.task_id) if dag is not None else None
    if not isinstance(mapped, MappedOperator):
        return Expansion(frozenset(arguments))
    names = frozenset(arguments) - mapped.partial_kwargs.keys()
    value: Any = mapped.expand_input.value
    if isinstance(value, Mapping):  # of .expand()
        return Expansion(names, frozenset(name for name in names if isinstance(value.get(name), ResolveMixin)))
    # Of .expand_kwargs(), which may be given a list of dictionaries and tasks.
    is_data = isinstance(value[map_index] if isinstance(value, Sequence) else value, ResolveMixin)
    return Expansion(names, names if is_data else frozenset())


@cache
def parameters_of_ours(of: type) -> Mapping[str, inspect.Parameter]:
    """Return the parameters that an operator has from this package; one of the user's own may have more."""
    package = __name__.partition(".")[0]
    constructors = [vars(each).get("__init__") for each in of.__mro__ if each.__module__.partition(".")[0] == package]
    found = [inspect.signature(each).parameters.values() for each in constructors if each is not None]
    return {each.name: each for parameters in found for each in parameters if each.kind is each.KEYWORD_ONLY}


class UndisclosedPartial(OperatorPartial):
    """A task that is about to be mapped, without a person's data in what Airflow stores of the DAG.

    What the DAG file says is replaced by values that do not say what they are, one by one: the scheduler counts them
    to know how many tasks there are, and a worker reads the DAG file itself.
    """

    @classmethod
    def of(cls, plain: OperatorPartial) -> Self:
        """Return the same as a plain partial operator, which must not be used any more."""
        plain._expand_called = True  # or it would warn that it never was
        return cls(
            operator_class=plain.operator_class, kwargs=hidden(plain.operator_class, plain.kwargs), params=plain.params
        )

    def expand(self, **mapped_kwargs: Any) -> MappedOperator:
        """Map the task over lists, or over what tasks return."""
        _check(self, mapped_kwargs)
        values = {name: _hidden_each(self.operator_class, name, value) for name, value in mapped_kwargs.items()}
        return super().expand(**values)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """Map the task over dictionaries of parameters, or over what a task returns."""
        if isinstance(kwargs, Sequence) and not isinstance(kwargs, str):
            for each in kwargs:
                _check(self, each)
            kwargs = [hidden(self.operator_class, each) if isinstance(each, Mapping) else each for each in kwargs]
        return super().expand_kwargs(kwargs, strict=strict)


def _check(partial: OperatorPartial, mapped_kwargs: Any) -> None:
    check: Callable[[Collection[str]], None] | None = getattr(partial.operator_class, "check_arguments", None)
    if check is not None and isinstance(mapped_kwargs, Mapping):
        dag = partial.kwargs.get("dag")
        check({*partial.kwargs, *mapped_kwargs, *(dag.default_args if dag is not None else ())})


def hidden(of: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of an operator, those undisclosed that it keeps so."""
    return {name: _hidden(of, name, value) for name, value in arguments.items()}


def _hidden(of: type, name: str, value: Any) -> Any:
    parameter = parameter_of(of, name)
    return value if parameter is None else parameter.hidden(value)


def _hidden_each(of: type, name: str, values: Any) -> Any:
    if parameter_of(of, name) is None or isinstance(values, str | XComArg):
        return values
    if isinstance(values, Mapping):  # mapped over its pairs
        values = list(values.items())
    return [_hidden(of, name, value) for value in values] if isinstance(values, Sequence) else values
