"""Jobs: one a source, progress, cancelling, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.upkeep.jobs import Job, Jobs
from index.errors import BusyError, NotFoundError, StorageError, UsageError

ROOT = Path(__file__).parents[3]


class Work:
    """A handler that waits to be let on, and tells its progress."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.failures = 0

    def __call__(self, given: Any, told: Callable[[str, int, int | None], None]) -> Any:
        if self.failures:
            self.failures -= 1
            raise StorageError("the SQL index failed: another process is writing to it")
        told("crm: accounts", 0, 10)
        self.begun.set()
        while not self.go.wait(0.02):
            told("crm: accounts", 1, 10)
        told("crm: accounts", 10, 10)
        return [{"source": name, "status": "ok"} for name in given["sources"]]


@pytest.fixture
def work() -> Work:
    return Work()


def _ended(jobs: Jobs, job: Job) -> dict[str, Any]:
    seen, ended = 0, False
    while not ended:
        seen, _, ended = jobs.news(job.id, seen)
        time.sleep(0.01)
    return jobs.get(job.id)


def test_a_second_job_on_the_same_source_gets_the_first_ones_id(work: Work) -> None:
    jobs = Jobs({"ingest": work})
    first = jobs.begin("ingest", {"sources": ["crm"]}, ["crm"])
    for sources in (["crm", "billing"], []):
        with pytest.raises(BusyError) as refused:
            jobs.begin("ingest", {"sources": sources}, sources)
        assert first.id in refused.value.message and first.id in refused.value.hint
    other = jobs.begin("ingest", {"sources": ["billing"]}, ["billing"])
    work.go.set()
    assert [_ended(jobs, job)["status"] for job in (first, other)] == ["done", "done"]
    assert _ended(jobs, jobs.begin("ingest", {"sources": ["crm"]}, ["crm"]))["result"] == [
        {"source": "crm", "status": "ok"}
    ]


def test_progress_tells_rate_and_time_left(work: Work) -> None:
    jobs = Jobs({"ingest": work})
    job = jobs.begin("ingest", {"sources": []})
    work.begun.wait(5)
    time.sleep(0.15)
    view = jobs.get(job.id)
    assert view["rate"] > 0 and view["left_s"] > 0 and (view["done"], view["total"]) == (1, 10)
    work.go.set()
    assert _ended(jobs, job)["status"] == "done"


def test_a_cancelled_job_stops_at_its_next_word(work: Work) -> None:
    jobs = Jobs({"ingest": work})
    job = jobs.begin("ingest", {"sources": []})
    work.begun.wait(5)
    jobs.cancel(job.id)
    assert _ended(jobs, job)["status"] == "cancelled"
    with pytest.raises(UsageError, match="has ended"):
        jobs.cancel(job.id)
    with pytest.raises(NotFoundError):
        jobs.cancel("none")


def test_a_database_that_is_held_is_tried_again(work: Work) -> None:
    jobs = Jobs({"ingest": work})
    work.failures = 1
    work.go.set()
    assert _ended(jobs, jobs.begin("ingest", {"sources": []}))["status"] == "done"


def test_a_failure_is_told_with_its_code(work: Work) -> None:
    def failing(_given: Any, _told: Any) -> Any:
        raise NotFoundError("no source 'crn'", hint="did you mean 'crm'?")

    jobs = Jobs({"ingest": failing})
    view = _ended(jobs, jobs.begin("ingest", {}))
    assert view["status"] == "failed" and view["error"]["code"] == "not_found"
    with pytest.raises(UsageError, match="no jobs of the kind"):
        jobs.begin("dance", {})


SERVER = """
import json, sys, time
from pathlib import Path
from api.upkeep.durable import DurableJournal, Schedule, journal_url
from api.upkeep.jobs import Jobs

home, begin = Path(sys.argv[1]), sys.argv[2]
log = home / "log"

def work(given, told):
    done = len(log.read_text().splitlines()) if log.exists() else 0
    for n in range(done, given["count"]):
        with log.open("a") as file:
            file.write(f"{n}\\n")
        told("rows", n + 1, given["count"])
        time.sleep(0.05)
    return {"count": given["count"]}

jobs = Jobs({"ingest": work})
schedules = (Schedule("often", "* * * * * *", "ingest", {"count": 40}),) if begin == "scheduled" else ()
jobs.open_journal(lambda: DurableJournal(journal_url("", home), jobs.run, schedules))
if begin == "begin":
    print(jobs.begin("ingest", {"count": 40}).id, flush=True)
else:
    jobs._opening.join()
    print("ready", flush=True)
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    done = [view for view in jobs.list() if view["status"] == "done"]
    if done:
        print(json.dumps(done[0]), flush=True)
        break
    time.sleep(0.05)
jobs.close()
"""


def _serve(home: Path, how: str) -> subprocess.Popen[str]:
    script = home / "server.py"
    script.write_text(SERVER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(script), str(home), how], stdout=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.slow
def test_a_job_that_a_kill_cut_off_goes_on_with_the_next_start(tmp_path: Path) -> None:
    first = _serve(tmp_path, "begin")
    assert first.stdout is not None
    job_id = first.stdout.readline().strip()
    while not (tmp_path / "log").exists() or len((tmp_path / "log").read_text().splitlines()) < 5:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    assert len((tmp_path / "log").read_text().splitlines()) < 40
    second = _serve(tmp_path, "go on")
    said, _ = second.communicate(timeout=40)
    view = json.loads(said.splitlines()[-1])
    assert (view["id"], view["status"], view["resumed"], view["result"]) == (job_id, "done", True, {"count": 40})
    assert (tmp_path / "log").read_text().split() == [str(n) for n in range(40)]


@pytest.mark.slow
def test_a_schedule_begins_a_job_by_itself(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"{n}\n" for n in range(39)))
    server = _serve(tmp_path, "scheduled")
    said, _ = server.communicate(timeout=40)
    assert json.loads(said.splitlines()[-1])["result"] == {"count": 40}
