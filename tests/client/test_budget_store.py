"""One budget for all processes of a machine that talk to the same account."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client import budget_store
from airflow_provider_sender.client.budget import Budget, Pace
from airflow_provider_sender.client.budget_state import BudgetState
from airflow_provider_sender.client.budget_store import DIRECTORY_VARIABLE, FileStore, MemoryStore, store_for
from airflow_provider_sender.client.rate_headers import RateState
from airflow_provider_sender.client.sliding import SlidingBudget

TOKEN = "token-nobody-may-see"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "budgets"))
    budget_store._directory.cache_clear()
    yield tmp_path / "budgets"
    budget_store._directory.cache_clear()


def budget_of_this_machine(**options: object) -> Budget:
    return Budget(**options).shared(store_for("https://api.example.org", TOKEN))  # type: ignore[arg-type]


def in_a_process(work: Callable[[], object]) -> int:
    """Do something in a process of its own; return how it ended, as ``waitpid`` says."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def test_what_one_process_was_told_the_next_one_knows(directory: Path) -> None:
    def told() -> None:
        budget = budget_of_this_machine()
        budget.acquire()
        budget.answered(RateState(60, 7, 30.0))
        budget.refused(0.5)

    assert in_a_process(told) == 0
    budget = budget_of_this_machine()
    assert (budget.limit, budget.remaining, budget.under_way) == (60, 7, 0)
    began = time.monotonic()
    budget.acquire()
    assert time.monotonic() - began > 0.1  # until the refusal is over


def test_only_its_owner_can_read_it_and_it_names_nobody(directory: Path) -> None:
    budget_of_this_machine().acquire()
    (file,) = directory.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TOKEN not in file.name
    assert TOKEN.encode() not in file.read_bytes()
    assert b"example" not in file.read_bytes()


def test_accounts_have_budgets_of_their_own(directory: Path) -> None:
    one, other = (Budget().shared(store_for("https://api.example.org", token)) for token in ("one", "other"))
    one.answered(RateState(60, 7, 30.0))
    assert (one.remaining, other.remaining) == (7, None)


def test_a_process_that_is_killed_gives_back_what_it_had_taken() -> None:
    def take_all() -> None:
        budget = budget_of_this_machine()
        budget.answered(RateState(4, 4, 3_600.0))
        for _ in range(3):
            budget.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    assert os.WTERMSIG(in_a_process(take_all)) == signal.SIGKILL
    budget = budget_of_this_machine(max_wait=0.0)
    assert budget.under_way == 3
    budget.acquire()
    assert budget._begin() > 0  # there seems to be no room for another one, so it is found out who is still there
    assert (budget.under_way, budget.remaining) == (1, 1)  # the service may have counted the three


def test_requests_of_a_process_that_is_frozen_count_for_a_while_only() -> None:
    state = BudgetState(limit=10, remaining=10)
    state.begin("1-frozen", 100.0)
    assert state.old_under_way(399.0) == []
    assert state.old_under_way(401.0) == ["1-frozen"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a state", b"\x80", os.urandom(2_000)])
def test_a_file_that_is_broken_is_thrown_away(directory: Path, content: bytes) -> None:
    budget_of_this_machine().answered(RateState(60, 7, 30.0))
    (file,) = directory.iterdir()
    file.write_bytes(content)
    budget = budget_of_this_machine()
    assert budget.remaining is None
    budget.acquire()
    budget.answered(RateState(60, 5, 30.0))
    assert budget_of_this_machine().remaining == 5


@given(st.binary(max_size=400))
@settings(max_examples=60)
def test_no_content_breaks_a_request(content: bytes) -> None:
    directory = Path(os.environ[DIRECTORY_VARIABLE])
    budget = budget_of_this_machine()
    budget.acquire()
    for file in directory.iterdir():
        file.write_bytes(content)
    budget.unanswered()


def test_what_was_before_the_machine_started_again_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    budget_of_this_machine().answered(RateState(60, 7, 30.0))
    monkeypatch.setattr(budget_store, "_boot", lambda: "another start")
    assert budget_of_this_machine().remaining is None


def test_a_clock_that_begins_again_forgets_too(directory: Path) -> None:
    store = store_for("account")
    Budget(clock=lambda: 1_000.0).shared(store).answered(RateState(60, 7, 30.0))
    assert Budget(clock=lambda: 5.0).shared(store).remaining is None


def test_a_lock_that_is_held_by_a_frozen_process_holds_nobody_up(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_store, "_LONGEST_WAIT_FOR_LOCK", 0.05)
    budget = budget_of_this_machine()
    budget.answered(RateState(60, 7, 30.0))

    def hold(has_it: multiprocessing.synchronize.Event) -> None:
        with store_for("https://api.example.org", TOKEN).open(time.monotonic()):
            has_it.set()
            time.sleep(600)

    forked = multiprocessing.get_context("fork")
    has_it = forked.Event()
    process = forked.Process(target=hold, args=(has_it,), daemon=True)
    process.start()
    try:
        assert has_it.wait(30)
        budget.acquire()
        assert budget.remaining == 7
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("kind", ["file", "symlink", "open to others", "read-only parent"])
def test_where_there_can_be_no_directory_each_process_has_its_own_and_one_line_says_so(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("")
    elif kind == "symlink":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "open to others":
        place.mkdir()
        place.chmod(0o777)
    else:
        place = Path("/proc/nobody-makes-one-here")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(place))
    with caplog.at_level(logging.INFO):
        stores = [store_for("account"), store_for("another")]
    assert all(isinstance(store, MemoryStore) for store in stores)
    assert len(caplog.records) == 1
    assert "cannot be used to share request budgets" in caplog.text


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, "")
    assert isinstance(store_for("account"), MemoryStore)


def test_by_default_it_is_in_a_directory_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECTORY_VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert isinstance(store_for("account"), FileStore)
    assert [path.name for path in tmp_path.iterdir()] == ["airflow-provider-sender"]


# Many processes at once


class Shared:
    """A service that several processes ask: what it counts is in shared memory."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.lock = multiprocessing.get_context("fork").Lock()
        self.times = multiprocessing.get_context("fork").Array("d", 4_000, lock=False)
        self.counts = multiprocessing.get_context("fork").Array("i", 3, lock=False)  # received, refused, in this window
        self.window = multiprocessing.get_context("fork").Value("d", 0.0, lock=False)

    @property
    def refused(self) -> int:
        return int(self.counts[1])


class LastSeconds(Shared):
    """It counts what it received in the last seconds."""

    def receive(self) -> RateState | None:
        with self.lock:
            now = time.monotonic()
            received = self.counts[0]
            recent = sum(self.times[number] > now - self.seconds for number in range(received))
            if recent >= self.limit:
                self.counts[1] += 1
                return None
            self.times[received] = now
            self.counts[0] += 1
            return RateState(self.limit, self.limit - recent - 1, self.seconds)


class Windows(Shared):
    """It counts in windows, each of which begins with its first request."""

    def receive(self) -> RateState | None:
        with self.lock:
            now = time.monotonic()
            if now >= self.window.value:
                self.window.value, self.counts[2] = now + self.seconds, 0
            if self.counts[2] >= self.limit:
                self.counts[1] += 1
                return None
            self.counts[2] += 1
            self.counts[0] += 1
            return RateState(self.limit, self.limit - self.counts[2], self.window.value - now)


def ask(service: Shared, budget: Budget, calls: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(calls):
        budget.acquire(max_wait=60)
        time.sleep(chance.uniform(0, 0.01))
        state = service.receive()  # type: ignore[attr-defined]
        time.sleep(chance.uniform(0, 0.01))
        if state is None:
            budget.unanswered()
        else:
            budget.answered(state)


@pytest.mark.parametrize("kind", ["sliding", "windows", "paced"])
def test_of_four_processes_that_share_an_account_none_is_refused(kind: str) -> None:
    service: Shared = Windows(20, 1.2) if kind == "windows" else LastSeconds(20, 0.5)

    def work(seed: int) -> None:
        budget: Budget
        if kind == "sliding":
            budget = SlidingBudget(window=0.5)
        elif kind == "windows":
            budget = Budget(window=1.2)
        else:
            budget = Budget(paces=(Pace(18, 0.6),))
        ask(service, budget.shared(store_for("https://api.example.org", TOKEN)), 25, seed)

    # One that is told the limit first, as nobody can know it before.
    assert in_a_process(lambda: work(0)) == 0
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=work, args=(seed,)) for seed in range(1, 5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert (service.counts[0], service.refused) == (125, 0)


def test_a_process_that_begins_where_another_has_ended_is_not_refused() -> None:
    """As one task after the other does: the second must know what the first has just used."""
    service = LastSeconds(5, 0.6)

    def work() -> None:
        ask(service, SlidingBudget(window=0.6).shared(store_for("https://api.example.org", TOKEN)), 5, seed=1)

    for _ in range(4):
        assert in_a_process(work) == 0
    assert service.refused == 0


@given(requests=st.integers(61, 2_000), gaps=st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_a_large_pace_is_counted_in_steps_and_never_exceeded(requests: int, gaps: list[float]) -> None:
    state, now, made = BudgetState(), 0.0, []
    for gap in gaps:
        now += gap
        delay = state.delay_of("p", requests, 60.0, now)
        assert delay >= 0.0
        if delay == 0.0:
            state.count_sent("p", requests, 60.0, now)
            made.append(now)
        assert sum(each > now - 60.0 for each in made) <= sum(each.count for each in state.sent["p"]) <= requests
    assert len(state.sent["p"]) <= 122
