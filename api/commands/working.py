"""`worker`: the jobs of a shared workspace, without serving it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, cast

import typer

from api.commands.runtime import HomeOption, JsonOption, remark, runtime
from index.errors import StorageError, UsageError

if TYPE_CHECKING:
    from api.service import Service
    from api.settings import Settings

log = logging.getLogger("tower.http")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(worker)


def worker(context: typer.Context, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Run jobs of a workspace that several processes share, and compute vectors for those that others run.

    It serves nobody. Any number of workers may run, on any machine that has the workspace's folder and reaches its
    databases; one that is stopped or killed is stood in for by the others.

    \b
    Example:
      tower worker --home shop
    """
    from api.telemetry.logs import set_up

    run = runtime(context)
    settings = run.settings(home)
    if not settings.jobs.shared:
        raise UsageError(
            f"the jobs of {settings.home} are not shared", hint="set jobs.shared and index.url: docs/deployment.md"
        )
    set_up(settings.logs, settings.home)
    with run.opened(home) as service:
        work(service, settings)


def work(service: Service, settings: Settings) -> None:
    """Take jobs and batches until a signal says stop. A job that runs then is cut, and another worker's."""
    from api.audit import Audited
    from api.http.app import handlers
    from api.upkeep.share import Share
    from api.workspace import Workspace
    from index.embedding.embedder import warm_beside

    workspace = cast(Workspace, cast(Audited, service).inner)
    share = Share(workspace, settings, serves=False)
    assert workspace._embedder is not None
    warm_beside(workspace._embedder)
    jobs = share.jobs(handlers(service, apart=False))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    share.open(jobs)
    if not jobs.opened():
        jobs.close()
        raise StorageError("the queue of jobs could not be opened", hint="the line above says why")
    what = "jobs and vectors" if share.takes_jobs else "vectors"
    remark(f"{share.name} works on {what} of {settings.home} (Ctrl-C stops)")
    stopped.wait()
    busy = jobs.busy()
    jobs.close()
    if busy:
        os._exit(0)  # what runs may be cut anywhere: threads that go on would keep this process from its end
