"""The jobs of a workspace that several processes share: on a board in the SQL index, taken from one queue.

A job is on the board before it is in the queue, and what is on the board and in no queue is put there again, so that a
kill between the two loses nothing. Whoever runs a job writes how far it is; one that was taken for dead and goes on
finds that its job is another's, and ends.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from api.encode import plain
from api.upkeep.jobs import KEPT, Handler, Job, JobCancelled, Jobs, JobStatus, Journal, now, told
from index.errors import BusyError, NotFoundError, StorageError, UsageError

if TYPE_CHECKING:
    from index.store.jobs import BoardJob, JobBoard

log = logging.getLogger("tower.http")
WAITING = "waiting for a worker"
MOST_ATTEMPTS = 20  # workers that may die over a job before it is given up
_TELL_S = 0.5  # between two words of progress on the board


class Queue(Journal, Protocol):
    """A journal that processes share; `api.upkeep.fleet.Fleet`."""

    def revive(self, alive: set[str]) -> None:
        """Put back into the queue what those have begun who are not among `alive`."""
        ...


class SharedJobs(Jobs):
    """The jobs of all processes, from where one of them stands: `worker` is its id, `name` what people call it.

    `embeds` is the model that it computes vectors with for others, empty for none. `elsewhere` is called after a job
    ended in another process: what this one remembers of the workspace may be old.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        board: JobBoard,
        worker: str,
        name: str,
        *,
        embeds: str = "",
        lease_s: float = 20.0,
        elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(handlers)
        self._board, self._worker, self._name, self._embeds = board, worker, name, embeds
        self._lease_s, self._elsewhere = lease_s, elsewhere
        self._seen: dict[str, BoardJob] = {}
        self._told: dict[str, float] = {}  # the jobs that run here, and when the board last heard of them
        self._unsaved: dict[str, tuple[JobStatus, dict[str, Any]]] = {}  # ends that the board did not take yet
        self._queue: Queue | None = None
        self._closing = threading.Event()
        self._watching: threading.Thread | None = None

    def open_queue(self, opener: Callable[[], Queue]) -> None:
        """Open the queue in the background, and watch the board from then on."""

        def opened() -> Queue:
            self._board.beat(self._worker, self._name, self._embeds)  # before it can take anything
            self._refresh()
            self._watching = threading.Thread(target=self._watch, name="tower-board", daemon=True)
            self._watching.start()
            self._queue = opener()
            return self._queue

        self.open_journal(opened)

    def begin(self, kind: str, arguments: Mapping[str, Any], sources: Sequence[str] = (), job_id: str = "") -> Job:
        """Hand out a job; `BusyError` with the running one's id while one of any process works on its sources."""
        if kind not in self._handlers:
            raise UsageError(f"there are no jobs of the kind {kind!r}", hint=f"one of {', '.join(self._handlers)}")
        if not self.opened() or self._queue is None:
            raise StorageError("jobs cannot be handed out: their database was not opened", hint="the log says why")
        job = Job(job_id or uuid.uuid4().hex[:12], kind, now(), tuple(sources), step=WAITING)
        given = plain(arguments)
        other = self._board.begin_job(job.id, kind, job.sources, given, job.view())
        if other is not None:
            raise BusyError(
                f"the {other.kind} {other.id} is running", hint=f"wait for it: GET /v1/admin/jobs/{other.id}"
            )
        try:
            self._queue.start(job.id, kind, given)
        except Exception as error:
            log.warning("the job %s is handed out later: %s: %s", job.id, type(error).__name__, error)
        self._refresh()
        return job

    def run(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Take a job, do its work to the end, and give its view. One that has ended already is only told."""
        taken = self._board.take_job(job_id, self._worker)
        if taken is None:
            raise NotFoundError(f"the job {job_id} is not on the board", hint="it is of another workspace, or cleared")
        if not taken.running:
            return dict(taken.view)
        job = Job(job_id, kind, str(taken.view["started_at"]), taken.sources)
        job.resumed, job.stopping = taken.attempts > 1, taken.stopping
        with self._mutex:
            self._told[job_id] = 0.0
        if taken.attempts > MOST_ATTEMPTS:
            message = f"{MOST_ATTEMPTS} workers died over it"
            body = {"code": "failed", "message": message, "hint": "their logs say more; begin it again when mended"}
            self._end(job, "failed", error=body)
        else:
            log.info("%s the %s %s", "going on with" if job.resumed else "beginning", kind, job_id)
            self._run(job, arguments)
        self._board.clear_jobs(KEPT)
        return job.view()

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to stop, whoever runs it; one that nobody has taken yet ends at once."""
        held = self._found(job_id)
        if not held.running:
            raise UsageError(f"the job {job_id} has ended: {held.status}", hint="there is nothing to cancel")
        body = {"code": "cancelled", "message": "the job was cancelled", "hint": "it had not begun"}
        ended = {**held.view, "status": "cancelled", "ended_at": now(), "error": body}
        left = self._board.stop_job(job_id, ended)
        self._refresh()
        return dict((left or held).view)

    def list(self) -> list[dict[str, Any]]:
        """The latest jobs of all processes, the newest first."""
        with self._mutex:
            return [dict(job.view) for job in self._seen.values()]

    def get(self, job_id: str) -> dict[str, Any]:
        """One job; raises `NotFoundError`."""
        return dict(self._found(job_id).view)

    def news(self, job_id: str, seen: int) -> tuple[int, Sequence[tuple[str, Any]], bool]:
        """As `Jobs.news`, of a job of any process: what was last seen of the board, so that nothing is waited for."""
        with self._mutex:
            job = self._seen.get(job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id}", hint="GET /v1/admin/jobs lists them")
        if job.changes == seen:
            return seen, [], False
        return job.changes, told(job.view), not job.running

    def close(self) -> None:
        """Leave: others go on at once with what is not done."""
        self._closing.set()
        if self._watching is not None:
            self._watching.join()
        super().close()
        try:
            self._board.leave(self._worker, 10 * self._lease_s)
        except StorageError as error:
            log.warning("%s", error.message)

    def opened(self) -> bool:
        """Wait for the queue; False where it could not be opened, which the log tells why."""
        if self._opening is not None:
            self._opening.join()
        return self._queue is not None

    def busy(self) -> bool:
        """True while a job runs in this process."""
        with self._mutex:
            return bool(self._told)

    def _found(self, job_id: str) -> BoardJob:
        found = self._board.job(job_id)
        if found is None:
            raise NotFoundError(f"no job {job_id}", hint="GET /v1/admin/jobs lists them")
        return found

    def _progressed(self, job: Job) -> None:
        """Write on the board how far a job is, now and then; learn from it that it is to stop."""
        with self._mutex:
            if time.monotonic() - self._told.get(job.id, 0.0) < _TELL_S:
                return
            self._told[job.id] = time.monotonic()
        held = self._board.tell_job(job.id, self._worker, job.view())
        if held is None:
            log.warning("the %s %s is another's by now: it ends here", job.kind, job.id)
            raise JobCancelled
        job.stopping = job.stopping or held.stopping

    def _end(self, job: Job, status: JobStatus, *, result: Any = None, error: dict[str, str] | None = None) -> None:
        super()._end(job, status, result=result, error=error)
        with self._mutex:
            self._unsaved[job.id] = (status, job.view())
        try:
            self._save_ends()
        except StorageError as failure:  # it is tried again as long as this process lives
            log.warning("the end of the %s %s is not on the board yet: %s", job.kind, job.id, failure.message)
        with self._mutex:
            self._told.pop(job.id, None)

    def _save_ends(self) -> None:
        with self._mutex:
            unsaved = dict(self._unsaved)
        for job_id, (status, view) in unsaved.items():
            self._board.tell_job(job_id, self._worker, view, status)
            with self._mutex:
                self._unsaved.pop(job_id, None)

    # --- watching the board --------------------------------------------------------------------------------------

    def _watch(self) -> None:
        failed = False
        while not self._closing.wait(min(1.0, self._lease_s / 4)):
            try:
                self._look()
                failed = False
            except Exception as error:  # the database is away: jobs wait for it, and so does this
                if not failed:
                    log.warning("the board of jobs cannot be read: %s: %s", type(error).__name__, error)
                failed = True

    def _look(self) -> None:
        """Give a sign of life, put back what the dead had begun and what is in no queue, and see what is new."""
        self._board.beat(self._worker, self._name, self._embeds)
        self._save_ends()
        self._refresh()
        if self._queue is None:
            return
        self._queue.revive({one.worker for one in self._board.workers(self._lease_s)} | {self._worker})
        with self._mutex:
            waiting = [job for job in self._seen.values() if job.running and not job.worker]
        for job in waiting:
            if job.waited > self._lease_s:
                self._queue.start(job.id, job.kind, job.arguments)  # one that is there already is left as it is

    def _refresh(self) -> None:
        """Read the board; tell when a job ended elsewhere."""
        jobs = {job.id: job for job in self._board.jobs(2 * KEPT)}
        with self._mutex:
            before, self._seen = self._seen, jobs
        ended = [job for job in jobs.values() if not job.running and job.worker not in ("", self._worker)]
        if self._watching is not None and any(j.id not in before or before[j.id].running for j in ended):
            threading.Thread(target=self._elsewhere, name="tower-elsewhere", daemon=True).start()
