"""Tower's tools for agents built on LlamaIndex. Importing this module imports LlamaIndex, which takes seconds.

>>> from api.agents.llamaindex import function_tools            # doctest: +SKIP
>>> FunctionAgent(tools=function_tools(tower), llm=llm)         # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index.core.tools import FunctionTool, QueryEngineTool, ToolMetadata

from api.agents.tools import TOOLS, AgentTool, tool
from api.encode import error_body
from index.errors import TowerError
from query.llama import TowerQueryEngine

if TYPE_CHECKING:
    from api.tower import Tower


def function_tools(tower: Tower) -> list[FunctionTool]:
    """Every tool of `api.agents.tools` as a `FunctionTool`; `raw_output` is its JSON object, a failure's too."""
    return [_function_tool(tower, one) for one in TOOLS]


def query_engine_tool(tower: Tower) -> QueryEngineTool:
    """`ask` as a `QueryEngineTool`: the response's source nodes are the citations, its metadata the whole answer."""
    metadata = ToolMetadata(name="ask", description=tool("ask").description)
    return QueryEngineTool(TowerQueryEngine(tower.ask), metadata)


def _function_tool(tower: Tower, one: AgentTool) -> FunctionTool:
    def run(**given: Any) -> dict[str, Any]:
        try:
            return one.call(tower, given)
        except TowerError as error:  # the model reads what failed and what to try
            return error_body(error)

    return FunctionTool.from_defaults(fn=run, name=one.name, description=one.description, fn_schema=one.arguments)
