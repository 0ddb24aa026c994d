"""`mcp`: Tower as the tools of an agent."""

from __future__ import annotations

import typer

from api.commands.runtime import AsOption, HomeOption, JsonOption, runtime


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(mcp)


def mcp(
    context: typer.Context,
    as_user: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Serve Tower's tools to an agent by MCP, on stdin and stdout: ask, search, sql, drafts, propose_edit.

    An agent starts this command itself; docs/agents.md shows how programs are told to. Nothing that it calls approves
    or sends anything. `tower serve` has the same tools at /mcp, for agents on other machines.

    \b
    Example:
      tower mcp --home .tower --as emma
    """
    import anyio

    from api.agents.mcp_server import serve_stdio

    with runtime(context).workspace(home) as service:
        service.scope_for(as_user)  # refused at once, not with the first call
        if as_user is None:
            service.status()  # in a governed workspace a server refuses this, too
        anyio.run(serve_stdio, service, as_user)
