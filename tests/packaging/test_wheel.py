from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from airflow_provider_sender import __version__
from tests.packaging.ours import ROOT

INFO_FOLDER = f"airflow_provider_sender-{__version__}.dist-info"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=ROOT.parent,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(f"{INFO_FOLDER}/METADATA").decode())


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()

    assert {name.split("/")[0] for name in names} == {"airflow_provider_sender", INFO_FOLDER}
    package = {
        path.relative_to(ROOT.parent).as_posix()
        for path in ROOT.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package == {name for name in names if not name.startswith(INFO_FOLDER)}
    assert "airflow_provider_sender/py.typed" in package
    assert any(name.startswith("airflow_provider_sender/sandbox/") and name.endswith(".html") for name in package)
    assert "airflow_provider_sender/jobs/report_page.html" in package


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile, metadata: Message) -> None:
    assert metadata["Name"] == "airflow-provider-sender"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"Framework :: Apache Airflow", "Framework :: Apache Airflow :: Provider", "Typing :: Typed"} <= set(
        metadata.get_all("Classifier", [])
    )
    assert f"{INFO_FOLDER}/licenses/LICENSE" in wheel.namelist()
    entry_points = wheel.read(f"{INFO_FOLDER}/entry_points.txt").decode()
    assert "[apache_airflow_provider]" in entry_points
    assert "[pytest11]" in entry_points


def test_arrow_comes_only_on_request(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist", [])

    assert [name for name in required if "pyarrow" in name] == ["pyarrow; extra == 'parquet'"]


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"README.md", "LICENSE", "pyproject.toml", "constraints.txt", "Makefile"} <= names
    assert {name.partition("/")[0] for name in names} >= {"airflow_provider_sender", "tests", "example_dags"}
    assert not any("__pycache__" in name or name.startswith(".venv") for name in names)
