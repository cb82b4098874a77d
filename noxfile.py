"""The test matrix: every supported Airflow on every supported Python (``make test-matrix``)."""

from __future__ import annotations

import nox

PYTHONS = ["3.11", "3.12", "3.13"]

# The lowest Airflow supported, and the newest release of each later line, with the versions around it that it is
# known to run with: an older Airflow does not run with today's.
CONSTRAINTS = {
    "3.1": "constraints-3.1.txt",
    "3.2": "constraints-3.2.txt",
    "3.3": "constraints.txt",
}

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
# A matrix with a hole in it has not passed.
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False


@nox.session(python=PYTHONS)
@nox.parametrize("airflow", list(CONSTRAINTS))
def tests(session: nox.Session, airflow: str) -> None:
    """Run the whole test suite; arguments after ``--`` go to pytest."""
    constraints = CONSTRAINTS[airflow]
    session.install("--constraint", constraints, "--upgrade", "pip")
    session.install("--constraint", constraints, "editables", "hatchling")
    package = ("--group", "test", "--editable", ".[parquet,openlineage]")
    session.install("--constraint", constraints, "--no-build-isolation", *package)
    session.run("python", "-m", "pytest", "--numprocesses", "auto", "--maxprocesses", "4", *session.posargs)
