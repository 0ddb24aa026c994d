"""The board of the processes that share a workspace: who is alive, which job works on which source, how far it is.

PostgreSQL only. Times are the database's own, so that clocks of several machines need not agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from index.store.base import StoreBase, alone
from index.store.schema import jobs, workers

_BOARD = "jobs"
_NOW = sa.func.extract("epoch", sa.func.clock_timestamp()).cast(sa.Float)


@dataclass(frozen=True)
class BoardJob:
    """A job as the board has it. `worker` is empty while nobody took it; `view` is what the API shows."""

    id: str
    kind: str
    sources: tuple[str, ...]
    arguments: Mapping[str, Any]
    status: str
    worker: str
    attempts: int
    stopping: bool
    changes: int
    waited: float  # seconds since it was begun
    view: Mapping[str, Any]

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self.status == "running"


@dataclass(frozen=True)
class BoardWorker:
    """A process on the board. `embeds` is the model that it computes vectors with for others; empty for none."""

    worker: str
    name: str
    embeds: str
    silent: float  # seconds since its last sign of life


class JobBoard(StoreBase):
    """Jobs and workers of a shared workspace."""

    def begin_job(
        self, job_id: str, kind: str, sources: Sequence[str], arguments: Mapping[str, Any], view: Mapping[str, Any]
    ) -> BoardJob | None:
        """Put a job on the board; where another works on one of its sources that one is given, and nothing put. One
        that is there already is left as it is."""
        with self._transaction() as connection:
            alone(connection, _BOARD)
            if _first(connection, job_id) is not None:
                return None
            held = [_job(row) for row in connection.execute(_jobs().where(jobs.c.status == "running"))]
            for job in held:
                if not job.sources or not sources or set(job.sources) & set(sources):
                    return job
            last = connection.scalar(sa.select(sa.func.max(jobs.c.position))) or 0
            row = {
                "id": job_id, "position": last + 1, "kind": kind, "sources": json.dumps(list(sources)),
                "arguments": json.dumps(arguments), "status": "running", "begun": _NOW, "view": json.dumps(view),
            }  # fmt: skip
            connection.execute(sa.insert(jobs).values(row))
        return None

    def take_job(self, job_id: str, worker: str) -> BoardJob | None:
        """From here on `worker` runs the job, whoever did before; None for one that is not on the board. One that has
        ended stays as it is."""
        running = sa.and_(jobs.c.id == job_id, jobs.c.status == "running")
        with self._transaction() as connection:
            connection.execute(sa.update(jobs).where(running).values(worker=worker, attempts=jobs.c.attempts + 1))
            return _first(connection, job_id)

    def tell_job(self, job_id: str, worker: str, view: Mapping[str, Any], status: str = "running") -> BoardJob | None:
        """How far a job is, or how it ended. None where it is no longer `worker`'s: another took it over, or it ended;
        nothing is written then."""
        mine = sa.and_(jobs.c.id == job_id, jobs.c.worker == worker, jobs.c.status == "running")
        values = {"view": json.dumps(view), "status": status, "changes": jobs.c.changes + 1}
        with self._transaction() as connection:
            if not connection.execute(sa.update(jobs).where(mine).values(values)).rowcount:
                return None
            return _first(connection, job_id)

    def stop_job(self, job_id: str, view: Mapping[str, Any]) -> BoardJob | None:
        """Ask a job to stop. One that nobody has taken yet ends here, as `view`; gives how it stands now."""
        running = sa.and_(jobs.c.id == job_id, jobs.c.status == "running")
        with self._transaction() as connection:
            connection.execute(sa.update(jobs).where(running).values(stopping=1, changes=jobs.c.changes + 1))
            waiting = sa.and_(running, jobs.c.worker == "")
            connection.execute(sa.update(jobs).where(waiting).values(status="cancelled", view=json.dumps(view)))
            return _first(connection, job_id)

    def jobs(self, limit: int) -> list[BoardJob]:
        """The latest jobs, the newest first."""
        with self._reading() as connection:
            rows = connection.execute(_jobs().order_by(jobs.c.position.desc()).limit(limit))
            return [_job(row) for row in rows]

    def job(self, job_id: str) -> BoardJob | None:
        """One job."""
        with self._reading() as connection:
            return _first(connection, job_id)

    def clear_jobs(self, keep: int) -> None:
        """Forget all but the latest `keep` of the jobs that have ended."""
        kept = sa.select(jobs.c.id).where(jobs.c.status != "running").order_by(jobs.c.position.desc()).limit(keep)
        with self._transaction() as connection:
            connection.execute(sa.delete(jobs).where(jobs.c.status != "running", jobs.c.id.not_in(kept)))

    def beat(self, worker: str, name: str, embeds: str) -> None:
        """A sign of life."""
        with self._transaction() as connection:
            values = {"name": name, "embeds": embeds, "seen": _NOW}
            found = connection.execute(sa.update(workers).where(workers.c.worker == worker).values(values))
            if not found.rowcount:
                connection.execute(sa.insert(workers).values(worker=worker, **values))

    def leave(self, worker: str, silent_s: float) -> None:
        """`worker` is no more, and nobody who was silent for so many seconds."""
        with self._transaction() as connection:
            gone = sa.or_(workers.c.worker == worker, workers.c.seen < _NOW - silent_s)
            connection.execute(sa.delete(workers).where(gone))

    def workers(self, silent_s: float) -> list[BoardWorker]:
        """Who gave a sign of life within so many seconds."""
        silent = (_NOW - workers.c.seen).label("silent")
        query = sa.select(workers, silent).where(silent < silent_s).order_by(workers.c.name, workers.c.worker)
        with self._reading() as connection:
            return [BoardWorker(r.worker, r.name, r.embeds, r.silent) for r in connection.execute(query)]


def _jobs() -> sa.Select[Any]:
    return sa.select(jobs, (_NOW - jobs.c.begun).label("waited"))


def _first(connection: sa.Connection, job_id: str) -> BoardJob | None:
    row = connection.execute(_jobs().where(jobs.c.id == job_id)).one_or_none()
    return _job(row) if row is not None else None


def _job(row: sa.Row[Any]) -> BoardJob:
    return BoardJob(
        row.id,
        row.kind,
        tuple(json.loads(row.sources)),
        json.loads(row.arguments),
        row.status,
        row.worker,
        row.attempts,
        bool(row.stopping),
        row.changes,
        row.waited,
        json.loads(row.view),
    )
