from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.packaging.ours import modules_of

IMPORT_ALL = """
import importlib, json, sys
import airflow.sdk
before = set(sys.modules)
for module in {modules!r}:
    importlib.import_module(module)
print(json.dumps(sorted(set(sys.modules) - before)))
"""

# What a DAG file imports; whatever these load is loaded again and again by the DAG processor.
PARSED = ("operators", "sensors", "transfers", "notifications", "links")


def test_parsing_a_dag_loads_no_http_client_no_arrow_no_sql_and_no_client_of_ours(
    run_python: Callable[[str], Any],
) -> None:
    modules = [module for package in PARSED for module in modules_of(package)]
    modules += ["airflow_provider_sender.assets", "airflow_provider_sender.triggers.campaigns"]
    assert "airflow_provider_sender.operators.campaigns" in modules

    # Airflow 3.1 has loaded requests by itself at this point; from 3.2 on it has not. All of them have SQLAlchemy.
    loaded = run_python(IMPORT_ALL.format(modules=modules))

    heavy = {
        "requests",
        "urllib3",
        "httpx",
        "pyarrow",
        "sqlalchemy",
        "airflow.providers.common.sql.hooks.sql",
        "airflow_provider_sender.client",
        "airflow_provider_sender.jobs",
        "airflow_provider_sender.sql",
    }
    assert heavy.intersection(loaded) == set()
