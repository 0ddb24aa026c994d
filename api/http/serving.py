"""`tower serve`'s server: it owns the workspace, and says so in `serve.json` for as long as it answers."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from api.access.owner import Owner
from api.client.presence import Presence, announce, withdraw
from api.http.app import CONCURRENT, create_app, handlers
from api.http.boundary import LOOPBACK_NAMES
from api.upkeep.jobs import Jobs, Journal
from index.errors import BusyError, TowerError
from index.scope import Principal, Scope

if TYPE_CHECKING:
    from api.access.browser import Browsers
    from api.access.limits import Limits
    from api.access.signin import SignIn
    from api.http.idempotency import Repeats
    from api.service import Service
    from api.settings import JobsSettings
    from api.upkeep.share import Share
    from index.stages import Observer

log = logging.getLogger("tower.http")
SWITCH_S = 0.001  # how long what accepts requests, and refuses them, waits for threads that are at work
_NOBODY = Scope(Principal("server"), {}, frozenset())  # sees nothing, and may ask


def serve_workspace(
    service: Service,
    home: Path,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    *,
    user: str | None = None,
    hosts: frozenset[str] = LOOPBACK_NAMES,
    sign_in: SignIn | None = None,
    limits: Limits | None = None,
    kept_jobs: JobsSettings | None = None,
    share: Share | None = None,
    browsers: Browsers | None = None,
    repeats: Repeats | None = None,
    observers: tuple[Observer, ...] = (),
    concurrent: int = CONCURRENT,
    threads: int = 0,
    drain_s: int = 20,
) -> None:
    """Serve until a signal says stop; `on_ready(url)` is called when the server answers. Port 0 is any free one.

    Then no new requests are taken, and those that are being answered have `drain_s` seconds; a stream that goes on
    longer is cut.

    Jobs are kept as `kept_jobs` says, or handed out to all processes of which this one has a `share`.

    A request without a token is asked as `user`. A server for one user is not announced to the commands of the
    workspace: its owner's token would let them ask as others.

    The vector index is opened first, so that it is this process that owns it: raises `BusyError` where another does.
    """
    _open(service)
    sys.setswitchinterval(SWITCH_S)
    owner = Owner.new() if user is None else None
    shared = share.jobs(handlers(service)) if share is not None else None
    jobs = shared or Jobs(handlers(service))
    app = create_app(
        service,
        user=user,
        owner=owner,
        hosts=hosts,
        sign_in=sign_in,
        limits=limits,
        jobs=jobs,
        concurrent=concurrent,
        threads=threads,
        browsers=browsers,
        repeats=repeats,
        observers=observers,
    )
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=drain_s
    )
    if logging.getLogger().handlers:  # the log has a form of its own: uvicorn's lines take it, too
        config.log_config = None
    if threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGTERM, _stop
        )  # uvicorn stops, then raises the signal again: leave through the `finally`s

    def ready(url: str) -> None:
        if share is not None and shared is not None:
            share.open(shared)
        elif kept_jobs is not None:
            jobs.open_journal(lambda: _journal(kept_jobs, home, jobs))
        on_ready(url)

    try:
        _Server(config, home, owner, ready).run()
    finally:
        jobs.close()


class _Server(uvicorn.Server):
    """Announces the workspace's server once it listens, and takes that back before it stops listening."""

    def __init__(
        self, config: uvicorn.Config, home: Path, owner: Owner | None, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._home, self._owner, self._on_ready = home, owner, on_ready
        self._presence: Presence | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce."""
        await super().startup(sockets)
        if self.started:
            url = f"http://{_authority(self.servers[0].sockets[0])}"
            if self._owner is not None:
                self._presence = announce(self._home, url, self._owner.server, self._owner.token)
            self._on_ready(url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the announcement back, then finish what is being answered."""
        if self._presence is not None:
            withdraw(self._home, self._presence)
        await super().shutdown(sockets)


def _journal(settings: JobsSettings, home: Path, jobs: Jobs) -> Journal:
    from api.upkeep.durable import DurableJournal, journal_url
    from api.upkeep.share import schedules_of

    return DurableJournal(journal_url(settings.store, home), jobs.run, schedules_of(settings), settings.worker)


def _authority(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _open(service: Service) -> None:
    """Open what the first question would open. What is wrong with it is told to those who ask, unless it is owned."""
    try:
        service.search("ready", _NOBODY, 1)
    except BusyError:
        raise
    except TowerError as error:
        log.warning("not everything can be asked yet: %s", error.message)


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)
