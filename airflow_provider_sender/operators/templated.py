"""How parameters are rendered: what is given must still be there afterwards, and data is never rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from airflow.sdk import BaseOperator, XComArg

from airflow_provider_sender.operators.expansion import (
    Expansion,
    UndisclosedPartial,
    expansion_of,
    parameters_of_ours,
)
from airflow_provider_sender.operators.parameters import given
from airflow_provider_sender.operators.undisclosed import Undisclosed, parameter_of, revealed

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from airflow_provider_sender._compat import OperatorPartial

# Visible parameters in which double braces may be meant: PostgreSQL writes an array of arrays with them.
_MAY_HOLD_BRACES = frozenset({"sql"})

# Parameters that are kept under another name: ``dry_run`` is a method of every operator.
_NAMED_OTHERWISE = {"dry_run": "is_dry_run"}


class TemplatedOperator(BaseOperator):
    """An operator or sensor whose parameters mean what was given, however it is mapped."""

    _arguments: Mapping[str, Any] | None = None
    _expansion = Expansion()
    _given: frozenset[str] | None = None
    _from_tasks: frozenset[str] = frozenset()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an operator; one of a mapped task remembers what it is made with, which nothing tells later."""
        made = super().__new__(cls)
        if kwargs.get("_airflow_from_mapped"):
            # Airflow's own __setattr__ needs what only the constructor makes.
            made.__dict__["_arguments"] = kwargs
        return made

    @property
    def is_from_mapped(self) -> bool:
        """Whether this is one of a mapped task's operators."""
        return self._arguments is not None

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Return a task to be mapped, with the parameters that are the same for all of them."""
        return UndisclosedPartial.of(super().partial(**kwargs))

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        # Every version of Airflow comes through here, mapped or not, and lets operators override it.
        if parent is self:
            self._remember(context)
            template_fields = [name for name in template_fields if name not in self._expansion.data]
            # Airflow takes a task's result in a dictionary of .expand_kwargs() for one that is there already.
            values = [getattr(self, name, None) for name in template_fields]
            seen_oids = seen_oids - {id(value) for value in values if isinstance(value, XComArg)}
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render a value; an undisclosed one stays so."""
        if not isinstance(content, Undisclosed):
            return super().render_template(content, context, jinja_env, seen_oids)

        def render(value: Any) -> Any:
            if callable(value):  # as Airflow does with what is not hidden
                return value(context=context, jinja_env=jinja_env or self.get_template_env())
            return self.render_template(value, context, jinja_env, seen_oids)

        return content.rendered(render)

    def _remember(self, context: Context) -> None:
        """Remember what is given, and by whom; afterwards nothing tells."""
        if self._arguments is not None:
            self._expansion = expansion_of(self, self._arguments, int(getattr(context.get("ti"), "map_index", 0) or 0))
        values = {name: getattr(self, name, None) for name in self.template_fields}
        self._given = frozenset(name for name, value in values.items() if value is not None)
        self._from_tasks = self._expansion.data | {name for name in values if isinstance(values[name], XComArg)}

    def _check_rendered(self) -> None:
        """Check that what was given is still there now that templates are rendered.

        "Not given" has a meaning, often a wide one: send now, export everybody, no limit. A template or a task that
        came out as nothing must not have it by accident.

        :raises ConfigurationError: when something is not.
        """
        ours = parameters_of_ours(type(self))
        fields = {name: revealed(getattr(self, name)) for name in self.template_fields if name in ours}
        is_rendered = self._given is not None
        for name, value in fields.items():
            if name in (self._given or ()) or (value is not None and not is_rendered):
                given(value, name)
        for name in sorted(self._expansion.names & ours.keys()):
            given(fields[name] if name in fields else (self._arguments or {})[name], name)
        for name, parameter in ours.items():
            if isinstance(parameter.default, bool):
                _check_is_switch(getattr(self, _NAMED_OTHERWISE.get(name, name)), name)
        for name in sorted(self._from_tasks & fields.keys() - _MAY_HOLD_BRACES):
            if parameter_of(type(self), name) is None:
                _check_is_no_template(fields[name], name)


def _check_is_switch(value: Any, parameter: str) -> None:
    """Check that what is to be on or off is one of them; None is the same as not given.

    :raises ConfigurationError: when it is something else. The text ``False`` would be on.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if not isinstance(value, bool | None):
        raise ConfigurationError(
            f"{parameter}: must be True or False; got a {type(value).__name__}. It is not templated."
        )


def _check_is_no_template(value: Any, parameter: str) -> None:
    """Check that a name, a key or a path that another task returned is finished.

    :raises ConfigurationError: when it looks like a template, which nobody renders: one key for all weeks, say.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if any(isinstance(each, str) and ("{{" in each or "{%" in each) for each in values):
        raise ConfigurationError(
            f"{parameter}: another task returned a template. Only what is written in the DAG file is rendered: let the "
            "task return the finished value, or write the template into the DAG file."
        )
