"""The queue of a workspace that several processes share: DBOS on PostgreSQL.

There are two queues for each embedding model, so that vectors of two models never meet: one of jobs, of which one runs
at a time over all processes, as within one; and one of batches of passages whose vectors a job wants. DBOS goes on
with what a process of the same name had begun; here every process has a name of its own, and who is dead is known from
the board.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.encode import plain
from api.upkeep.durable import JOB, SCHEDULED, Run, Schedule, apply_schedules, as_scheduled, as_workflow, configure

EMBED = "tower_embed"
AT_HAND = 2  # batches that a worker holds: the next one is there when the one before it is done
_JOBS_POLL_S, _BATCHES_POLL_S = 0.5, 0.1
Embed = Callable[[Sequence[str]], str]


def queues(model: str) -> tuple[str, str]:
    """The names of the queues of jobs and of batches for an embedding model."""
    short = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"tower_jobs_{short}", f"tower_batches_{short}"


class Fleet:
    """Implements `api.upkeep.shared_jobs.Queue`. `store` is a SQLAlchemy URL of PostgreSQL, `worker` this process.

    `run` does jobs, where this process `takes_jobs`; `embed` computes vectors for others, where it does. `begin` hands
    out a job that is due by a schedule.
    """

    def __init__(
        self,
        store: str,
        worker: str,
        model: str,
        *,
        run: Run,
        begin: Run,
        takes_jobs: bool,
        embed: Embed | None = None,
        schedules: Sequence[Schedule] = (),
    ) -> None:
        from dbos import DBOS

        self._dbos, self._worker = DBOS, worker
        self._jobs, batches = queues(model)
        configure(store, worker)
        self._job = DBOS.workflow(name=JOB, max_recovery_attempts=None)(as_workflow(DBOS, run))
        if embed is not None:
            DBOS.workflow(name=EMBED)(_as_embedding(embed))
        scheduled = DBOS.workflow(name=SCHEDULED)(as_scheduled(DBOS, begin))
        DBOS.listen_queues([self._jobs] * takes_jobs + [batches] * (embed is not None))
        DBOS.launch()
        DBOS.register_queue(self._jobs, global_concurrency=1, worker_concurrency=1, polling_interval_sec=_JOBS_POLL_S)
        DBOS.register_queue(batches, worker_concurrency=AT_HAND, polling_interval_sec=_BATCHES_POLL_S)
        apply_schedules(schedules, scheduled)

    def start(self, job_id: str, kind: str, arguments: Mapping[str, Any]) -> None:
        """Put a job into the queue; one that is there already stays as it is."""
        from dbos import SetWorkflowID

        with SetWorkflowID(job_id):
            self._dbos.enqueue_workflow(self._jobs, self._job, job_id, kind, json.dumps(plain(arguments)))

    def forget(self, job_id: str) -> None:
        """Nothing: a job that is to stop is so on the board, and ends there."""

    def past(self) -> list[dict[str, Any]]:
        """Nothing: the board has them."""
        return []

    def revive(self, alive: set[str]) -> None:
        """Put back into their queues what those have begun who are not among `alive`."""
        begun = self._dbos.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {one.executor_id or "" for one in begun} - alive - {self._worker, ""}
        if dead:
            self._dbos._recover_pending_workflows(sorted(dead))

    def close(self) -> None:
        """Stop DBOS; what runs is begun again elsewhere."""
        self._dbos.destroy(destroy_registry=True)


def _as_embedding(embed: Embed) -> Callable[[list[str]], str]:
    """Not a step of its own: its result would be kept twice, and a batch may be computed again."""

    def embedding(chunk_ids: list[str]) -> str:
        return embed(chunk_ids)

    return embedding
