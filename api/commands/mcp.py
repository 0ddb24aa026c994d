"""`mcp`: Tower as the tools of an agent."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime
from index.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(mcp)


def mcp(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="A server elsewhere, in place of a workspace here.")
    ] = None,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Serve Tower's tools to an agent by MCP, on stdin and stdout: ask, search, sql, drafts, propose_edit.

    An agent starts this command itself; docs/agents.md shows how programs are told to. Nothing that it calls approves
    or sends anything. `tower serve` has the same tools at /mcp; for an agent that can only start commands, --url puts
    that server behind this one, with the bearer token in TOWER_TOKEN.

    \b
    Examples:
      tower mcp --home .tower --as emma
      TOWER_TOKEN=... tower mcp --url https://tower.example.com
    """
    import anyio

    from api.agents.mcp_server import serve_stdio
    from api.settings import bearer_token
    from api.tower import Tower

    if url is not None:
        if home is not None or as_user is not None:
            raise UsageError("--url is for a server elsewhere", hint="leave --home and --as away: its token says who")
        with Tower.connect(url, bearer_token() or None) as tower:
            anyio.run(serve_stdio, tower)
        return
    with runtime(context).workspace(home) as service:
        service.scope_for(as_user)  # refused at once, not with the first call
        if as_user is None:
            service.status()  # in a governed workspace a server refuses this, too
        anyio.run(serve_stdio, Tower.over(service, as_user))
