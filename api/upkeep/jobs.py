"""Long work in the server's process: ingests, reindexes, training, one job a source, with progress for who follows.

`api.upkeep.durable` keeps jobs in a database, so that one that a kill cut off goes on with the next start, and runs
schedules. Without it jobs live as long as the server; what an ingest did is in the workspace's own record of runs
either way.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from api.encode import error_body, plain
from index.errors import BusyError, NotFoundError, TowerError, UsageError

if TYPE_CHECKING:
    from api.service import Progress

log = logging.getLogger("tower.http")
JobStatus = Literal["running", "done", "failed", "cancelled"]
Handler = Callable[[Mapping[str, Any], "Progress"], Any]
KEPT = 50  # jobs that are remembered after they ended
ATTEMPTS = 3  # of a job whose database was busy


class JobCancelled(BaseException):
    """Ends the work of a cancelled job at its next word of progress; nothing but its runner catches it."""


class Journal(Protocol):
    """Where jobs are kept so that they outlive the process; `api.upkeep.durable.DurableJournal`."""

    def start(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> None:
        """Keep a job and run it, with `Jobs.run`; returns at once."""
        ...

    def forget(self, job_id: str) -> None:
        """A job was cancelled: the next start is not to go on with it."""
        ...

    def past(self) -> list[dict[str, Any]]:
        """Jobs of earlier processes, newest first, as `Job.view` gives them."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


@dataclass
class Job:
    """One piece of work on `sources`, empty for all. `done` and `total` belong to `step`, the part it is at; `rate` is
    that step's, a second, and `left_s` is how long it takes at that rate. `error` is set when it failed.
    """

    id: str
    kind: str
    started_at: str
    sources: tuple[str, ...] = ()
    status: JobStatus = "running"
    ended_at: str = ""
    step: str = ""
    done: int = 0
    total: int | None = None
    rate: float | None = None
    left_s: float | None = None
    result: Any = None
    error: dict[str, str] | None = None
    resumed: bool = False
    changes: int = field(default=0, repr=False)  # counts what happened, for those who follow
    stopping: bool = field(default=False, repr=False)
    since: tuple[float, int] = field(default=(0.0, 0), repr=False)  # when the step began, and how far it was then

    def view(self) -> dict[str, Any]:
        """What the API shows of it."""
        hidden = ("changes", "stopping", "since")
        return {key: value for key, value in plain(self).items() if key not in hidden}

    def tell(self, what: str, done: int, total: int | None) -> None:
        """Take a word of progress."""
        now = time.monotonic()
        if what != self.step or done < self.done:
            self.since = (now, done)
        self.step, self.done, self.total = what, done, total
        elapsed, made = now - self.since[0], done - self.since[1]
        self.rate = round(made / elapsed, 1) if made > 0 and elapsed > 0.05 else None
        self.left_s = round((total - done) / self.rate, 1) if total and self.rate else None


class Jobs:
    """The jobs of one server. `handlers` do the work of each kind."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        self._jobs: dict[str, Job] = {}
        self._mutex = threading.Lock()
        self._opening: threading.Thread | None = None
        self._journal: Journal | None = None

    def open_journal(self, opener: Callable[[], Journal]) -> None:
        """Open the journal in the background: a server that starts must not wait for it."""

        def opened() -> None:
            try:
                self._journal = opener()
            except Exception as error:
                log.warning("jobs are not kept: %s: %s", type(error).__name__, error)

        self._opening = threading.Thread(target=opened, name="tower-journal", daemon=True)
        self._opening.start()

    def begin(self, kind: str, arguments: Mapping[str, Any], sources: Sequence[str] = ()) -> Job:
        """Start a job; `BusyError` with the running one's id while another works on one of its sources."""
        if self._opening is not None:
            self._opening.join()
        job = self._enter(uuid.uuid4().hex[:12], kind, tuple(sources))
        if self._journal is not None:
            try:
                self._journal.start(job.id, kind, arguments)
                return job
            except Exception as error:
                log.warning("the job %s is not kept: %s: %s", job.id, type(error).__name__, error)
        target = threading.Thread(target=self._run, args=(job, arguments), name=f"tower-{kind}", daemon=True)
        target.start()
        return job

    def run(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do the work of a job to its end, and give its view. A job that this process does not know is one that an
        earlier process could not end, or a scheduled one."""
        with self._mutex:
            known = self._jobs.get(job_id)
        if known is None:
            known = self._enter(job_id, kind, tuple(arguments.get("sources") or ()))
            known.resumed = True
        self._run(known, arguments)
        return known.view()

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to stop: it does at its next word of progress, and keeps what it committed. One that has ended is a
        `UsageError`."""
        with self._mutex:
            job = self._of(job_id)
            if job.status != "running":
                raise UsageError(f"the job {job_id} has ended: {job.status}", hint="there is nothing to cancel")
            job.stopping = True
        if self._journal is not None:
            self._journal.forget(job_id)
        return job.view()

    def list(self) -> list[dict[str, Any]]:
        """Every job that is remembered, the newest first; those of earlier processes behind them."""
        with self._mutex:
            mine = [job.view() for job in reversed(self._jobs.values())]
        known = {view["id"] for view in mine}
        past = self._journal.past() if self._journal is not None else []
        return [*mine, *(view for view in past if view["id"] not in known)]

    def get(self, job_id: str) -> dict[str, Any]:
        """One job; raises `NotFoundError`."""
        with self._mutex:
            if job_id in self._jobs:
                return self._jobs[job_id].view()
        past = self._journal.past() if self._journal is not None else []
        found = next((view for view in past if view["id"] == job_id), None)
        if found is None:
            raise NotFoundError(f"no job {job_id}", hint="GET /v1/admin/jobs lists them")
        return found

    def news(self, job_id: str, seen: int) -> tuple[int, Sequence[tuple[str, Any]], bool]:
        """What happened to a job since the change `seen` (0: from the start): the last change, events (`progress`, the
        latest only, then `done` or `error`), and whether it has ended. Waits for nothing.

        Raises `NotFoundError` for a job that is not known.
        """
        with self._mutex:
            job = self._of(job_id)
            if job.changes == seen:
                return seen, [], False
            return job.changes, told(job.view()), job.status != "running"

    def close(self) -> None:
        """Let go of the journal; work that is not done goes on with the next start."""
        if self._opening is not None:
            self._opening.join()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _enter(self, job_id: str, kind: str, sources: tuple[str, ...]) -> Job:
        if kind not in self._handlers:
            raise UsageError(f"there are no jobs of the kind {kind!r}", hint=f"one of {', '.join(self._handlers)}")
        with self._mutex:
            for other in self._jobs.values():
                if other.status == "running" and _meet(other.sources, sources):
                    raise BusyError(
                        f"the {other.kind} {other.id} is running",
                        hint=f"wait for it: GET /v1/admin/jobs/{other.id}",
                    )
            job = Job(job_id, kind, now(), sources)
            self._jobs[job.id] = job
            for old in [j.id for j in self._jobs.values() if j.status != "running"][:-KEPT]:
                del self._jobs[old]
        return job

    def _run(self, job: Job, arguments: Mapping[str, Any]) -> None:
        def progress(what: str, done: int, total: int | None) -> None:
            with self._mutex:
                if job.stopping:
                    raise JobCancelled
                job.tell(what, done, total)
                job.changes += 1
            self._progressed(job)

        try:
            self._end(job, "done", result=plain(self._work(job.kind, arguments, progress)))
        except JobCancelled:
            body = {"code": "cancelled", "message": "the job was cancelled", "hint": "what it committed is kept"}
            self._end(job, "cancelled", error=body)
        except TowerError as error:
            self._end(job, "failed", error=error_body(error)["error"])
        except Exception as error:  # the trace is for the log, not for the caller
            log.exception("the %s %s failed", job.kind, job.id)
            message = f"unexpected {type(error).__name__}: {error}"
            body = {"code": "internal", "message": message, "hint": "the server's log has the trace"}
            self._end(job, "failed", error=body)

    def _work(self, kind: str, arguments: Mapping[str, Any], progress: Progress) -> Any:
        """The work, repeated with back-off and jitter while another process holds the database."""
        import stamina

        for attempt in stamina.retry_context(on=_is_held, attempts=ATTEMPTS, timeout=None, wait_initial=1.0):
            with attempt:
                return self._handlers[kind](arguments, progress)
        raise AssertionError("unreachable")

    def _progressed(self, job: Job) -> None:
        """A job told how far it is."""

    def _end(self, job: Job, status: JobStatus, *, result: Any = None, error: dict[str, str] | None = None) -> None:
        with self._mutex:
            job.result, job.error, job.status, job.ended_at = result, error, status, now()
            job.changes += 1

    def _of(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise NotFoundError(f"no job {job_id}", hint="GET /v1/admin/jobs lists them")
        return self._jobs[job_id]


def told(view: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The state of a job as events."""
    events: list[tuple[str, Any]] = []
    if view["step"]:
        events.append(("progress", {"what": view["step"], **{n: view[n] for n in ("done", "total", "rate", "left_s")}}))
    if view["status"] in ("failed", "cancelled"):
        events.append(("error", view["error"]))
    elif view["status"] == "done":
        events.append(("done", view))
    return events


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """True where two jobs work on the same source; a job without sources works on all."""
    return not one or not other or bool(set(one) & set(other))


def _is_held(error: Exception) -> bool:
    return isinstance(error, TowerError) and "another process is writing" in error.message


def now() -> str:
    """The present moment, ISO in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
