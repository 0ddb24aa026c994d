"""The board of a shared workspace, on a real PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from index.engine import open_engine
from index.store.store import Store
from scripts.scratch_postgres import ScratchServer

VIEW = {"id": "j1", "status": "running"}


@pytest.fixture
def url(postgres: ScratchServer) -> str:
    return postgres.database("board", "")


@pytest.fixture
def board(url: str) -> Iterator[Store]:
    engine = open_engine(url)
    store = Store(engine)
    store.create()
    yield store
    engine.dispose()


def test_a_job_meets_another_on_one_of_its_sources_and_one_without_sources_meets_all(board: Store) -> None:
    assert board.begin_job("j1", "ingest", ["crm", "desk"], {"full": True}, VIEW) is None
    for sources in (["desk"], ["crm", "billing"], []):
        met = board.begin_job("j2", "reindex", sources, {}, VIEW)
        assert met is not None and (met.id, met.kind, met.arguments) == ("j1", "ingest", {"full": True})
    assert board.begin_job("j1", "ingest", ["crm"], {}, VIEW) is None  # it is there already
    assert board.begin_job("j3", "ingest", ["billing"], {}, VIEW) is None
    assert [job.id for job in board.jobs(9)] == ["j3", "j1"]
    assert board.take_job("j1", "w1") and board.tell_job("j1", "w1", {"id": "j1", "status": "done"}, "done")
    assert board.begin_job("j4", "ingest", ["crm"], {}, VIEW) is None
    assert board.begin_job("j1", "ingest", ["crm"], {}, VIEW) is None  # it ended, and is not begun again
    assert [job.id for job in board.jobs(9) if job.running] == ["j4", "j3"]


def test_of_many_that_begin_at_once_one_gets_the_source(url: str, board: Store) -> None:
    engines = [open_engine(url) for _ in range(8)]
    won: list[str] = []

    def begin(number: int) -> None:
        if Store(engines[number]).begin_job(f"j{number}", "ingest", ["crm"], {}, VIEW) is None:
            won.append(f"j{number}")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.id for job in board.jobs(9)] == won and len(won) == 1
    for engine in engines:
        engine.dispose()


def test_only_who_took_a_job_last_writes_about_it(board: Store) -> None:
    board.begin_job("j1", "ingest", ["crm"], {}, VIEW)
    assert board.tell_job("j1", "w1", {"step": "rows"}) is None  # nobody has taken it
    first = board.take_job("j1", "w1")
    assert first is not None and (first.worker, first.attempts, first.running) == ("w1", 1, True)
    second = board.take_job("j1", "w2")
    assert second is not None and second.attempts == 2
    assert board.tell_job("j1", "w1", {"step": "old"}) is None
    told = board.tell_job("j1", "w2", {"step": "rows"})
    assert told is not None and (told.view, told.changes) == ({"step": "rows"}, 1)
    board.tell_job("j1", "w2", {"step": "end"}, "done")
    ended = board.take_job("j1", "w3")
    assert ended is not None and (ended.status, ended.worker, ended.view) == ("done", "w2", {"step": "end"})
    assert board.take_job("none", "w1") is None


def test_a_stop_is_told_to_who_runs_it_and_ends_what_nobody_runs(board: Store) -> None:
    board.begin_job("j1", "ingest", ["crm"], {}, VIEW)
    board.begin_job("j2", "ingest", ["desk"], {}, VIEW)
    board.take_job("j1", "w1")
    for name in ("j1", "j2"):
        board.stop_job(name, {"status": "cancelled"})
    told = board.tell_job("j1", "w1", {"step": "rows"})
    assert told is not None and told.stopping and told.running
    waiting = board.job("j2")
    assert waiting is not None and (waiting.status, waiting.view) == ("cancelled", {"status": "cancelled"})


def test_the_latest_ended_jobs_are_kept_and_all_that_run(board: Store) -> None:
    for number in range(6):
        board.begin_job(f"j{number}", "ingest", [f"s{number}"], {}, VIEW)
        if number != 1:
            board.take_job(f"j{number}", "w1")
            board.tell_job(f"j{number}", "w1", VIEW, "done")
    board.clear_jobs(2)
    assert [job.id for job in board.jobs(9)] == ["j5", "j4", "j1"]


def test_who_is_silent_for_too_long_is_not_alive(board: Store) -> None:
    board.beat("w1", "one", "model")
    time.sleep(0.3)
    board.beat("w2", "two", "")
    assert [(w.worker, w.name, w.embeds) for w in board.workers(5)] == [("w1", "one", "model"), ("w2", "two", "")]
    assert [w.worker for w in board.workers(0.25)] == ["w2"]
    board.beat("w1", "one", "model")
    assert len(board.workers(0.25)) == 2
    time.sleep(0.3)
    board.beat("w2", "two", "")
    board.leave("w3", 0.25)
    assert [w.worker for w in board.workers(60)] == ["w2"]


def test_one_process_at_a_time_has_its_turn(url: str, board: Store) -> None:
    engine = open_engine(url)
    other, order = Store(engine), list[str]()

    def second() -> None:
        with other.exclusive("upkeep"):
            order.append("second")

    with board.exclusive("upkeep"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.6)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    with board.exclusive("upkeep"), other.exclusive("something else"):
        pass
    engine.dispose()
