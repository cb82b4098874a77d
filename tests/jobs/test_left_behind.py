"""What a worker that is killed leaves on its disk, who may read it there, and who removes it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from upath import UPath

from airflow_provider_sender.client.subscribers import SubscriberChange
from airflow_provider_sender.jobs import destination
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.ledger import Ledger
from airflow_provider_sender.jobs.scratch import if_abandoned, private_directory, private_file
from airflow_provider_sender.jobs.staging import Staging
from tests.jobs.accounts import MemoryService

ADDRESS = b"ann@example.org"

# What a process that is about to be killed still has open.
_kept: list[object] = []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's directory for temporary files."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def killed_in(work: Callable[[], None]) -> None:
    """Do something in a process of its own, which is killed with SIGKILL when it has been done."""
    child = os.fork()
    if not child:
        try:
            work()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def stage_people() -> None:
    staging = Staging()
    _kept.append(staging)
    for line in range(5_000):  # more than SQLite keeps in memory before it writes
        email = f"{line}-{ADDRESS.decode()}"
        staging.add(line, {"email": email}, SubscriberChange(key=email, email=email, firstname="Ann" * 100))
    assert len(staging) == 5_000


def test_staged_rows_of_a_killed_upsert_are_gone_with_it(temporary: Path) -> None:
    killed_in(stage_people)
    assert files_below(temporary) == []


def test_the_copy_of_a_ledger_is_removed_by_the_next_job_on_the_machine(temporary: Path, tmp_path: Path) -> None:
    path = UPath(tmp_path / "ledger.sqlite")

    def work() -> None:
        _kept.append(Ledger(path, MemoryService(), owner="a").__enter__())

    killed_in(work)
    left = [file for file in files_below(temporary) if file.name == "ledger.sqlite"]
    assert len(left) == 1
    assert stat.S_IMODE(left[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(left[0].parent.stat().st_mode) == 0o700
    with private_directory("another"):
        assert not left[0].parent.exists()
    assert list(temporary.iterdir()) == []


def test_what_a_job_under_way_works_with_is_left_alone(temporary: Path) -> None:
    with private_directory("first") as first:
        (first / "people.txt").write_bytes(ADDRESS)
        with private_directory("second"):
            pass
        killed_in(lambda: _kept.append(private_directory("third").__enter__()))
        with private_directory("fourth"):
            assert (first / "people.txt").read_bytes() == ADDRESS
            assert len(list(temporary.iterdir())) == 2


@pytest.mark.parametrize("name", ["sender-exports", "airflow-sender-exports"])
def test_a_directory_of_the_users_own_is_left_alone_whatever_it_is_called(temporary: Path, name: str) -> None:
    (temporary / name).mkdir()
    (temporary / name / "people.csv").write_bytes(ADDRESS)
    os.utime(temporary / name, (0, 0))
    with private_directory("job"):
        pass
    assert (temporary / name / "people.csv").exists()


def test_the_next_writer_of_a_file_removes_what_a_killed_one_left_of_it(temporary: Path, tmp_path: Path) -> None:
    path = UPath(tmp_path / "people [1].jsonl")

    def work() -> None:
        with published(path, parameter="output_path") as file:
            file.write(ADDRESS)
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    killed_in(work)
    (left,) = [file for file in files_below(tmp_path) if file.read_bytes() == ADDRESS]
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    with published(path, parameter="output_path") as file:
        file.write(b"all")
    assert [file.name for file in files_below(tmp_path)] == ["people [1].jsonl"]


def test_two_writers_of_one_file_leave_each_others_work_alone(tmp_path: Path) -> None:
    path = UPath(tmp_path / "people.jsonl")
    with published(path, parameter="output_path") as first:
        first.write(b"first")
        with published(path, parameter="output_path") as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert [file.name for file in files_below(tmp_path)] == ["people.jsonl"]


@pytest.mark.usefixtures("usual_umask")
def test_only_their_owner_may_read_new_files_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def permissions_of(name: str) -> int:
        with published(UPath(tmp_path / name), parameter="output_path") as file:
            file.write(ADDRESS)
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert permissions_of("new") == 0o600
    (tmp_path / "new").chmod(0o644)
    assert permissions_of("new") == 0o644  # the one it replaces was to be read by others
    monkeypatch.setattr(destination, "_permissions", 0o640)
    assert permissions_of("told otherwise") == 0o640


def test_somebody_elses_file_is_nobodys_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private_file(tmp_path / "left").close()
    with if_abandoned(tmp_path / "left") as is_abandoned:
        assert is_abandoned
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with if_abandoned(tmp_path / "left") as is_abandoned:
        assert not is_abandoned


def test_many_jobs_that_begin_at_once_take_none_of_each_other_for_abandoned(temporary: Path) -> None:
    def begin(_: int) -> bool:
        with private_directory("job") as directory:
            (directory / "people.txt").write_bytes(ADDRESS)
            return (directory / "people.txt").read_bytes() == ADDRESS

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(begin, range(400)))
    assert list(temporary.iterdir()) == []


def test_a_file_system_without_locks_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with published(UPath(tmp_path / "people.txt"), parameter="output_path") as file:
        file.write(ADDRESS)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [ADDRESS]
