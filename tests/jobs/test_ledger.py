"""The file itself: who may write it, when it is written, what is refused."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import duckdb_extension_sqlite_scanner
import pytest
from airflow.sdk import ObjectStoragePath
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Field
from airflow_provider_sender.jobs import ledger_lock
from airflow_provider_sender.jobs.ledger import Ledger
from airflow_provider_sender.jobs.ledger_lock import LedgerLock, LedgerUnavailableError
from airflow_provider_sender.jobs.upsert import Upsert, upsert
from tests.jobs.accounts import MemoryService


@dataclass(frozen=True)
class Entry:
    key: str = "a@x.lt"
    fingerprint: str = "f1"
    status: str = ""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_lock, "READ_BACK_AFTER", 0.05)


@pytest.fixture(params=["local", "memory", "airflow local", "airflow memory"])
def path(request: pytest.FixtureRequest, tmp_path: Path, memory: str) -> UPath:
    """A ledger's place, in a directory that is not there yet."""
    places: dict[str, Any] = {
        "local": UPath(tmp_path / "new" / "ledger.sqlite"),
        "memory": UPath(f"{memory}/new/ledger.sqlite"),
        "airflow local": ObjectStoragePath(f"{tmp_path}/new/ledger.sqlite"),
        "airflow memory": ObjectStoragePath(f"{memory}/new/ledger.sqlite"),
    }
    return cast("UPath", places[request.param])


@pytest.fixture
def local(tmp_path: Path) -> UPath:
    return UPath(tmp_path / "ledger.sqlite")


def ledger(path: UPath, owner: str = "dag/task/run/-1", service: MemoryService | None = None, **more: Any) -> Ledger:
    return Ledger(path, service or MemoryService(), owner=owner, **more)


def lock_of(path: UPath) -> str:
    return f"{path.path}.lock"


def written_lock(path: UPath, content: bytes) -> None:
    path.fs.makedirs(path.fs._parent(path.path), exist_ok=True)
    path.fs.pipe_file(lock_of(path), content)


def rows(path: UPath) -> list[tuple[Any, ...]]:
    return read(path.read_bytes(), "select key, fingerprint, status, groups, outcome from subscriber order by key")


def about(path: UPath) -> dict[str, str]:
    return dict(read(path.read_bytes(), "select name, value from about"))


def read(content: bytes, query: str) -> list[tuple[Any, ...]]:
    """Ask SQLite itself, which knows nothing of this package."""
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    found = database.execute(query).fetchall()
    database.close()
    return found


def files(path: UPath) -> list[str]:
    directory = path.fs._parent(path.path)
    names = path.fs.ls(directory, detail=False) if path.fs.exists(directory) else []
    return sorted(name.rpartition("/")[2] for name in names)


# What is kept


def test_what_was_accepted_held_joined_and_forgotten_is_there_next_time(path: UPath) -> None:
    with ledger(path) as first:
        first.accept(Entry("a@x.lt", "f1", "active"), ("g2", "g1"))
        first.hold(Entry("b@x.lt", "f2"), ())
        first.accept(Entry("gone@x.lt"), ())
    with ledger(path) as second:
        second.accept(Entry("b@x.lt", "f3"), ("g1",))
        second.join(["a@x.lt", "nobody@x.lt"], "g0")
        second.forget("gone@x.lt")
    assert rows(path) == [
        ("a@x.lt", "f1", "active", '["g0","g1","g2"]', "accepted"),
        ("b@x.lt", "f3", "", '["g1"]', "accepted"),
    ]
    assert files(path) == ["ledger.sqlite"]


def test_it_says_whose_it_is_and_by_whom_it_was_saved(path: UPath) -> None:
    service = MemoryService(fields=[Field("Plan")])
    with ledger(path, service=service) as kept:
        assert kept.fields is None
        kept.note_account([Field("Plan")])
        kept.save()
    told = about(path)
    assert json.loads(told.pop("fields")) == [{"name": "Plan", "type": "text", "tag": None}]
    moment = datetime.fromisoformat(told.pop("saved_at"))
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert told == {
        "format": "1",
        "account": "memory",
        "credentials": "memory",
        "generation": "1",
        "saved_by": "dag/task/run/-1",
    }
    with ledger(path) as again:
        assert again.fields == [Field("Plan")]


def test_it_is_a_sqlite_file_of_its_own_kind(local: UPath) -> None:
    with ledger(local) as kept:
        kept.accept(Entry(), ())
    content = local.read_bytes()
    assert content[68:72] == b"Sndr"
    (columns,) = zip(*read(content, "select name from pragma_table_info('subscriber')"), strict=True)
    assert columns == ("key", "fingerprint", "status", "groups", "outcome", "accepted_at")
    ((accepted_at,),) = read(content, "select accepted_at from subscriber")
    assert datetime.fromisoformat(accepted_at).tzinfo is UTC


def test_duckdb_reads_it(local: UPath) -> None:
    connection = duckdb.connect()
    # As a wheel, because DuckDB would fetch it otherwise.
    (extension,) = Path(duckdb_extension_sqlite_scanner.__path__[0]).rglob("*.duckdb_extension")
    connection.execute(f"load '{extension}'")
    with ledger(local) as kept:
        for number in range(5_000):
            kept.accept(Entry(f"{number}@x.lt", "f"), ("g1",) if number % 2 else ())
    connection.execute(f"attach '{local.path}' as ledger (type sqlite, read_only)")
    query = "select count(*), count(distinct key) from ledger.subscriber where outcome = 'accepted'"
    assert connection.execute(query).fetchall() == [(5_000, 5_000)]
    query = "select count(*) from ledger.subscriber where list_contains(groups::json::varchar[], 'g1')"
    assert connection.execute(query).fetchall() == [(2_500,)]
    assert ("credentials", "memory") in connection.execute("select name, value from ledger.about").fetchall()


# When it is saved


def test_nothing_is_saved_where_nothing_was_noted(path: UPath) -> None:
    with ledger(path):
        pass
    assert not path.exists()
    with ledger(path) as kept:
        kept.accept(Entry(), ())
    before = path.read_bytes()
    with ledger(path, service=MemoryService()) as again:
        again.note_account(again.fields or [])
        again.keep_up()
    assert about(path)["generation"] == "2"
    with ledger(path):
        pass
    assert about(path)["generation"] == "2"
    assert rows(path) == read(before, "select key, fingerprint, status, groups, outcome from subscriber")


def test_it_is_saved_as_the_work_goes_on_and_not_more_often_than_asked(path: UPath) -> None:
    with ledger(path, save_every=0) as kept:
        for number in range(3):
            kept.accept(Entry(f"{number}@x.lt"), ())
            kept.keep_up()
            assert len(rows(path)) == number + 1
    assert about(path)["generation"] == "3"
    with ledger(path, save_every=3600) as kept:
        for number in range(3, 100):
            kept.accept(Entry(f"{number}@x.lt"), ())
            kept.keep_up()
        assert len(rows(path)) == 3
    assert (len(rows(path)), about(path)["generation"]) == (100, "4")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_it_is_saved_and_free_again_when_the_job_fails(path: UPath, error: type[BaseException]) -> None:
    with pytest.raises(error), ledger(path) as kept:  # noqa: PT012
        kept.accept(Entry(), ())
        raise error
    assert len(rows(path)) == 1
    assert files(path) == ["ledger.sqlite"]


def test_a_save_that_fails_hides_no_other_error_and_leaves_the_old_ledger(
    local: UPath, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger(local) as kept:
        kept.accept(Entry("old@x.lt"), ())
    with pytest.raises(RuntimeError, match="first"), ledger(local) as kept:  # noqa: PT012
        kept.accept(Entry("new@x.lt"), ())
        monkeypatch.setattr(type(local.fs), "mv", _no_space)
        raise RuntimeError("first")
    assert "could not be saved" in caplog.text
    with (
        pytest.raises(LedgerUnavailableError, match=r"No space.*holds what was accepted until 20"),
        ledger(local) as kept,
    ):
        kept.accept(Entry("new@x.lt"), ())
    assert [key for key, *_ in rows(local)] == ["old@x.lt"]
    assert files(local) == ["ledger.sqlite"]


def _no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_dry_run_reads_it_and_neither_writes_nor_needs_it_to_be_free(path: UPath) -> None:
    with ledger(path) as busy:
        busy.accept(Entry(), ("g1",))
        busy.note_account([Field("Plan")])
        busy.save()
        before = path.read_bytes()
        with ledger(path, "another", is_read_only=True) as plan:
            assert plan.fields == [Field("Plan")]
            plan.accept(Entry("new@x.lt"), ())
            plan.hold(Entry("new@x.lt"), ())
            plan.join(["a@x.lt"], "g2")
            plan.forget("a@x.lt")
            plan.note_account([])
            plan.keep_up()
            assert read(plan.file.read_bytes(), "select count(*) from subscriber") == [(1,)]
        assert path.read_bytes() == before
        assert files(path) == ["ledger.sqlite", "ledger.sqlite.lock"]


def test_a_dry_run_makes_no_ledger(path: UPath) -> None:
    service = MemoryService()
    with ledger(path, service=service, is_read_only=True) as plan:
        assert plan.fields is None
        plan.accept(Entry(), ())
    assert not path.exists()
    assert service.calls == []


def test_temporary_copies_are_removed(local: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with ledger(local) as kept:
        kept.accept(Entry(), ())
        assert len(list(temporary.iterdir())) == 1
    with pytest.raises(ConfigurationError), ledger(local, service=other_account()):
        pytest.fail("entered")
    assert list(temporary.iterdir()) == []


# What is no ledger, or not this account's, stays as it is


def other_account() -> MemoryService:
    service = MemoryService()
    service.fingerprint = "other"
    service.identity = lambda: "other"  # type: ignore[method-assign]
    return service


def a_ledger(tmp_path: Path) -> bytes:
    path = UPath(tmp_path / "good.sqlite")
    with ledger(path) as kept:
        kept.note_account([Field("Plan")])
        for number in range(2_000):
            kept.accept(Entry(f"{number}@x.lt", "f" * 32), ("g1",))
    return path.read_bytes()


def changed(content: bytes, *statements: str) -> bytes:
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    for statement in statements:
        database.execute(statement)
    database.commit()
    found = bytes(database.serialize())
    database.close()
    return found


def another_programs() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("create table subscriber (key text)")
    return bytes(database.serialize())


NO_LEDGERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda good: b"", "is no ledger: it is no SQLite file"),
    "text": (lambda good: b"email\na@x.lt\n", "is no ledger: it is no SQLite file"),
    "foreign": (lambda good: another_programs(), "is no ledger, but a SQLite file of something else"),
    "header only": (lambda good: good[:100], "is damaged"),
    "cut off": (lambda good: good[: len(good) // 2 // 4096 * 4096], "is damaged"),
    "cut off within a page": (lambda good: good[: len(good) // 2 + 7], "is damaged"),
    "overwritten": (lambda good: good[:20_000] + b"\xff" * 4096 + good[24_096:], "is damaged"),
    "other columns": (lambda good: changed(good, "alter table subscriber add more text"), "is damaged"),
    "no table": (lambda good: changed(good, "drop table subscriber"), "is damaged"),
    "says nothing": (lambda good: changed(good, "drop table about"), "is damaged"),
    "fields": (lambda good: changed(good, "update about set value = '{' where name = 'fields'"), "is damaged"),
    "newer": (
        lambda good: changed(good, "update about set value = '2' where name = 'format'", "drop table subscriber"),
        r"was written by a newer version of this package \(format 2; this one knows 1\)",
    ),
}


@pytest.mark.parametrize("name", NO_LEDGERS)
@pytest.mark.parametrize("is_dry_run", [False, True])
def test_what_is_no_ledger_is_refused_before_anything_is_sent_and_left_as_it_is(
    tmp_path: Path, path: UPath, name: str, is_dry_run: bool
) -> None:
    spoil, words = NO_LEDGERS[name]
    spoiled = spoil(a_ledger(tmp_path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(spoiled)
    service = MemoryService()
    with pytest.raises(ConfigurationError, match=rf"^ledger_path: .*ledger\.sqlite {words}.*left as it is"):
        upsert(service, [{"email": "a@x.lt"}], Upsert(dry_run=is_dry_run), ledger_path=path, owner="me")
    assert path.read_bytes() == spoiled
    assert service.calls == []
    assert files(path) == ["ledger.sqlite"]


def test_another_accounts_ledger_is_refused_and_left_as_it_is(path: UPath) -> None:
    with ledger(path) as kept:
        kept.note_account([])
    before = path.read_bytes()
    service = other_account()
    with pytest.raises(ConfigurationError, match=r"^ledger_path: .* is of another account"):
        upsert(service, [{"email": "a@x.lt"}], Upsert(), ledger_path=path, owner="me")
    assert path.read_bytes() == before
    assert service.calls == []


def test_whose_account_it_is_is_asked_only_when_the_credentials_are_others(path: UPath) -> None:
    asked = []

    class Rotated(MemoryService):
        def identity(self) -> str:
            asked.append(self.fingerprint)
            return "memory"

    def account(fingerprint: str) -> MemoryService:
        service = Rotated()
        service.fingerprint = fingerprint
        return service

    with ledger(path, service=account("first token")) as kept:
        kept.note_account([])
    with ledger(path, service=account("first token")):
        pass
    assert asked == ["first token"]
    with ledger(path, service=account("second token")) as kept:
        kept.accept(Entry(), ())
    with ledger(path, service=account("second token")):
        pass
    assert asked == ["first token", "second token"]


def test_an_account_that_cannot_be_told_at_first_is_told_as_soon_as_it_can(path: UPath) -> None:
    service = MemoryService()
    service.identity = lambda: "token 1"  # type: ignore[method-assign]
    with ledger(path, service=service) as kept:
        kept.note_account([])
    service.identity = lambda: "account 7"  # type: ignore[method-assign]
    with ledger(path, service=service) as kept:
        kept.note_account([])
    service.fingerprint = "token 2"
    with ledger(path, service=service):
        pass
    assert about(path)["account"] == "account 7"


@pytest.mark.parametrize("place", ["no/such\0place", "directory", "file/ledger.sqlite"])
def test_a_place_nothing_can_be_written_to_is_refused_before_the_first_request(tmp_path: Path, place: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_bytes(b"")
    service = MemoryService()
    with pytest.raises(ConfigurationError, match=r"^ledger_path: nothing can be written to"):
        upsert(service, [{"email": "a@x.lt"}], Upsert(), ledger_path=UPath(f"{tmp_path}/{place}"), owner="me")
    assert service.calls == []


def test_a_name_that_object_storage_takes_for_a_pattern_is_refused(memory: str) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"^ledger_path: .* takes for a pattern"),
        ledger(UPath(f"{memory}/a*")),
    ):
        pytest.fail("entered")


# One writer at a time


def test_a_second_writer_is_refused_and_told_who_has_it_since_when_and_how_to_free_it(path: UPath) -> None:
    with ledger(path, "dag/nightly/run 1/-1") as kept:
        lock = json.loads(path.fs.cat_file(lock_of(path)))
        assert set(lock) == {"owner", "since", "heartbeat", "token"}
        service = MemoryService()
        with pytest.raises(LedgerUnavailableError) as refused:
            upsert(service, [{"email": "a@x.lt"}], Upsert(), ledger_path=path, owner="dag/other/run 1/-1")
        assert service.calls == []
        told = str(refused.value)
        since = datetime.fromisoformat(lock["since"]).strftime("%Y-%m-%d %H:%M:%S UTC")
        assert "in use by dag/nightly/run 1/-1" in told
        assert f"since {since}" in told
        assert "free 15 minutes after its last sign of life" in told
        assert f"{path}.lock is deleted" in told
        kept.accept(Entry(), ())
    assert len(rows(path)) == 1
    with ledger(path, "dag/other/run 1/-1"):
        pass


@pytest.mark.parametrize(("age", "is_free"), [(timedelta(minutes=14), False), (timedelta(minutes=16), True)])
def test_a_lock_without_a_sign_of_life_is_taken_over(path: UPath, age: timedelta, is_free: bool) -> None:
    then = (datetime.now(UTC) - age).isoformat()
    dead = {"owner": "dead", "since": then, "heartbeat": then, "token": "t"}
    written_lock(path, json.dumps(dead).encode())
    if is_free:
        with ledger(path) as kept:
            kept.accept(Entry(), ())
        assert files(path) == ["ledger.sqlite"]
    else:
        with pytest.raises(LedgerUnavailableError, match="in use by dead"), ledger(path):
            pytest.fail("entered")
        assert files(path) == ["ledger.sqlite.lock"]


def test_signs_of_life_are_given_even_where_there_is_nothing_to_save(path: UPath) -> None:
    with ledger(path, save_every=0) as kept:
        first = json.loads(path.fs.cat_file(lock_of(path)))
        kept.keep_up()
        second = json.loads(path.fs.cat_file(lock_of(path)))
    assert second["heartbeat"] > first["heartbeat"]
    assert {**second, "heartbeat": 0} == {**first, "heartbeat": 0}
    assert not path.exists()


@pytest.mark.parametrize("is_done_by_then", [False, True])
def test_another_try_of_the_same_task_takes_over_at_once_and_the_first_one_stops_without_writing(
    path: UPath, is_done_by_then: bool
) -> None:
    undead, retry = ledger(path), ledger(path)
    undead.__enter__()
    undead.accept(Entry("undead@x.lt"), ())
    retry.__enter__()
    retry.accept(Entry("retry@x.lt"), ())
    retry.save()
    if is_done_by_then:
        retry.__exit__(None, None, None)
    with pytest.raises(LedgerUnavailableError, match=r"taken over by dag/task/run/-1 at|has lost its lock") as stopped:
        undead.save()
    undead.__exit__(LedgerUnavailableError, stopped.value, None)
    assert "left it as it is" in str(stopped.value)
    if not is_done_by_then:
        assert files(path) == ["ledger.sqlite", "ledger.sqlite.lock"]
        retry.accept(Entry("later@x.lt"), ())
        retry.__exit__(None, None, None)
    assert [key for key, *_ in rows(path)] == (["retry@x.lt"] if is_done_by_then else ["later@x.lt", "retry@x.lt"])
    assert files(path) == ["ledger.sqlite"]


def test_who_was_taken_over_without_knowing_it_stops_at_the_end_at_the_latest(path: UPath) -> None:
    with pytest.raises(LedgerUnavailableError), ledger(path) as undead:  # noqa: PT012
        undead.accept(Entry("undead@x.lt"), ())
        with ledger(path) as retry:
            retry.accept(Entry("retry@x.lt"), ())
    assert [key for key, *_ in rows(path)] == ["retry@x.lt"]


def test_whose_lock_is_deleted_stops_without_writing(path: UPath) -> None:
    with pytest.raises(LedgerUnavailableError, match="has lost its lock"), ledger(path) as kept:  # noqa: PT012
        kept.accept(Entry(), ())
        path.fs.rm_file(lock_of(path))
        kept.save()
    assert not path.exists()


@pytest.mark.parametrize("told", [None, ("ETag", "size"), ("LastModified", "size"), ("size",)])
def test_a_ledger_somebody_else_put_there_meanwhile_is_not_overwritten(
    path: UPath, tmp_path: Path, told: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setattr(type(path.fs), "info", info_of(told, type(path.fs).info))
    good = a_ledger(tmp_path)
    with pytest.raises(LedgerUnavailableError, match="was replaced while this task worked"), ledger(path) as kept:  # noqa: PT012
        kept.accept(Entry(), ())
        kept.save()
        kept.accept(Entry("more@x.lt"), ())
        path.write_bytes(good)
        kept.save()
    assert path.read_bytes() == good
    assert files(path) == ["ledger.sqlite"]


def info_of(told: tuple[str, ...], info: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return what a storage says of a file that tells no more than this, and something else every time."""
    asked = itertools.count()

    def fewer(fs: Any, path: str, **_: Any) -> dict[str, Any]:
        found = info(fs, path)
        moment = found.get("mtime", found.get("created"))
        tag = hashlib.md5(fs.cat_file(path)).hexdigest() if found["type"] == "file" else ""
        more = {"ETag": tag, "LastModified": moment, "size": found["size"]}
        return {"name": found["name"], "type": found["type"], "asked": next(asked), **{key: more[key] for key in told}}

    return fewer


@pytest.mark.parametrize("content", [b"my notes", b"", b"\xff", b'{"owner": "me", "since": "2026-01-01"}'])
def test_what_is_no_lock_is_left_alone(path: UPath, content: bytes) -> None:
    written_lock(path, content)
    with pytest.raises(ConfigurationError, match=r"^ledger_path: .*ledger.sqlite.lock is no lock"), ledger(path):
        pytest.fail("entered")
    assert path.fs.cat_file(lock_of(path)) == content


@pytest.mark.parametrize("kind", ["free", "stale"])
def test_of_many_who_want_it_at_the_same_time_one_gets_it(
    path: UPath, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_lock, "READ_BACK_AFTER", 0.3)
    if kind == "stale":
        then = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        written_lock(path, json.dumps({"owner": "dead", "since": then, "heartbeat": then, "token": "t"}).encode())
    together, winners, refused = threading.Barrier(8, timeout=10), [], []

    def want(number: int) -> None:
        lock = LedgerLock(path, f"owner {number}")
        together.wait()
        try:
            lock.acquire()
            lock.confirm()
            winners.append(lock)
        except LedgerUnavailableError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(winners), len(refused)) == (1, 7)
    assert all("owner " in each for each in refused)
    winners[0].release()
    assert files(path) == []


def test_a_lock_of_a_clock_that_was_wrong_goes_stale_by_the_storages_own_time(local: UPath) -> None:
    never = "2099-01-01T00:00:00+00:00"
    written_lock(local, json.dumps({"owner": "dead", "since": never, "heartbeat": never, "token": "t"}).encode())
    with pytest.raises(LedgerUnavailableError, match="in use by dead"), ledger(local):
        pytest.fail("it was written just now")
    an_hour_ago = time.time() - 3600
    os.utime(lock_of(local), (an_hour_ago, an_hour_ago))
    with ledger(local) as kept:
        kept.accept(Entry(), ())
    assert len(rows(local)) == 1


def test_a_lock_from_the_future_in_a_storage_that_tells_no_times_holds_nobody_up(
    path: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untold(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(path.fs), "modified", untold)
    never = "2099-01-01T00:00:00+00:00"
    written_lock(path, json.dumps({"owner": "dead", "since": never, "heartbeat": never, "token": "t"}).encode())
    with ledger(path) as kept:
        kept.accept(Entry(), ())


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert [name for name in os.listdir(tmp_path) if name.endswith(".partial")] == []
