from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Airflow reads all of this when it is first imported, by whichever test comes first; and it must never get at the
# developer's own Airflow.
for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Nor may a test wait for what another one, or the developer's own Airflow, asked of an account.
os.environ["SENDER_BUDGET_DIRECTORY"] = ""
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(ROOT / folder)},
        }
        for name, folder in {"examples": "example_dags", "tests": "tests/airflow/dags"}.items()
    ]
)
# The example waits a minute between two looks, as people should; a test cannot.
os.environ["SENDER_EXAMPLE_POKE_INTERVAL"] = "0.2"


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return what this process and its children printed since the last call.

    Airflow's loggers keep the stream they were first given, so only pytest's own capture sees all of it.
    """
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    assert capture.is_globally_capturing(), "these tests read what is printed; run them without -s"

    def read() -> str:
        out, err = capture.read_global_capture()
        return str(out + err)

    return read
