"""`tower worker`: several processes over one PostgreSQL do each other's work, and a kill of one loses nothing.

The vector server is a stand-in (`scripts/local_qdrant.py`); the database, the queue and the processes are real.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from qdrant_client import QdrantClient

from api.cli import main
from api.settings import load_settings
from index.errors import SettingsError
from scripts.local_fleet import LocalFleet, local_fleet, write_notes
from scripts.local_qdrant import local_qdrant
from scripts.scratch_postgres import ScratchServer

COUNT, WORDS = 200, 70


@pytest.fixture(scope="module")
def vectors() -> Iterator[str]:
    with local_qdrant() as url:
        yield url


class World:
    """A fleet, its database and its vector server."""

    def __init__(self, fleet: LocalFleet, url: str, vectors: str) -> None:
        self.fleet, self.vectors = fleet, vectors
        self.engine = sa.create_engine(url)

    def rows(self, query: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def runner(self, job_id: str) -> int:
        """The process that runs a job; 0 while none does."""
        found = self.rows(
            f"SELECT w.name FROM _tower_jobs j JOIN _tower_workers w ON w.worker = j.worker WHERE j.id = '{job_id}'"
        )
        return int(found[0][0].rpartition(":")[2]) if found else 0

    def check(self, edition: int) -> None:
        """The vector index is exactly what the SQL index says, in one live generation, and nothing is left over."""
        live = self.rows("SELECT generation FROM _tower_generations WHERE status = 'live'")
        assert len(live) == 1
        assert self.rows("SELECT COUNT(*) FROM _tower_generations WHERE status = 'building'") == [(0,)]
        chunks = dict(self.rows("SELECT chunk_id, hash FROM _tower_chunks"))
        held = f"SELECT chunk_id, hash FROM _tower_vectors WHERE generation = '{live[0][0]}'"
        assert len(chunks) == COUNT and dict(self.rows(held)) == chunks
        client = QdrantClient(url=self.vectors, check_compatibility=False)
        name = next(c.name for c in client.get_collections().collections if c.name.endswith(live[0][0]))
        assert client.count(name).count == COUNT
        client.close()
        _until(lambda: self._finds(edition), 30)  # the server hears of the job's end within a second or two
        assert self.rows("SELECT COUNT(*) FROM dbos.workflow_status WHERE name = 'tower_embed'") == [(0,)]

    def _finds(self, edition: int) -> bool:
        found = self.fleet.client.post("/v1/search", json={"query": f"Note 7 of edition {edition}", "k": 5}).json()
        return [f"of edition {edition}" in hit["text"] for hit in found["hits"]] == [True] * 5


@pytest.fixture
def world(tmp_path: Path, postgres: ScratchServer, vectors: str) -> Iterator[World]:
    write_notes(tmp_path, COUNT, WORDS)
    url = postgres.database("workers", "")
    with local_fleet(tmp_path, url, vectors, lease_s=4, run_by="workers") as fleet:
        world = World(fleet, url, vectors)
        yield world
        world.engine.dispose()


def _until(holds: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)


def _kill(world: World, job_id: str, step: str) -> subprocess.Popen[bytes]:
    """Kill who runs a job, when it is at `step`; the process."""
    _until(lambda: world.fleet.job(job_id)["step"] == step)
    pid = world.runner(job_id)
    assert world.fleet.job(job_id)["status"] == "running", "it ended before the kill"
    os.kill(pid, signal.SIGKILL)
    return next(one for one in world.fleet.processes if one.pid == pid)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_job_of_a_killed_worker_is_completed_by_the_other(world: World) -> None:
    fleet = world.fleet
    first = fleet.begin("ingest", sources=["notes"])
    assert first.status_code == 202 and fleet.job(first.json()["id"])["step"] == "waiting for a worker"
    job_id = first.json()["id"]
    second = fleet.begin("ingest", sources=["notes"])
    assert second.status_code == 409 and job_id in second.json()["detail"]
    workers = [fleet.worker(), fleet.worker()]
    killed = _kill(world, job_id, "embedding passages")
    assert killed in workers and killed.wait(10) == -signal.SIGKILL
    view = fleet.ended(job_id)
    assert (view["status"], view["resumed"]) == ("done", True), view
    assert view["result"][0]["totals"]["read"] == COUNT
    world.check(1)

    # and again, over a rebuild: of what changed meanwhile nothing is mixed with what was there
    write_notes(fleet.home, COUNT, WORDS, edition=2)
    fleet.worker()
    rebuilt = fleet.begin("reindex", sources=["notes"]).json()["id"]
    _kill(world, rebuilt, "embedding passages")
    view = fleet.ended(rebuilt)
    assert (view["status"], view["resumed"], view["result"]["generation"]) == ("done", True, "g0002"), view
    world.check(2)
    finished = "SELECT workflow_uuid, status FROM dbos.workflow_status WHERE name = 'tower_job' ORDER BY created_at"
    assert world.rows(finished) == [(job_id, "SUCCESS"), (rebuilt, "SUCCESS")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_that_is_stopped_hands_its_job_on_and_one_alone_does_all(world: World) -> None:
    fleet = world.fleet
    worker = fleet.worker()
    job_id = fleet.begin("ingest", sources=["notes"]).json()["id"]
    _until(lambda: fleet.job(job_id)["step"] == "embedding passages")
    worker.terminate()
    assert worker.wait(30) == 0 and fleet.job(job_id)["status"] == "running"
    fleet.worker()
    assert fleet.ended(job_id)["status"] == "done"
    world.check(1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_compute_vectors_for_a_server_with_the_embedded_engine(tmp_path: Path, postgres: ScratchServer) -> None:
    write_notes(tmp_path, COUNT, WORDS)
    url = postgres.database("embedded", "")
    with local_fleet(tmp_path, url, "", lease_s=4) as fleet:
        world = World(fleet, url, "")
        fleet.worker()
        job_id = fleet.begin("ingest", sources=["notes"]).json()["id"]
        helped = "SELECT COUNT(*) FROM dbos.workflow_status WHERE name = 'tower_embed' AND status = 'SUCCESS'"
        _until(lambda: world.rows(helped)[0][0] or fleet.job(job_id)["status"] != "running")
        assert world.runner(job_id) == fleet.processes[0].pid  # the server owns the vector index
        _until(lambda: fleet.job(job_id)["done"] >= 64)
        fleet.processes[1].kill()  # what it holds is computed by the server
        assert fleet.ended(job_id)["status"] == "done"
        assert fleet.client.get("/v1/status").json()["vectors"] == COUNT
        world.engine.dispose()


def test_jobs_are_shared_over_a_database_that_is_shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text, missing in (
        ("jobs: {shared: true}", "index.url"),
        ("jobs: {run_by: workers}", "vectors.url"),
        ("jobs: {shared: true, run_by: workers}\nindex: {url: 'postgresql://db/tower'}", "vectors.url"),
    ):
        (tmp_path / "tower.yaml").write_text(text)
        with pytest.raises(SettingsError, match=missing):
            load_settings(tmp_path)
    (tmp_path / "tower.yaml").write_text("sources: {}\n")
    assert main(["worker", "--home", str(tmp_path)]) == 2
    assert "are not shared" in capsys.readouterr().err
