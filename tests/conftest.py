from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Airflow reads all of this when it is first imported, by whichever test comes first; and it must never get at the
# developer's own Airflow.
for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
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
