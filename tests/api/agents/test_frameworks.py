"""The same tools as LangChain's and LlamaIndex's: descriptions, arguments, results with citations, failures."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.agents.tools import TOOLS, tool
from api.client.remote_service import connect
from api.tower import Tower
from index.errors import UsageError
from tests.api.fake import FakeService
from tests.api.served import served


@pytest.fixture
def tower() -> Tower:
    return Tower.over(FakeService())


def test_langchain_tools_answer_with_text_for_the_model_and_an_artifact(tower: Tower) -> None:
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool

    from api.agents.langchain import langchain_tools

    tools = {one.name: one for one in langchain_tools(tower)}
    assert list(tools) == [one.name for one in TOOLS]
    assert all(isinstance(one, BaseTool) for one in tools.values())
    call = {"name": "ask", "args": {"question": "How many accounts?"}, "id": "c1", "type": "tool_call"}
    message = tools["ask"].invoke(call)
    assert isinstance(message, ToolMessage)
    assert message.tool_call_id == "c1"
    assert json.loads(str(message.content)) == message.artifact
    assert message.artifact["citations"][0]["value"] == 3
    again = asyncio.run(tools["ask"].ainvoke(call))
    assert again.artifact["answer"] == "There are 3 accounts [1]."


def test_langchain_gives_the_model_the_same_schema(tower: Tower) -> None:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    from api.agents.langchain import langchain_tools

    for described, one in zip(map(convert_to_openai_tool, langchain_tools(tower)), TOOLS, strict=True):
        function = described["function"]
        assert function["description"] == one.description
        assert set(function["parameters"]["properties"]) == set(one.arguments.model_fields)


def test_langchain_reads_a_failure_as_content(tower: Tower) -> None:
    from api.agents.langchain import langchain_tools

    sql = next(one for one in langchain_tools(tower) if one.name == "sql")
    said = json.loads(sql.invoke({"select": "DROP TABLE x"}))
    assert said["error"]["code"] == "sql_rejected"


def test_without_langchain_core_it_is_said_what_is_missing(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.agents.langchain import langchain_tools

    monkeypatch.setitem(sys.modules, "langchain_core.tools", None)
    with pytest.raises(UsageError, match="langchain-core") as raised:
        langchain_tools(tower)
    assert "pip install langchain-core" in raised.value.hint


def test_nothing_of_a_framework_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, api.agents.tools, api.agents.langchain, api.agents.mcp_server\n"
        "sys.exit(any(name.split('.')[0] in ('langchain_core', 'llama_index', 'mcp') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_llamaindex_function_tools(tower: Tower) -> None:
    from api.agents.llamaindex import function_tools

    tools = {one.metadata.name: one for one in function_tools(tower)}
    assert list(tools) == [one.name for one in TOOLS]
    parameters = tools["ask"].metadata.get_parameters_dict()
    assert set(parameters["properties"]) == {"question", "conversation_id"}
    assert tools["ask"].call(question="How many accounts?").raw_output["tables"][0]["rows"] == [[3]]
    assert tools["sql"].call(select="DROP TABLE x").raw_output["error"]["code"] == "sql_rejected"
    assert "Zips" in str(asyncio.run(tools["search"].acall(query="zips")))


def test_a_llamaindex_query_engine_tool_carries_citations_as_nodes(tower: Tower) -> None:
    from api.agents.llamaindex import query_engine_tool

    output = query_engine_tool(tower).call("How many accounts?")
    assert str(output) == "There are 3 accounts [1]."
    assert output.raw_output.source_nodes[0].metadata["value"] == 3
    assert output.raw_output.metadata["answer"]["route"]["path"] == "sql"


def test_the_tools_work_through_the_server_that_owns_the_workspace(tmp_path: Path) -> None:
    with served(tmp_path, FakeService()):
        remote = connect(tmp_path)
        assert remote is not None
        tower = Tower.over(remote)
        answer = tool("ask").call(tower, {"question": "Who leaves?"})
        assert (answer["drafts"][0]["id"], answer["items"][0]["key"]) == ("d1", "A1")
        assert tool("search").call(tower, {"query": "zips"})["passages"][0]["doc_id"] == "library:warranty.md"
        assert tool("sql").call(tower, {"select": "SELECT 1"})["row_count"] == 1
        edited = tool("propose_edit").call(tower, {"draft_id": "d1", "body": "Hello."})["draft"]
        assert (edited["body"], edited["status"]) == ("Hello.", "proposed")
        assert tool("drafts").call(tower, {"status": "proposed"})["count"] == 1
        assert tower.feedback(answer["id"], "up")["status"] == "open"
        assert [one["id"] for one in remote.feedback.list(remote.scope_for(None))] == ["f1"]
        assert remote.feedback.accept(remote.scope_for(None), "f1")["golden"]["id"] == "feedback-f1"
        assert remote.feedback.dismiss(remote.scope_for(None), "f1", "no")["status"] == "dismissed"
