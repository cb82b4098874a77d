from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.sdk import ObjectStoragePath
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.destination import published, reason


@pytest.fixture(params=["local", "file url", "memory", "airflow local", "airflow memory"])
def directory(request: pytest.FixtureRequest, tmp_path: Path, memory: str) -> UPath:
    places: dict[str, Any] = {
        "local": UPath(tmp_path),
        "file url": UPath(tmp_path.as_uri()),
        "memory": UPath(memory),
        "airflow local": ObjectStoragePath(str(tmp_path)),
        "airflow memory": ObjectStoragePath(memory),
    }
    return cast("UPath", places[request.param])


def names(directory: UPath) -> list[str]:
    return sorted(each.name for each in directory.iterdir()) if directory.exists() else []


def test_a_file_is_there_when_the_block_has_ended_and_not_before(directory: UPath) -> None:
    path = directory / "out.txt"
    with published(path, parameter="output_path") as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(directory) == ["out.txt"]


def test_a_new_file_takes_the_place_of_the_old_one(directory: UPath) -> None:
    path = directory / "out.txt"
    path.write_bytes(b"old, and longer than the new one")
    with published(path, parameter="output_path") as file:
        file.write(b"new")
        assert path.read_bytes() == b"old, and longer than the new one"
    assert path.read_bytes() == b"new"
    assert names(directory) == ["out.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(directory: UPath, error: type[BaseException]) -> None:
    path = directory / "out.txt"
    path.write_bytes(b"old")
    with pytest.raises(error), published(path, parameter="output_path") as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert names(directory) == ["out.txt"]


def test_what_there_is_is_published_on_failure_when_that_is_asked_for(directory: UPath) -> None:
    path = directory / "rejects.txt"
    publishing = published(path, parameter="rejects_path", also_on_error=True)
    with pytest.raises(RuntimeError), publishing as file:  # noqa: PT012
        file.write(b"one")
        raise RuntimeError
    assert path.read_bytes() == b"one"
    assert names(directory) == ["rejects.txt"]


def test_nothing_is_published_on_failure_where_there_is_nothing(directory: UPath) -> None:
    path = directory / "rejects.txt"
    path.write_bytes(b"of the run before")
    publishing = published(path, parameter="rejects_path", also_on_error=True)
    with pytest.raises(RuntimeError), publishing:
        raise RuntimeError
    assert path.read_bytes() == b"of the run before"
    assert names(directory) == ["rejects.txt"]


def test_directories_that_are_not_there_are_made(directory: UPath) -> None:
    path = directory / "a" / "b" / "out.txt"
    with published(path, parameter="output_path") as file:
        file.write(b"x")
    assert path.read_bytes() == b"x"


def test_a_path_that_is_a_directory_is_refused_before_anything_is_done(directory: UPath) -> None:
    path = directory / "out.txt"
    (path / "inside").parent.mkdir(parents=True)
    (path / "inside").write_bytes(b"x")
    with (
        pytest.raises(ConfigurationError, match=r"output_path: .*directory"),
        published(path, parameter="output_path"),
    ):
        pytest.fail("entered")
    assert names(path) == ["inside"]


@pytest.mark.parametrize("name", ["a[1].txt", "a*.txt", "a?.txt", "{a}.txt", "ä b%20c#.txt", "a.b..c"])
def test_a_file_gets_the_very_name_it_was_given_or_is_refused_at_once(directory: UPath, name: str) -> None:
    path = directory / name
    try:
        with published(path, parameter="output_path") as file:
            file.write(b"x")
    except ConfigurationError as refused:
        assert "output_path" in str(refused)  # noqa: PT017
        assert names(directory) == []
        assert path.protocol == "memory"
        assert set(name) & set("*?[")
    else:
        assert path.read_bytes() == b"x"
        assert len(names(directory)) == 1


def test_a_parent_that_is_a_file_is_refused_and_says_which_parameter(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(ConfigurationError, match="output_path: nothing can be written to"),
        published(UPath(tmp_path / "file" / "out.txt"), parameter="output_path"),
    ):
        pytest.fail("entered")


def test_a_storage_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises((ConfigurationError, ValueError)), published(UPath("nosuch://x/out"), parameter="output_path"):
        pytest.fail("entered")


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path) -> None:
    path = UPath(tmp_path / "out.txt")
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="full"), published(path, parameter="output_path"):
        raise OSError(28, "full")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_two_writers_of_one_file_leave_the_whole_file_of_one_of_them(tmp_path: Path) -> None:
    path = UPath(tmp_path / "out.txt")
    both_are_in = threading.Barrier(2, timeout=10)

    def write(what: bytes) -> None:
        with published(path, parameter="output_path") as file:
            both_are_in.wait()
            for _ in range(1_000):
                file.write(what)

    threads = [threading.Thread(target=write, args=(what,)) for what in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in (b"a" * 1_000, b"b" * 1_000)
    assert os.listdir(tmp_path) == ["out.txt"]


def test_the_reason_is_the_systems_own_sentence_where_it_has_one() -> None:
    assert reason(PermissionError(13, "Permission denied")) == "Permission denied"
    assert reason(ValueError("no")) == "ValueError: no"
