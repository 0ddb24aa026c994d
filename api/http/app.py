"""The HTTP API: `create_app(service)` gives a FastAPI application over an open workspace.

docs/http.md lists its routes.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.routing import Route

from api.http import openapi, problems
from api.http.boundary import LOOPBACK_NAMES, Boundary
from api.http.door import Door
from api.http.idempotency import Repeats
from api.http.line import Line
from api.upkeep.jobs import Handler, Jobs

if TYPE_CHECKING:
    from api.access.browser import Browsers
    from api.access.limits import Limits
    from api.access.owner import Owner
    from api.access.signin import SignIn
    from api.service import Service
    from index.stages import Observer

PROBLEMS = (400, 401, 403, 404, 409, 413, 421, 422, 429, 500, 502, 503, 507)
CONCURRENT = 48  # requests that are answered at a time; the next ones get 429
MAX_BODY = 256 * 1024  # bytes; a question is at most 4,000 characters, a draft 50,000


def create_app(
    service: Service,
    *,
    hosts: frozenset[str] = LOOPBACK_NAMES,
    max_body: int = MAX_BODY,
    concurrent: int = CONCURRENT,
    threads: int = 0,
    user: str | None = None,
    owner: Owner | None = None,
    sign_in: SignIn | None = None,
    limits: Limits | None = None,
    jobs: Jobs | None = None,
    browsers: Browsers | None = None,
    repeats: Repeats | None = None,
    observers: tuple[Observer, ...] = (),
) -> FastAPI:
    """The application over `service`, which stays the caller's to close. `hosts` are the names it answers for.

    A request with a bearer token is asked as whom `sign_in` makes of it; one without as `user`, where None is the
    local administrator in a workspace without users, and nobody in others. `owner` lets the commands of the
    workspace's owner in; see `api.access.owner`. `browsers` holds the sessions of the pages at `/`, `repeats` the keys
    of requests; `observers` measure each request besides the server's metrics. Routes run in `threads` threads; 0 is
    one for each core, and one.
    """
    from importlib.metadata import version

    from api.access.browser import Browsers
    from api.agents.mcp_server import McpEndpoint
    from api.console import routers as console
    from api.http.routes import admin, drafts, feedback, operations, questions, scores, views
    from api.settings import ConsoleSettings
    from api.telemetry.metrics import Metrics

    metrics = Metrics()
    app = FastAPI(
        title="Tower",
        version=version("tower-rag"),
        description="Answers over a company's records and documents, every claim cited.",
        docs_url=None,  # the stock page loads code from other hosts
        redoc_url=None,
        openapi_url=None,  # `api.http.openapi` has the routes of both versions
        lifespan=_few_threads,
    )
    app.state.service, app.state.metrics, app.state.owner = service, metrics, owner
    app.state.jobs = jobs if jobs is not None else Jobs(handlers(service))
    app.state.repeats = repeats if repeats is not None else Repeats()
    app.state.threads = threads or 1 + (os.cpu_count() or 1)
    app.state.line = Line(service.prepare)
    browsers = browsers if browsers is not None else Browsers(ConsoleSettings())
    app.state.sign_in, app.state.limits, app.state.browsers = sign_in, limits, browsers
    app.add_middleware(Door, service=service, user=user, sign_in=sign_in, limits=limits, browsers=browsers)
    app.add_middleware(
        Boundary, max_body=max_body, hosts=hosts, metrics=metrics, concurrent=concurrent, observers=observers
    )
    problems.install(app)
    rooms = (questions, feedback, scores, drafts, views, operations, admin)
    for router in (room.router for room in rooms):
        app.include_router(router, responses=problems.responses(*PROBLEMS))
    for router in (openapi.router, *console):
        app.include_router(router, include_in_schema=False)
    app.router.routes.append(Route("/mcp", McpEndpoint(service), methods=["POST"], include_in_schema=False))
    return app


@asynccontextmanager
async def _few_threads(app: FastAPI) -> AsyncIterator[None]:
    """Blocking routes run in a few threads: more of them would only wait for one interpreter, and for each other."""
    current_default_thread_limiter().total_tokens = app.state.threads
    yield


def handlers(service: Service, *, apart: bool = True) -> dict[str, Handler]:
    """What jobs of each kind do with a service; `apart` from the process that answers, where they are heavy."""
    return {
        "ingest": lambda given, told: service.ingest(
            given["sources"],
            given["full"],
            told,
            reconcile=bool(given.get("reconcile")),
            retry=bool(given.get("retry")),
        ),
        "reindex": lambda given, told: (
            service.roll_back(told)
            if given.get("roll_back")
            else service.reindex(
                given["sources"],
                given["vectors_only"],
                given["full"],
                told,
                apart=apart,
                golden=bool(given.get("golden", True)),
                dry_run=bool(given.get("dry_run")),
            )
        ),
        "retrain": lambda _given, told: service.retrain(told),
    }
