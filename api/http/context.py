"""What a route needs of its request: the workspace, the caller's scope, the jobs, the keys of repeated requests.

These are coroutines that wait for nothing: plain functions would each be run in a thread, and wait in line for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Request

from api.http.idempotency import MAX_KEY, Repeats
from api.http.line import Line
from api.upkeep.jobs import Jobs
from index.errors import PolicyError
from index.scope import Action, Scope

if TYPE_CHECKING:
    from api.service import Service


async def open_service(request: Request) -> Service:
    """The workspace that this application serves."""
    service: Service = request.app.state.service
    return service


async def caller_scope(request: Request) -> Scope:
    """What the caller may see, as `api.http.door` found it."""
    scope: Scope = request.scope["tower.scope"]
    return scope


async def open_line(request: Request) -> Line:
    """The line of those who search."""
    line: Line = request.app.state.line
    return line


async def open_jobs(request: Request) -> Jobs:
    """The server's jobs."""
    jobs: Jobs = request.app.state.jobs
    return jobs


async def open_repeats(request: Request) -> Repeats:
    """What requests with an idempotency key made."""
    repeats: Repeats = request.app.state.repeats
    return repeats


def require(scope: Scope, action: Action) -> None:
    """Refuse a caller without the right to `action`."""
    if not scope.may(action):
        raise PolicyError(f"{scope.principal.name} may not do this: {action}", hint="ask an administrator")


ServiceDep = Annotated[Any, Depends(open_service)]
ScopeDep = Annotated[Scope, Depends(caller_scope)]
JobsDep = Annotated[Jobs, Depends(open_jobs)]
RepeatsDep = Annotated[Repeats, Depends(open_repeats)]
KeyDep = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=MAX_KEY,
        description="A text of the caller's, new for each thing to be done. The same request with the same key is not"
        " done again: its response shows what the first one made.",
    ),
]
