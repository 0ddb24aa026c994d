"""Jobs as durable workflows on DBOS: one that a kill cut off goes on with the next start; schedules.

A job is one workflow of one step, and the work of a step may be begun again at any time: a sync goes on at its cursors,
a reindex with its unfinished build. DBOS keeps one state a process, and importing it takes more than a second, so that
only a server opens a journal, in the background.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.encode import plain
from index.errors import BusyError

log = logging.getLogger("tower.http")
FILE = "jobs.sqlite"
Run = Callable[[str, str, Mapping[str, Any]], dict[str, Any]]
_KEPT = 50
APP, VERSION = "tower", "1"  # the version stays: a newer Tower goes on with what an older one began
JOB, SCHEDULED = "tower_job", "tower_scheduled"


@dataclass(frozen=True)
class Schedule:
    """A job that begins by itself. `cron` has five fields, or six with seconds in front; times are UTC."""

    name: str
    cron: str
    kind: str = "ingest"
    arguments: Mapping[str, Any] = field(default_factory=dict)


class DurableJournal:
    """Implements `api.upkeep.jobs.Journal`. `store` is a SQLAlchemy URL of SQLite or PostgreSQL."""

    def __init__(self, store: str, run: Run, schedules: tuple[Schedule, ...] = (), worker: str = "tower") -> None:
        from dbos import DBOS

        self._dbos = DBOS
        configure(store, worker)
        self._job = DBOS.workflow(name=JOB)(as_workflow(DBOS, run))
        scheduled = DBOS.workflow(name=SCHEDULED)(as_scheduled(DBOS, run))
        DBOS.launch()
        apply_schedules(schedules, scheduled)

    def start(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> None:
        """Keep a job, and run it in a thread of DBOS."""
        from dbos import SetWorkflowID

        with SetWorkflowID(job_id):
            self._dbos.start_workflow(self._job, job_id, kind, json.dumps(plain(arguments)))

    def forget(self, job_id: str) -> None:
        """The next start is not to go on with this job."""
        self._dbos.cancel_workflow(job_id)

    def past(self) -> list[dict[str, Any]]:
        """The latest jobs, of this process and earlier ones."""
        found = self._dbos.list_workflows(name=[JOB, SCHEDULED], sort_desc=True, limit=_KEPT)
        return [_view(one) for one in found]

    def close(self) -> None:
        """Stop DBOS; what runs is begun again with the next start."""
        self._dbos.destroy(destroy_registry=True)


def configure(store: str, executor: str) -> None:
    """Make this process's DBOS, which is then to be launched."""
    from dbos import DBOS

    DBOS(
        config={
            "name": APP,
            "system_database_url": store,
            "executor_id": executor,
            "application_version": VERSION,
            "log_level": "ERROR",
            "enable_otlp": False,
        }
    )


def apply_schedules(schedules: Sequence[Schedule], scheduled: Any) -> None:
    """Keep exactly these schedules, which begin the workflow `scheduled`."""
    from dbos import DBOS

    DBOS.apply_schedules(
        [
            {
                "schedule_name": one.name,
                "workflow_fn": scheduled,
                "schedule": one.cron,
                "context": json.dumps({"kind": one.kind, "arguments": plain(one.arguments)}),
            }
            for one in schedules
        ]
    )
    for held in DBOS.list_schedules():
        if held["schedule_name"] not in {one.name for one in schedules}:
            DBOS.delete_schedule(held["schedule_name"])


def as_workflow(dbos: Any, run: Run) -> Callable[[str, str, str], str]:
    """The work of a job as a workflow; a function, since DBOS registers no bound methods."""

    def worked(job_id: str, kind: str, arguments: str) -> str:
        return json.dumps(run(job_id, kind, json.loads(arguments)))

    def job(job_id: str, kind: str, arguments: str) -> str:
        return str(dbos.run_step({"name": "work"}, worked, job_id, kind, arguments))

    return job


def as_scheduled(dbos: Any, run: Run) -> Any:
    """A scheduled job as a workflow; it is left out where another works on its sources."""

    def worked(job_id: str, kind: str, arguments: Mapping[str, Any]) -> str:
        try:
            return json.dumps(run(job_id, kind, arguments))
        except BusyError as error:
            log.info("a scheduled %s was left out: %s", kind, error.message)
            return ""

    def scheduled(_due: dt.datetime, context: str) -> str:
        wanted = json.loads(context)
        return str(dbos.run_step({"name": "work"}, worked, str(dbos.workflow_id), wanted["kind"], wanted["arguments"]))

    return scheduled


def journal_url(store: str, home: Path) -> str:
    """The database that jobs are kept in: `store`, else a SQLite file of the workspace."""
    return store or f"sqlite:///{(home / FILE).absolute()}"


def _view(status: Any) -> dict[str, Any]:
    if isinstance(status.output, str) and status.output:
        view: dict[str, Any] = json.loads(status.output)
        return view
    given: tuple[Any, ...] = tuple(status.input["args"]) if status.input else ()
    kind = given[1] if status.name == JOB and len(given) > 1 else "scheduled"
    states = {"PENDING": "running", "ENQUEUED": "running", "CANCELLED": "cancelled"}
    started = dt.datetime.fromtimestamp((status.created_at or 0) / 1000, dt.UTC).isoformat(timespec="seconds")
    return {
        "id": status.workflow_id,
        "kind": kind,
        "started_at": started,
        "status": states.get(status.status, "failed"),
        "result": None,
        "error": None,
    }
