"""Tower's tools for agents built on LangChain. `langchain-core` is not installed with Tower; it is imported when the
tools are made.

>>> from api.agents.langchain import langchain_tools                # doctest: +SKIP
>>> create_agent(model, tools=langchain_tools(tower))               # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.agents.tools import TOOLS, AgentTool
from api.encode import error_body, to_json
from index.errors import TowerError, UsageError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from api.tower import Tower


def langchain_tools(tower: Tower) -> list[BaseTool]:
    """Every tool of `api.agents.tools` as a `BaseTool`: its content is JSON text for the model, its artifact the
    object. A failure is content too, so that the model reads what to try.

    Raises `UsageError` where langchain-core is not installed.
    """
    try:
        from langchain_core.tools import StructuredTool
    except ImportError as error:
        raise UsageError(
            f"LangChain's tools need langchain-core, which cannot be imported: {error}",
            hint="install it beside Tower: pip install langchain-core",
        ) from error

    def made(one: AgentTool) -> BaseTool:
        def run(**given: Any) -> tuple[str, dict[str, Any]]:
            try:
                body = one.call(tower, given)
            except TowerError as error:
                body = error_body(error)
            return to_json(body), body

        return StructuredTool.from_function(
            func=run,
            name=one.name,
            description=one.description,
            args_schema=one.arguments,
            response_format="content_and_artifact",
        )

    return [made(one) for one in TOOLS]
