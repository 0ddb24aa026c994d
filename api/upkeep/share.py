"""A process's part in a workspace that several processes share: which jobs it takes, and what it does for others."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from api.upkeep.durable import Schedule
from api.upkeep.shared_jobs import SharedJobs

if TYPE_CHECKING:
    from api.settings import JobsSettings, Settings
    from api.upkeep.fleet import Fleet
    from api.upkeep.jobs import Handler
    from api.upkeep.spread import SpreadEmbedder
    from api.workspace import Workspace


class Share:
    """The part of a server (`serves`) or a worker in the shared `workspace`.

    Whoever may write the vector index takes jobs: everybody where it is on a server, and the one process that answers
    where it is embedded. Workers compute vectors for others; servers have questions to answer.
    """

    def __init__(self, workspace: Workspace, settings: Settings, *, serves: bool) -> None:
        self._workspace, self._settings = workspace, settings
        kept = settings.jobs
        self.takes_jobs = kept.run_by == "all" if serves else bool(settings.vectors.url)
        self._embedder = cast("SpreadEmbedder", workspace._embedder)
        self._embeds = not serves
        self.name = f"{kept.worker}@{socket.gethostname()}:{os.getpid()}"
        self._worker = f"{kept.worker}-{uuid.uuid4().hex}"

    def jobs(self, handlers: Mapping[str, Handler]) -> SharedJobs:
        """The jobs of all processes; this one begins to take them when `open` is called."""
        store = self._workspace._store
        assert store is not None
        return SharedJobs(
            handlers,
            store,
            self._worker,
            self.name,
            embeds=self._embedder.identity if self._embeds else "",
            lease_s=self._settings.jobs.lease_s,
            elsewhere=lambda: catch_up(self._workspace),
        )

    def open(self, jobs: SharedJobs) -> None:
        """Open the queue, in the background."""
        jobs.open_queue(lambda: self._queue(jobs))

    def _queue(self, jobs: SharedJobs) -> Fleet:
        from api.upkeep.fleet import Fleet
        from api.wiring import jobs_url

        def begin(workflow_id: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            job_id = hashlib.sha256(workflow_id.encode()).hexdigest()[:12]  # the same, should it be begun again
            return jobs.begin(kind, arguments, tuple(arguments.get("sources") or ()), job_id).view()

        assert self._workspace._store is not None
        with self._workspace._store.exclusive("queue"):  # processes that begin together would make it twice
            return Fleet(
                jobs_url(self._workspace.home, self._settings),
                self._worker,
                self._embedder.identity,
                run=jobs.run,
                begin=begin,
                takes_jobs=self.takes_jobs,
                embed=self._embedder.answer if self._embeds else None,
                schedules=schedules_of(self._settings.jobs),
            )


def schedules_of(settings: JobsSettings) -> tuple[Schedule, ...]:
    """The jobs that begin by themselves."""
    return tuple(Schedule(name, one.cron, one.job, one.arguments()) for name, one in settings.schedules.items())


def catch_up(workspace: Workspace) -> None:
    """Another process changed what `workspace` holds: what is remembered of it goes, and the generation that is live
    now is opened for the next question."""
    assert workspace._generations is not None
    with workspace._upkeep.here:
        live, held = workspace._generations.live(), workspace._live
        if live is not None and held is not None and held.gateway is not None and live.generation != held.generation:
            held.close_retired()
            held.retire()
        workspace._forget()
