"""Jobs that several processes share: two parts of one workspace, in one process, on a real PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from api.upkeep.shared_jobs import MOST_ATTEMPTS, WAITING, SharedJobs
from index.engine import open_engine
from index.errors import BusyError, NotFoundError, StorageError, UsageError
from index.store.store import Store
from scripts.scratch_postgres import ScratchServer


class Line:
    """A queue in memory: jobs wait in it until a test lets somebody run them."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.alive: set[str] = set()
        self.broken = False

    def start(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> None:
        if self.broken:
            raise ConnectionError("no queue")
        self.waiting.setdefault(job_id, (kind, arguments))

    def revive(self, alive: set[str]) -> None:
        self.alive = alive

    def forget(self, job_id: str) -> None: ...

    def past(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None: ...


class Part:
    """One process's jobs, with a handler that goes on when it is let."""

    def __init__(self, store: Store, name: str, line: Line) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.elsewhere = threading.Event()
        self.jobs = SharedJobs({"ingest": self._work}, store, name, name, lease_s=2.0, elsewhere=self.elsewhere.set)
        self.line = line
        self.jobs.open_queue(lambda: line)

    def _work(self, given: Any, told: Callable[[str, int, int | None], None]) -> Any:
        self.begun.set()
        done = 0
        while not self.go.wait(0.02):
            told("rows", done := done + 1, 1000)
        return {"read": given["sources"]}

    def run(self, job_id: str) -> threading.Thread:
        kind, arguments = self.line.waiting[job_id]
        thread = threading.Thread(target=self.jobs.run, args=(job_id, kind, arguments))
        thread.start()
        assert self.begun.wait(5)
        return thread


@pytest.fixture
def store(postgres: ScratchServer) -> Iterator[Store]:
    engine = open_engine(postgres.database("shared", ""))
    store = Store(engine)
    store.create()
    yield store
    engine.dispose()


@pytest.fixture
def parts(store: Store) -> Iterator[tuple[Part, Part]]:
    line = Line()
    both = Part(store, "one", line), Part(store, "two", line)
    yield both
    for part in both:
        part.go.set()
        part.jobs.close()


def _until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


def test_a_second_job_on_a_source_gets_the_first_ones_id_whichever_process_is_asked(parts: tuple[Part, Part]) -> None:
    one, two = parts
    first = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    assert one.jobs.get(first.id)["step"] == WAITING
    for sources in (["crm"], []):
        with pytest.raises(BusyError) as refused:
            two.jobs.begin("ingest", {"sources": sources}, sources)
        assert first.id in refused.value.message and first.id in refused.value.hint
    with pytest.raises(UsageError, match="no jobs of the kind"):
        two.jobs.begin("dance", {})


def test_all_see_how_far_a_job_is_and_those_elsewhere_hear_of_its_end(parts: tuple[Part, Part]) -> None:
    one, two = parts
    job = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    thread = two.run(job.id)
    _until(lambda: one.jobs.get(job.id)["step"] == "rows")
    _until(lambda: one.jobs.news(job.id, 0)[1])
    seen, told, ended = one.jobs.news(job.id, 0)
    assert told[0][0] == "progress" and told[0][1]["total"] == 1000 and not ended and two.jobs.busy()
    two.go.set()
    thread.join()
    _until(lambda: one.jobs.news(job.id, seen)[2])
    assert one.jobs.get(job.id)["result"] == {"read": ["crm"]} and not one.jobs.get(job.id)["resumed"]
    assert one.elsewhere.wait(5) and not two.elsewhere.is_set() and not two.jobs.busy()
    assert [view["id"] for view in two.jobs.list()] == [job.id]
    with pytest.raises(UsageError, match="has ended"):
        one.jobs.cancel(job.id)


def test_who_was_taken_for_dead_ends_and_writes_nothing(parts: tuple[Part, Part]) -> None:
    one, two = parts
    job = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    slow = one.run(job.id)
    taken = two.run(job.id)  # one is alive, and two took it over
    slow.join(5)
    assert not slow.is_alive() and one.jobs.get(job.id)["status"] == "running"
    two.go.set()
    taken.join()
    view = one.jobs.get(job.id)
    assert (view["status"], view["resumed"], view["result"]) == ("done", True, {"read": ["crm"]})
    assert one.jobs.run(job.id, "ingest", {})["result"] == view["result"]  # done is done


def test_a_job_is_stopped_from_any_process(parts: tuple[Part, Part]) -> None:
    one, two = parts
    job = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    waits = one.jobs.begin("ingest", {"sources": ["desk"]}, ["desk"])
    thread = two.run(job.id)
    one.jobs.cancel(job.id)
    thread.join(5)
    assert one.jobs.get(job.id)["status"] == "cancelled"
    assert two.jobs.cancel(waits.id)["status"] == "cancelled"
    assert one.jobs.run(waits.id, "ingest", {"sources": ["desk"]})["status"] == "cancelled"
    with pytest.raises(NotFoundError):
        one.jobs.cancel("none")


def test_what_is_on_the_board_and_in_no_queue_is_handed_out_later(parts: tuple[Part, Part]) -> None:
    one, two = parts
    one.line.broken = True
    job = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    assert not one.line.waiting
    one.line.broken = False
    _until(lambda: job.id in one.line.waiting)
    assert one.line.alive == two.line.alive == {"one", "two"}


def test_a_job_over_which_workers_die_is_given_up(parts: tuple[Part, Part], store: Store) -> None:
    one, _ = parts
    job = one.jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    for number in range(MOST_ATTEMPTS):
        store.take_job(job.id, f"dead-{number}")
    view = one.jobs.run(job.id, "ingest", {"sources": ["crm"]})
    assert view["status"] == "failed" and "died" in view["error"]["message"]
    assert not one.begun.is_set() and one.jobs.get(job.id)["status"] == "failed"
    with pytest.raises(NotFoundError, match="not on the board"):
        one.jobs.run("unknown", "ingest", {})


def test_without_a_queue_nothing_is_promised(store: Store) -> None:
    def broken() -> Line:
        raise ConnectionError("no database")

    jobs = SharedJobs({"ingest": lambda *_: None}, store, "three", "three")
    jobs.open_queue(broken)
    with pytest.raises(StorageError, match="cannot be handed out"):
        jobs.begin("ingest", {"sources": []})
    assert jobs.list() == []
    jobs.close()
    assert [one.worker for one in store.workers(60)] == []
