"""Tower's tools through a real MCP client: over stdin and stdout, and over HTTP with tokens, policy and limits."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
import uvicorn
from fastapi.testclient import TestClient
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.agents.tools import TOOLS
from api.audit import Audited
from api.cli import main
from api.http.app import create_app
from api.settings import LimitSettings, LimitsSettings, SigninSettings, load_settings
from api.wiring import open_workspace
from index.audit import AuditLog
from tests.api.fake import TEXT, FakeService
from tests.governed import build

Made = TypeVar("Made")
NAMES = ["ask", "search", "sql", "drafts", "propose_edit"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("agents") / "home")


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    """A governed workspace behind a real server, with tokens; a user may call forty times a minute."""
    service = open_workspace(home, load_settings(home))
    limits = Limits(LimitsSettings(user=LimitSettings(requests_per_minute=40, rows_per_hour=500)))
    app = create_app(service, sign_in=SignIn(SigninSettings(), home), limits=limits)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    server.should_exit = True
    thread.join(timeout=20)
    service.close()


def over_http(url: str, token: str, work: Callable[[Client], Awaitable[Made]]) -> Made:
    async def run() -> Made:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await work(client)

    return asyncio.run(run())


def in_process(work: Callable[[Client], Awaitable[Made]]) -> Made:
    from api.agents.mcp_server import mcp_server
    from api.tower import Tower

    tower = Tower.over(FakeService())

    async def run() -> Made:
        async with Client(mcp_server(lambda _context: tower)) as client:
            return await work(client)

    return asyncio.run(run())


def called(name: str, **given: Any) -> Callable[[Client], Awaitable[tuple[bool, Any]]]:
    async def work(client: Client) -> tuple[bool, Any]:
        result = await client.call_tool(name, given)
        assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]
        return result.is_error, result.structured_content

    return work


def test_the_tools_are_described_and_none_approves_or_sends() -> None:
    async def work(client: Client) -> Any:
        return (await client.list_tools()).tools, client.instructions

    tools, instructions = in_process(work)
    assert [tool.name for tool in tools] == NAMES
    assert {tool.name for tool in tools if tool.annotations.read_only_hint} == {"search", "sql", "drafts"}
    for tool in tools:
        assert len(tool.description) > 100
        assert all(field.get("description") for field in tool.input_schema["properties"].values())
        assert not tool.annotations.destructive_hint
    assert "citations" in instructions


def test_an_answer_has_its_table_and_citations() -> None:
    failed, body = in_process(called("ask", question="How many accounts?"))
    assert not failed
    assert body["answer"] == "There are 3 accounts [1]."
    assert body["citations"][0]["n"] == 1
    assert body["citations"][0]["value"] == 3
    assert body["tables"] == [
        {"sql": "SELECT COUNT(*) AS n FROM accounts", "columns": ["n"], "rows": [[3]], "row_count": 1,
         "truncated": False}
    ]  # fmt: skip
    assert body["route"]["confidence"] == 0.9


def test_search_and_sql() -> None:
    assert in_process(called("search", query="zips", k=1))[1]["passages"][0]["text"] == TEXT
    assert in_process(called("sql", select="SELECT 1"))[1]["rows"] == [[3, "2026-05-01"]]


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("ask", {"question": " "}, "empty_question"),
        ("ask", {}, "bad_input"),
        ("ask", {"question": "x", "as": "root"}, "bad_input"),
        ("ask", {"question": "crash"}, "failed"),
        ("sql", {"select": "DROP TABLE x"}, "sql_rejected"),
        ("search", {"query": "zips", "k": 1000}, "bad_input"),
        ("drafts", {"draft_id": "nowhere"}, "not_found"),
        ("propose_edit", {"draft_id": "d1"}, "bad_input"),
        ("approve", {"draft_id": "d1"}, "bad_input"),
    ],
)
def test_a_failure_is_a_result_that_says_what_to_try(name: str, given: dict[str, Any], code: str) -> None:
    failed, body = in_process(called(name, **given))
    assert failed
    assert body["error"]["code"] == code
    assert "crash" not in body["error"]["message"]


def test_an_edit_is_a_proposal_and_a_decided_draft_is_left_alone() -> None:
    from api.agents.tools import tool
    from api.tower import Tower
    from index.errors import UsageError

    service = FakeService()
    tower = Tower.over(service)
    edited = tool("propose_edit").call(tower, {"draft_id": "d1", "subject": "Your twelve seats"})["draft"]
    assert (edited["subject"], edited["status"]) == ("Your twelve seats", "proposed")
    service.drafts.held["d1"]["status"] = "approved"
    with pytest.raises(UsageError, match="approved"):
        tool("propose_edit").call(tower, {"draft_id": "d1", "body": "other"})
    assert service.drafts.held["d1"]["status"] == "approved"


def test_over_http_an_agent_sees_what_its_user_sees(url: str, home: Path) -> None:
    select = "SELECT region, COUNT(*) AS n FROM accounts GROUP BY region"
    seen = {user: over_http(url, issue(home, user, 1), called("sql", select=select))[1] for user in ("emma", "akira")}
    assert seen["emma"]["rows"] == [["EMEA", 4]]
    assert seen["akira"]["rows"] == [["APAC", 4]]


def test_over_http_an_answer_is_cited_kept_and_audited(url: str, home: Path) -> None:
    failed, body = over_http(url, issue(home, "emma", 1), called("ask", question="How many accounts are there?"))
    assert not failed
    assert body["tables"][0]["rows"] == [[4]]
    assert body["citations"]
    headers = {"Authorization": f"Bearer {issue(home, 'root', 1)}"}
    server = url.removesuffix("/mcp")
    records = httpx2.get(f"{server}/v1/audit", headers=headers).json()["records"]
    last = [one for one in records if one["api"]["operation"] == "ask"][-1]
    assert (last["actor"]["user"]["name"], last["answer_id"]) == ("emma", body["id"])
    assert 'tower_answers_total{path="sql"}' in httpx2.get(f"{server}/metrics", headers=headers).text


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_over_http_rows_are_counted_and_the_request_is_named_in_the_audit_log(url: str, home: Path, mode: Any) -> None:
    async def run() -> bool:
        headers = {"Authorization": f"Bearer {issue(home, 'root', 1)}", "X-Request-ID": f"agent-{mode}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            return (await client.call_tool("sql", {"select": "SELECT name FROM accounts"})).is_error

    assert not asyncio.run(run())
    bearer = {"Authorization": f"Bearer {issue(home, 'root', 1)}"}
    server = url.removesuffix("/mcp")
    records = httpx2.get(f"{server}/v1/audit?n=50", headers=bearer).json()["records"]
    named = [one for one in records if one["metadata"]["correlation_uid"] == f"agent-{mode}"]
    assert [one["api"]["operation"] for one in named] == ["sign_in", "sql"]


def test_over_http_what_a_tool_uses_is_counted_for_its_caller(tmp_path: Path) -> None:
    service = FakeService()
    spent: list[int] = []

    class Counting(Limits):
        def spend(self, who: Any, kind: str, amount: int) -> None:
            spent.append(amount)
            super().spend(who, kind, amount)

    app = create_app(Audited(service, AuditLog(tmp_path)), limits=Counting(LimitsSettings()))  # type: ignore[arg-type]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
               "params": {"name": "sql", "arguments": {"select": "SELECT 1"}}}  # fmt: skip
    with TestClient(app) as client:
        reply = client.post("/mcp", json=message, headers={"Accept": "application/json, text/event-stream"})
    assert reply.json()["result"]["structuredContent"]["rows"] == [[3, "2026-05-01"]]
    assert 1 in spent


def test_over_http_an_action_that_the_policy_does_not_give_is_refused(url: str, home: Path) -> None:
    failed, body = over_http(url, issue(home, "clerk", 1), called("sql", select="SELECT name FROM accounts"))
    assert (failed, body["error"]["code"]) == (True, "forbidden")


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_over_http_nobody_gets_in_without_a_token_that_holds(url: str, token: str | None) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    assert httpx2.post(url, json=message, headers=headers).status_code == 401


def test_over_http_the_limits_hold(url: str, home: Path) -> None:
    token = issue(home, "ivy", 1)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
    statuses = [httpx2.post(url, json=message, headers=headers).status_code for _ in range(42)]
    assert statuses[:40] == [200] * 40
    assert statuses[40:] == [429, 429]


def test_over_http_there_is_nothing_to_get(url: str, home: Path) -> None:
    headers = {"Authorization": f"Bearer {issue(home, 'root', 1)}"}
    assert httpx2.get(url, headers=headers).status_code == 405


def test_over_stdin_and_stdout(home: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(home, tmp_path / "home")  # the first one is owned by the server
    arguments = ["-m", "api.start", "mcp", "--home", str(copy), "--as", "akira"]

    async def run() -> Any:
        parameters = StdioServerParameters(
            command=sys.executable, args=arguments, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        )
        async with Client(parameters) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, await called("ask", question="How many accounts are there?")(client)

    names, (failed, body) = asyncio.run(run())
    assert names == NAMES == [tool.name for tool in TOOLS]
    assert not failed
    assert body["tables"][0]["rows"] == [[4]]


def test_over_stdin_and_stdout_to_a_server_elsewhere(url: str, home: Path) -> None:
    def asked(token: str) -> tuple[bool, Any]:
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "api.start", "mcp", "--url", url.removesuffix("/mcp")],
            env={**os.environ, "TOWER_TOKEN": token, "PYTHONPATH": str(Path(__file__).parents[3])},
        )

        async def run() -> tuple[bool, Any]:
            async with Client(parameters) as client:
                return await called("sql", select="SELECT COUNT(*) AS n FROM accounts")(client)

        return asyncio.run(run())

    assert asked(issue(home, "emma", 1))[1]["rows"] == [[4]]
    assert asked(issue(home, "root", 1))[1]["rows"] == [[8]]
    assert asked("nonsense")[1]["error"]["code"] == "unauthorized"


def test_a_server_elsewhere_and_a_workspace_here_are_different_things(tmp_path: Path) -> None:
    assert main(["mcp", "--url", "http://127.0.0.1:9", "--home", str(tmp_path)]) == 2
