from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Importing Airflow writes into its home, which must never be the developer's own.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[[str], Any]:
    """Run code in a Python of its own, with nothing imported yet, and return the JSON it prints last."""

    def run(code: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        # Airflow may have said something of its own before.
        return json.loads(done.stdout.splitlines()[-1])

    return run
