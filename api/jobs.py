"""Long work in the server's process, one at a time: ingests and reindexes, with their progress for who follows.

Jobs live as long as the server; what an ingest did is in the workspace's own record of runs.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from api.encode import error_body, plain, to_json
from index.errors import BusyError, NotFoundError, TowerError

if TYPE_CHECKING:
    from api.service import Progress

log = logging.getLogger("tower.http")
JobStatus = Literal["running", "done", "failed"]
KEPT = 50  # jobs that are remembered after they ended
KEEP_ALIVE_S = 15.0


@dataclass
class Job:
    """One piece of work. `done` and `total` belong to `step`, the part it is at; `error` is set when it failed."""

    id: str
    kind: str
    started_at: str
    status: JobStatus = "running"
    ended_at: str = ""
    step: str = ""
    done: int = 0
    total: int | None = None
    result: Any = None
    error: dict[str, str] | None = None
    changes: int = field(default=0, repr=False)  # counts what happened, for those who follow

    def view(self) -> dict[str, Any]:
        """What the API shows of it."""
        return {key: value for key, value in plain(self).items() if key != "changes"}


class Jobs:
    """The jobs of one server."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()

    def begin(self, kind: str, work: Callable[[Progress], Any]) -> Job:
        """Run `work` in a thread of its own; `BusyError` while another job runs."""
        with self._changed:
            running = next((job for job in self._jobs.values() if job.status == "running"), None)
            if running is not None:
                raise BusyError(
                    f"the {running.kind} {running.id} is running",
                    hint=f"wait for it: GET /v1/admin/jobs/{running.id}",
                )
            job = Job(uuid.uuid4().hex[:12], kind, _now())
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-KEPT]:
                del self._jobs[old]
        threading.Thread(target=self._run, args=(job, work), name=f"tower-{kind}", daemon=True).start()
        return job

    def list(self) -> list[dict[str, Any]]:
        """Every job that is remembered, the newest first."""
        with self._changed:
            return [job.view() for job in reversed(self._jobs.values())]

    def get(self, job_id: str) -> dict[str, Any]:
        """One job; raises `NotFoundError`."""
        with self._changed:
            return self._of(job_id).view()

    def events(self, job_id: str) -> Iterator[str]:
        """Server-sent events: `progress` as it goes (the latest of each moment), then `done` or `error`.

        Raises `NotFoundError` at once for a job that is not known.
        """
        with self._changed:
            return self._follow(self._of(job_id))

    def _follow(self, job: Job) -> Iterator[str]:
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: job.changes > seen, timeout=KEEP_ALIVE_S)  # noqa: B023
                silent, seen = job.changes == seen, job.changes
                view = job.view()
            if silent:
                yield ": still working\n\n"
                continue
            if view["step"]:
                step = {"what": view["step"], "done": view["done"], "total": view["total"]}
                yield f"event: progress\ndata: {to_json(step)}\n\n"
            if view["status"] == "failed":
                yield f"event: error\ndata: {to_json(view['error'])}\n\n"
                return
            if view["status"] == "done":
                yield f"event: done\ndata: {to_json(view)}\n\n"
                return

    def _run(self, job: Job, work: Callable[[Progress], Any]) -> None:
        def progress(what: str, done: int, total: int | None) -> None:
            with self._changed:
                job.step, job.done, job.total = what, done, total
                self._tell(job)

        try:
            result = plain(work(progress))
            with self._changed:
                job.result, job.status = result, "done"
        except TowerError as error:
            self._fail(job, error_body(error)["error"])
        except Exception as error:  # the trace is for the log, not for the caller
            log.exception("the %s %s failed", job.kind, job.id)
            message = f"unexpected {type(error).__name__}: {error}"
            self._fail(job, {"code": "internal", "message": message, "hint": "the server's log has the trace"})
        with self._changed:
            job.ended_at = _now()
            self._tell(job)

    def _fail(self, job: Job, error: dict[str, str]) -> None:
        with self._changed:
            job.error, job.status = error, "failed"

    def _tell(self, job: Job) -> None:
        job.changes += 1
        self._changed.notify_all()

    def _of(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise NotFoundError(f"no job {job_id}", hint="GET /v1/admin/jobs lists them")
        return self._jobs[job_id]


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
