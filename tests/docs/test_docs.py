"""The guides say what the code does: compared with it, name by name."""

from __future__ import annotations

import ast
import builtins
import inspect
import itertools
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields as dataclass_fields
from importlib import import_module
from typing import Any, get_args

import airflow.sdk
import msgspec
import pytest

from airflow_provider_sender.client import errors
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.sender.client import CAMPAIGN_EVENTS, SenderEndpoints
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES, get_provider_info
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.extras import NUMBERS
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.services import service_for
from airflow_provider_sender.sandbox.account.seeding import SeedRow
from airflow_provider_sender.sandbox.app import SENDER
from airflow_provider_sender.sandbox.command import _parser, _settings
from airflow_provider_sender.sandbox.control import Control
from airflow_provider_sender.sandbox.faults import AnyFault, Fault
from airflow_provider_sender.sandbox.remote import CampaignCounters, Counters, LoggedRequest, Sandbox
from airflow_provider_sender.sandbox.settings import Settings as Knobs
from airflow_provider_sender.sandbox.state import State
from airflow_provider_sender.sql.failures import DatabaseFailedError
from tests.docs.endpoints import requests_of
from tests.docs.rst import ROOT, Directive, Page, headings, literals, page, pages, rows_of
from tests.packaging.ours import modules_of, source_of, sources

KINDS = {"operators": "operator", "transfers": "operator", "sensors": "sensor", "triggers": "trigger"}
GUIDES = {
    "SenderExportSubscribersOperator": "operators/subscribers",
    "SenderUpsertSubscribersOperator": "operators/subscribers",
    "SenderSyncGroupOperator": "operators/subscribers",
    "SenderDeleteSubscribersOperator": "operators/subscribers",
    "SenderToSqlOperator": "transfers/sql",
    "SqlToSenderOperator": "transfers/sql",
    "SenderCreateCampaignOperator": "operators/campaigns",
    "SenderSendCampaignOperator": "operators/campaigns",
    "SenderCancelCampaignOperator": "operators/campaigns",
    "SenderExportCampaignReportOperator": "operators/reports",
    "SenderSendMessageOperator": "operators/messages",
    "SenderStartWorkflowOperator": "operators/workflows",
    "SenderCreateEventOperator": "operators/workflows",
    "SenderNotifier": "notifications",
    "SenderCampaignSensor": "sensors/campaigns",
    "SenderCampaignTrigger": "sensors/campaigns",
    "SenderCampaignEventTrigger": "assets",
}


def public_classes() -> Iterator[tuple[str, Any]]:
    """Return what people import from modules named in the provider info, with the kind of it."""
    info: dict[str, Any] = get_provider_info()
    for package, kind in KINDS.items():
        listed = (group.get("python-modules") or [group["python-module"]] for group in info[package])
        for name in itertools.chain.from_iterable(listed):
            for _, found in inspect.getmembers(import_module(name), inspect.isclass):
                if found.__module__ == name and not found.__name__.startswith("_"):
                    yield kind, found
    for path in info["notifications"]:
        module, _, name = path.rpartition(".")
        yield "notifier", getattr(import_module(module), name)


CLASSES = list(public_classes())
LABELS = [label for each in pages() for label in each.labels]


def left_out(of: Any) -> set[str]:
    """Return the parameters of its bases that a class does not take: template fields that are none of its own."""
    return {name for base in of.__mro__ for name in getattr(base, "template_fields", ())} - set(
        getattr(of, "template_fields", ())
    )


def constructors(of: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class that this package takes, not Airflow."""
    found: dict[str, inspect.Parameter] = {}
    for base in of.__mro__:
        if base.__module__.startswith("airflow_provider_sender.") and "__init__" in vars(base):
            written = inspect.unwrap(vars(base)["__init__"])
            for name, parameter in inspect.signature(written).parameters.items():
                if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                    found.setdefault(name, parameter)
    return {name: parameter for name, parameter in found.items() if name not in left_out(of)}


def parameters(of: type) -> dict[str, dict[str, str]]:
    """Return what the guides say of a class's parameters; what a base has a guide for is said there."""
    found: dict[str, dict[str, str]] = {}
    for base in reversed(of.__mro__):
        if base.__name__ in GUIDES:
            found |= page(GUIDES[base.__name__]).column(f"Parameters of {base.__name__}")
    return {name: row for name, row in found.items() if name not in left_out(of)}


def said_of(default: object) -> str:
    """Return how a table says a default."""
    if default is None or default == []:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


# Pages


@pytest.mark.parametrize("guide", pages(), ids=lambda each: each.name)
def test_a_heading_is_underlined_to_its_end(guide: Page) -> None:
    assert [title for _, title, line in headings(guide.text) if len(line) < len(title)] == []


@pytest.mark.parametrize("guide", pages(), ids=lambda each: each.name)
def test_every_row_of_a_table_has_all_its_cells(guide: Page) -> None:
    for table in guide.directives("list-table"):
        header, *rows = rows_of(table)
        assert rows
        assert {len(row) for row in rows} == {len(header)}, table.argument
        assert table.options["header-rows"] == "1"


@pytest.mark.parametrize("guide", pages(), ids=lambda each: each.name)
def test_markup_is_closed(guide: Page) -> None:
    assert "``" not in guide.prose
    for paragraph in re.split(r"\n\s*\n", guide.prose):
        assert paragraph.count("`") % 2 == 0, paragraph
        assert paragraph.count("**") % 2 == 0, paragraph


def test_labels_are_there_once() -> None:
    assert sorted(set(LABELS)) == sorted(LABELS)


@pytest.mark.parametrize("guide", pages(), ids=lambda each: each.name)
def test_links_lead_somewhere(guide: Page) -> None:
    assert set(guide.links("ref")) <= set(LABELS)
    local = re.findall(r"(?<![:\w`])`([^`<>]+)`_(?!_)", guide.prose)
    assert {" ".join(title.split()) for title in local} <= {title for _, title, _ in headings(guide.text)}


def test_the_index_leads_to_every_page() -> None:
    listed = [line.strip() for tree in page("index").directives("toctree") for line in tree.lines if line.strip()]

    assert sorted(listed) == sorted(each.name for each in pages() if each.name != "index")


@pytest.mark.parametrize("guide", pages(), ids=lambda each: each.name)
def test_quoted_code_is_there(guide: Page) -> None:
    for quoted in guide.directives("literalinclude"):
        lines = (guide.path.parent / quoted.argument).resolve().read_text(encoding="utf-8").splitlines()
        start, end = (
            [number for number, line in enumerate(lines) if quoted.options[option] in line]
            for option in ("start-after", "end-before")
        )
        assert len(start) == len(end) == 1, quoted
        assert end[0] - start[0] > 1
        assert quoted.options["language"] == "python"
        assert "dedent" in quoted.options


def test_every_quotable_part_of_the_examples_is_quoted() -> None:
    quoted = {each.options["start-after"] for guide in pages() for each in guide.directives("literalinclude")}
    there = {
        f"[START {name}]"
        for path in (ROOT / "example_dags").glob("*.py")
        for name in re.findall(r"\[START (\w+)\]", path.read_text(encoding="utf-8"))
    }

    assert quoted == there


def code_blocks(language: str) -> list[Any]:
    return [pytest.param(block, id=f"{guide.name}:{block.line}") for guide in pages() for block in guide.code(language)]


@pytest.mark.parametrize("block", code_blocks("python"))
def test_python_examples_are_python_and_import_what_there_is(block: Directive) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("airflow"):
            if node.module == "airflow_provider_sender.retry_policy" and not hasattr(airflow.sdk, "RetryPolicy"):
                with pytest.raises(ImportError, match=r"needs Airflow 3\.3"):
                    import_module(node.module)
                continue
            module = import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def names_without_origin(code: str) -> set[str]:
    """Return the names that code uses and neither imports nor makes."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(vars(builtins))
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    made |= {(node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return {node.id for node in names} - made


@pytest.mark.parametrize("block", code_blocks("python"))
def test_examples_import_all_they_use(block: Directive) -> None:
    assert names_without_origin(block.text) == set()


def test_examples_of_the_readme_import_all_they_use() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)

    assert blocks
    assert [names_without_origin(block) for block in blocks] == [set()] * len(blocks)


@pytest.mark.parametrize("block", code_blocks("python"))
def test_examples_give_classes_only_parameters_they_have(block: Directive) -> None:
    known = {found.__name__: found for _, found in CLASSES}
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            allowed = {*constructors(known[node.func.id]), "task_id", "pool"}
            assert {keyword.arg for keyword in node.keywords} <= allowed


@pytest.mark.parametrize("block", code_blocks("json"))
def test_json_examples_are_json(block: Directive) -> None:
    json.loads(block.text)


def shell_lines() -> list[list[str]]:
    return [
        shlex.split(line)
        for guide in pages()
        for block in (*guide.code("bash"), *guide.code("text"))
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith(("export ", "python ", "airflow ", "curl "))
    ]


def test_commands_of_the_sandbox_are_ones_it_takes() -> None:
    commands = [words for words in shell_lines() if words[:3] == ["python", "-m", "airflow_provider_sender.sandbox"]]

    assert commands
    for words in commands:
        _settings(_parser().parse_args(words[3:]))


def test_connections_in_environment_variables_are_ones_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [words[1].partition("=") for words in shell_lines() if words[0] == "export"]

    assert len(values) >= 4
    addresses = set()
    for name, _, value in values:
        monkeypatch.setenv(name, value)
        service = service_for(name.removeprefix("AIRFLOW_CONN_").lower())
        addresses.add(service.transport.settings.base_url)
    assert {"https://api.sender.net/v2", "https://api.sendara.dev"} <= addresses
    sandbox = {f"http://127.0.0.1:8025/{each}" for each in ("sender/v2", "sendpulse", "sendara")}
    assert {each for each in addresses if "127.0.0.1" in each} == sandbox


# Classes


def test_there_is_a_guide_for_every_class() -> None:
    assert {found.__name__ for _, found in CLASSES} == set(GUIDES)


@pytest.mark.parametrize(("kind", "of"), CLASSES)
def test_a_class_has_its_label(kind: str, of: Any) -> None:
    label = f"howto/{kind}:{of.__name__}"

    assert label in page(GUIDES[of.__name__]).labels
    assert label in page("index").links("ref")
    if kind != "trigger":
        assert f":ref:`{label}`" in (inspect.getdoc(of) or "")


def test_a_connection_type_and_its_hook_have_their_labels() -> None:
    for connection_type in CONNECTION_TYPES:
        hook = connection_type["hook-class-name"].rpartition(".")[2]
        assert f"howto/connection:{connection_type['connection-type']}" in LABELS
        assert f"howto/hook:{hook}" in LABELS


def test_labels_in_docstrings_exist() -> None:
    targets = {
        target
        for path, _ in sources()
        for target in re.findall(
            r":ref:`(?:[^`<]*<)?([^`<>]+)>?`", (ROOT / "airflow_provider_sender" / path).read_text(encoding="utf-8")
        )
    }

    assert targets
    assert targets <= set(LABELS)


@pytest.mark.parametrize(("kind", "of"), CLASSES)
def test_every_parameter_is_in_the_docstring(kind: str, of: Any) -> None:
    texts = [vars(base).get("__doc__") or "" for base in of.__mro__ if base.__module__.startswith("airflow_provider")]
    described = {name for text in texts for name in re.findall(r":param (\w+):", text)}

    assert set(constructors(of)) == described - left_out(of)


@pytest.mark.parametrize(("kind", "of"), CLASSES)
def test_every_parameter_is_in_the_guide_with_its_default(kind: str, of: Any) -> None:
    documented = {name: (literals(row["Default"]) or [row["Default"]])[0] for name, row in parameters(of).items()}
    expected = {
        name: "required" if parameter.default is inspect.Parameter.empty else repr(parameter.default)
        for name, parameter in constructors(of).items()
    }
    if "deferrable" in expected:
        expected["deferrable"] = "[operators] default_deferrable"

    assert documented == expected


@pytest.mark.parametrize(("kind", "of"), [each for each in CLASSES if each[0] != "trigger"])
def test_the_guide_and_the_docstring_say_which_parameters_are_templated(kind: str, of: Any) -> None:
    rows = parameters(of)

    assert {name for name, row in rows.items() if "Templated." in row["Meaning"]} == set(of.template_fields)


# Connection


def test_every_extra_is_documented_with_its_default() -> None:
    documented = {name: row["Default"] for name, row in page("connections/sender").column("Extras").items()}
    defaults = {
        each.name: said_of(each.default) for each in dataclass_fields(Settings) if each.name in SenderHook.extras
    }

    assert documented == defaults
    assert set(defaults) == SenderHook.extras
    for name, field in CONNECTION_TYPES[0]["conn-fields"].items():
        assert str(field["schema"].get("default", documented[name])) == documented[name]


def test_the_lowest_and_highest_values_of_extras_are_right() -> None:
    rows = page("connections/sender").column("Extras")

    for name, row in rows.items():
        for stated in re.findall(r"at least ([\d.]*\d)", row["Meaning"]):
            assert float(stated) == NUMBERS[name].lowest
        stated = re.findall(r"[Aa]t most (\d+)\.? ?", row["Meaning"])
        assert (float(stated[-1]) if stated else None) == (NUMBERS[name].highest if name in NUMBERS else None)


def test_every_field_of_the_form_is_documented() -> None:
    form = CONNECTION_TYPES[0]
    relabelled = {label: part for part, label in form["ui-field-behaviour"]["relabeling"].items()}
    extras = {field["label"]: f"extra ``{name}``" for name, field in form["conn-fields"].items()}

    rows = page("connections/sender").table("Form fields")
    assert {row["Field"]: row["Part of the connection"] for row in rows} == relabelled | extras


# Hook


def endpoints() -> dict[str, Request]:
    """Return every endpoint method and the request it makes."""
    return requests_of(SenderEndpoints, event=CAMPAIGN_EVENTS[0])


def test_every_endpoint_is_documented() -> None:
    documented = {
        name: (literals(row["Call"])[0], row["Repeated"])
        for name, row in page("hooks/sender").column("Endpoints").items()
    }

    assert documented == {
        name: (
            f"{request.method} {request.path}".replace(f"/{CAMPAIGN_EVENTS[0]}", "/<event>"),
            "yes" if request.repeatable else "no",
        )
        for name, request in endpoints().items()
    }


def test_every_kind_of_campaign_event_is_documented() -> None:
    (sentence,) = (line for line in page("hooks/sender").text.splitlines() if line.startswith("``<event>`` is one of"))

    assert tuple(literals(sentence)[1:]) == CAMPAIGN_EVENTS


def test_the_sandbox_serves_every_endpoint_of_the_hook() -> None:
    for request in endpoints().values():
        segments = tuple(request.path.replace("{}", "x").strip("/").split("/"))
        assert request.method in {route.method for route, _ in SENDER.routes.of(segments)}, request.path


def test_members_of_the_hook_are_there() -> None:
    for name in page("hooks/sender").column("The hook itself"):
        if name.startswith("SenderHook("):
            assert SenderHook().sender_conn_id in name
        else:
            assert hasattr(AccountHook, name.partition("(")[0])  # all three have it


def test_every_error_class_is_documented() -> None:
    there = {
        name
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, errors.SenderError) and found is not errors.SenderError
    }

    assert set(page("hooks/sender").column("Error classes")) == there


# Sandbox


def test_every_option_of_the_command_is_documented_with_its_default() -> None:
    documented = {name: row["Default"] for name, row in page("sandbox").column("Options").items()}
    there = {
        action.option_strings[-1]: "off" if action.const is True else said_of(action.default)
        for action in _parser()._actions
        if action.dest != "help" and action.help != "==SUPPRESS=="
    }

    assert documented == there


def test_every_knob_is_documented_with_its_default() -> None:
    documented = {name: row["Default"] for name, row in page("sandbox").column("Knobs").items()}

    assert documented == {each.name: said_of(each.default) for each in msgspec.structs.fields(Knobs)}


def test_every_choice_of_a_knob_is_documented() -> None:
    rows = page("sandbox").column("Knobs")
    for each in msgspec.structs.fields(Knobs):
        choices = {choice for choice in get_args(each.type) if isinstance(choice, str)}
        assert choices <= set(literals(rows[each.name]["Meaning"])), each.name


def test_every_fault_is_documented_with_its_keys() -> None:
    common = set(Fault.__struct_fields__)
    documented = {
        name: [
            (key, f"``{key}`` (required)" in row["Its own keys"])
            for key in literals(row["Its own keys"])
        ]
        for name, row in page("sandbox").column("Faults").items()
    }  # fmt: skip

    assert documented == {
        str(kind.__struct_config__.tag): [
            (each.name, each.required) for each in msgspec.structs.fields(kind) if each.name not in common
        ]
        for kind in get_args(AnyFault)
    }


def test_every_key_of_all_faults_is_documented_with_its_default() -> None:
    rows = page("sandbox").column("Keys of every fault")
    documented = {name: (literals(row["Default"]) or [row["Default"]])[0] for name, row in rows.items()}

    assert documented == {each.name: said_of(each.default) for each in msgspec.structs.fields(Fault)}


def test_every_call_of_the_control_api_is_documented() -> None:
    routes = Control(State("token", Knobs()), SENDER).routes
    there = {
        f"{method} /_sandbox{route.path}" for route in routes for method in (route.methods or set()) if method != "HEAD"
    }

    assert set(page("sandbox").column("Calls")) == there


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("Keys of the counters", Counters.__annotations__),
        ("Keys of a logged request", LoggedRequest.__annotations__),
        ("Keys of a seeded row", SeedRow.__struct_fields__),
    ],
)
def test_keys_of_what_the_sandbox_takes_and_gives_are_documented(title: str, keys: Sequence[str]) -> None:
    assert list(page("sandbox").column(title)) == list(keys)


def test_counters_of_a_campaign_are_documented() -> None:
    row = page("sandbox").column("Keys of the counters")["campaigns"]

    assert literals(row["Value"]) == list(CampaignCounters.__annotations__)


def test_every_member_of_the_sandbox_is_documented() -> None:
    documented = {
        name.partition("(")[0].removeprefix("Sandbox.") for name in page("sandbox").column("Members of Sandbox")
    }
    there = {name for name in dir(Sandbox("http://127.0.0.1:1")) if not name.startswith("_")}

    assert documented == there


# Errors


def templates() -> set[str]:
    """Return every text in the code, with ``...`` for whatever is put into it, and the service's name for its name."""

    def text_of(node: ast.AST) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return re.sub(r"%[\d.]*[sdrf]", "...", node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else put_in(part) for part in node.values
            )  # fmt: skip
        return None

    def put_in(part: ast.expr) -> str:
        expression = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
        return "Sender" if expression in ("service", "service.name", "self._dialect.name") else "..."

    found = set()
    packages = ("client", "hooks", "jobs", "notifications", "operators", "sensors", "sql", "transfers", "triggers")
    modules = [module for package in packages for module in modules_of(package)]
    for module in (*modules, "airflow_provider_sender.assets", "airflow_provider_sender.retry_policy"):
        for node in ast.walk(source_of(module)):
            text = text_of(node)
            if text:
                found.add(text)
    return found


def quoted_texts() -> list[str]:
    guide = page("troubleshooting")
    tables = [table.argument for table in guide.directives("list-table")]
    texts = [text for title in tables for text in guide.column(title, "Text")]
    cells = [row[header] for title in tables for row in guide.table(title) for header in row if header != "Text"]
    also = [
        text
        for cell in cells
        for sentence in re.split(r"(?<=\.) ", cell)
        if re.match(r"Also|What follows says why|In the triggerer the text is|The reason follows", sentence)
        for text in literals(sentence)
    ]
    symptoms = guide.text.partition("Other symptoms\n")[2]
    said = re.findall(r"(?:its log|The log) says\*? ``(.+?)``", symptoms, re.DOTALL)
    return [*texts, *also, *(" ".join(text.split()) for text in said)]


TEMPLATES = templates()


@pytest.mark.parametrize("text", quoted_texts())
def test_a_quoted_error_text_is_one_the_code_has(text: str) -> None:
    pattern = re.compile(".*".join(re.escape(part) for part in text.split("...")), re.DOTALL)

    assert any(pattern.search(template) for template in TEMPLATES)


def errors_of_the_package() -> Iterator[type[errors.SenderError]]:
    for package in ("client", "hooks", "jobs", "operators", "sql", "triggers"):
        for name in modules_of(package):
            for _, found in inspect.getmembers(import_module(name), inspect.isclass):
                if found.__module__ == name and issubclass(found, errors.SenderError):
                    yield found


def test_the_errors_that_airflow_retries_are_the_ones_named_among_the_guarantees() -> None:
    rows = page("guarantees").table("Which errors Airflow's retries follow")

    named = {name for row in rows for name in literals(row["Error"]) if name.endswith("Error")}
    retried = {found.__name__ for found in errors_of_the_package() if found.retryable}
    assert "NotAgreedError" in retried
    assert named == retried | {DatabaseFailedError.__name__}  # of a database, so it is none of a service's errors


def test_nothing_is_documented_of_a_class_that_does_not_exist() -> None:
    # The policy cannot be imported before Airflow 3.3.
    known = {found.__name__ for _, found in CLASSES} | {"SenderHook", "SenderRetryPolicy"} | set(dir(errors))
    named = {name for guide in pages() for name in re.findall(r"\bSender[A-Z]\w+", guide.text)}

    assert named <= known
