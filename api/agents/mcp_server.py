"""An MCP server over `api.agents.tools`: on stdin and stdout for `tower mcp`, at `/mcp` of `tower serve`.

Over HTTP each request stands for itself (no sessions): `api.http.door` has let its caller in and set its limits, and
the tools run within that caller's scope. Importing the SDK takes a second, so it is imported at the first request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from api.agents.tools import INSTRUCTIONS, TOOLS, tool
from api.encode import error_body, to_json
from api.tower import Tower
from index.errors import TowerError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult
    from starlette.types import Receive, Scope, Send

    from api.service import Service

log = logging.getLogger("tower.mcp")


def mcp_server(tower_of: Callable[[Any], Tower]) -> Server[Any]:
    """A server whose tools work with the `Tower` that `tower_of` makes of a request's context."""
    from importlib.metadata import version

    import anyio.to_thread
    from mcp.server.lowlevel import Server
    from mcp_types import ListToolsResult, ToolAnnotations
    from mcp_types import Tool as Described

    described = [
        Described(
            name=one.name,
            title=one.title,
            description=one.description,
            input_schema=one.arguments.model_json_schema(),
            output_schema={"type": "object"},
            annotations=ToolAnnotations(
                read_only_hint=one.read_only, destructive_hint=False, idempotent_hint=one.name != "ask",
                open_world_hint=False,
            ),
        )
        for one in TOOLS
    ]  # fmt: skip

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=described)

    async def call_tool(context: Any, params: Any) -> CallToolResult:
        tower = tower_of(context)
        return await anyio.to_thread.run_sync(_called, tower, params.name, params.arguments or {})

    server: Server[Any] = Server(
        "tower",
        title="Tower",
        version=version("tower-rag"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.clear()  # the SDK's own spans carry texts of errors; ours are in `index.stages`
    return server


def _called(tower: Tower, name: str, given: dict[str, Any]) -> CallToolResult:
    """Run a tool in this thread; a failure is a result too, so that the model reads what to try."""
    from mcp_types import CallToolResult, TextContent

    try:
        body, failed = tool(name).call(tower, given), False
    except TowerError as error:
        body, failed = error_body(error), True
    except Exception:  # the trace is for the log, not for the caller
        log.exception("the tool %s failed", name)
        body, failed = error_body(TowerError("something failed that Tower did not foresee")), True
    return CallToolResult(content=[TextContent(text=to_json(body))], structured_content=body, is_error=failed)


async def serve_stdio(tower: Tower) -> None:
    """Speak MCP on stdin and stdout until the client closes them."""
    from mcp.server.stdio import stdio_server

    server = mcp_server(lambda _context: tower)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


class McpEndpoint:
    """The ASGI application behind `POST /mcp`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @cached_property
    def _server(self) -> Server[Any]:
        return mcp_server(lambda context: Tower.over(self._service, context.request.scope["tower.scope"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. The manager's tasks are this request's, so that they know its usage and its id."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(self._server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)
