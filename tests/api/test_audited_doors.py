"""Each route and each command leaves its record: what was done by whom, and every refusal. docs/audit.md lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access.browser import Browsers
from api.access.keys import ApiKeys
from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.cli import main
from api.console import routers as console
from api.http.app import create_app
from api.http.door import OPEN, OPEN_FOLDERS
from api.settings import ConsoleSettings, SigninSettings, load_settings
from api.wiring import open_workspace
from index.audit import LOG
from tests.api.test_policy import ARGUMENTS, commands
from tests.governed import build

ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "POST /v1/ask": ("ask", {"json": {"question": "How many customers do we have?"}}),
    "POST /v1/explain": ("explain", {"json": {"question": "How many customers do we have?"}}),
    "POST /v1/search": ("search", {"json": {"query": "payment"}}),
    "POST /v1/sql": ("sql", {"json": {"sql": "SELECT 1 AS one FROM accounts"}}),
    "GET /v1/answers/{answer_id}": ("read_answer", {}),
    "POST /v1/answers/{answer_id}/replay": ("replay", {}),
    "POST /v1/answers/{answer_id}/check": ("read_answer", {}),
    "POST /v1/answers/{answer_id}/feedback": ("feedback.give", {"json": {"verdict": "up"}}),
    "GET /v1/answers/{answer_id}/citations/{number}": ("read_citation", {}),
    "GET /v1/drafts/{draft_id}/citations/{number}": ("read_citation", {}),
    "GET /v1/feedback": ("feedback.list", {}),
    "POST /v1/feedback/{feedback_id}/accept": ("feedback.accept", {}),
    "POST /v1/feedback/{feedback_id}/dismiss": ("feedback.dismiss", {}),
    "GET /v1/churn": ("churn", {}),
    "GET /v1/churn/versions": ("scores.versions", {}),
    "GET /v1/churn/card": ("scores.card", {}),
    "POST /v1/admin/train": ("scores.train", {}),
    "GET /v1/drafts": ("drafts.list", {}),
    "GET /v1/drafts/{draft_id}": ("drafts.get", {}),
    "PATCH /v1/drafts/{draft_id}": ("drafts.edit", {"json": {"subject": "x"}}),
    "GET /v1/drafts/{draft_id}/lint": ("drafts.lint", {}),
    "POST /v1/drafts/{draft_id}/lint": ("drafts.lint", {"json": {"body": "x"}}),
    "POST /v1/drafts/{draft_id}/approve": ("drafts.approve", {}),
    "POST /v1/drafts/{draft_id}/reject": ("drafts.reject", {"json": {"reason": "x"}}),
    "POST /v1/drafts/{draft_id}/export": ("drafts.export", {}),
    "GET /v1/examples": ("examples", {}),
    "GET /v1/at-risk": ("at_risk", {}),
    "POST /v1/admin/ingest": ("jobs.begin", {"json": {"sources": ["nothing"]}}),
    "POST /v1/admin/reindex": ("jobs.begin", {"json": {"roll_back": True}}),
    "POST /v1/admin/retrain": ("jobs.begin", {}),
    "POST /v1/admin/jobs/{job_id}/cancel": ("jobs.cancel", {}),
    "GET /v1/admin/quarantine": ("read_quarantine", {}),
    "GET /v1/admin/lineage": ("lineage", {"params": {"table": "accounts", "key": "A1"}}),
    "POST /v1/admin/forget": ("forget", {"json": {"entity": "nobody", "mode": "look"}}),
    "POST /mcp": ("search", {
        "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                 "params": {"name": "search", "arguments": {"query": "payment"}}},
        "headers": {"Accept": "application/json, text/event-stream"},
    }),
    "GET /console/examples": ("examples", {}),
    "POST /": ("ask", {"data": {"question": "How many customers do we have?"}}),
    "GET /console/answers/{answer_id}": ("read_answer", {}),
    "GET /console/{owner}/{owner_id}/citations/{number}": ("read_citation", {}),
    "GET /console/answers/{answer_id}/chart.svg": ("read_answer", {}),
    "GET /console/{owner}/{owner_id}/images/{number}": ("read_answer", {}),
    "GET /console/drafts": ("drafts.list", {}),
    "GET /console/drafts/{draft_id}": ("drafts.get", {}),
    "POST /console/drafts/{draft_id}/check": ("drafts.lint", {"data": {"subject": "x", "body": "x"}}),
    "POST /console/drafts/{draft_id}": ("drafts.reject", {"data": {"action": "reject", "reason": "x"}}),
    "GET /console/at-risk": ("at_risk", {}),
    "POST /console/answers/{answer_id}/feedback": ("feedback.give", {"data": {"verdict": "up"}}),
    "GET /console/feedback": ("feedback.list", {}),
    "POST /console/feedback/{feedback_id}": ("feedback.dismiss", {"data": {"action": "dismiss"}}),
    "POST /console/jobs": ("jobs.begin", {"data": {"kind": "retrain"}}),
}  # fmt: skip
"""Each route of which a record is written, and a request that `root` may send."""

SILENT = {
    "GET /": "the page to ask from, without contents",
    "GET /v1/status": "counts of sources, for those who look after them",
    "GET /metrics": "counts of requests",
    "GET /v1/audit": "the log itself",
    "GET /v1/audit/verify": "the log itself",
    "GET /console/audit": "the log itself",
    "GET /v1/admin/jobs": "jobs and their progress, no contents",
    "GET /v1/admin/jobs/{job_id}": "jobs and their progress, no contents",
    "GET /v1/admin/jobs/{job_id}/events": "jobs and their progress, no contents",
    "GET /v1/admin/catalogue": "the semantic model",
    "GET /console/sources": "status and jobs; the quarantine on it is recorded",
}
"""Routes that read no contents: only a refusal is recorded."""

VALUES = {"owner": "answers", "number": "1"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TestClient]]:
    home = build(tmp_path_factory.mktemp("audited") / "home")
    workspace = open_workspace(home, load_settings(home))
    app = create_app(workspace, sign_in=SignIn(SigninSettings(), home), browsers=Browsers(ConsoleSettings()))
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield home, client
    workspace.close()


def records(home: Path) -> list[dict[str, Any]]:
    path = home / LOG
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def send(client: TestClient, home: Path, route: str, user: str, **more: Any) -> tuple[int, list[dict[str, Any]]]:
    """The status, and the records that the request added, but for the first use of the token."""
    before = len(records(home))
    method, _, path = route.partition(" ")
    for name in ("answer_id", "draft_id", "feedback_id", "job_id", "owner_id", *VALUES):
        path = path.replace(f"{{{name}}}", VALUES.get(name, "none"))
    headers = {**more.pop("headers", {}), "Authorization": f"Bearer {issue(home, user, 24)}"}
    status = client.request(method, path, headers=headers, **more).status_code
    return status, [one for one in records(home)[before:] if _said(one) != ("sign_in", "success")]


def _said(record: dict[str, Any]) -> tuple[str, str]:
    return record["api"]["operation"], record["status"]


def _routes(client: TestClient) -> set[str]:
    """What the description of the server lists, the pages, and the door of agents."""
    listed = client.get("/openapi.json").json()["paths"]
    found = {(method.upper(), path) for path, methods in listed.items() for method in methods}
    pages = (route for router in console for route in router.routes)
    found |= {(method, route.path) for route in pages for method in route.methods - {"HEAD"}}  # type: ignore[attr-defined]
    found |= {(m, r.path) for r in client.app.routes for m in getattr(r, "methods", None) or () if m != "HEAD"}  # type: ignore[attr-defined]
    return {f"{m} {path}" for m, path in found if (m, path) not in OPEN and not path.startswith(OPEN_FOLDERS)}


def test_the_list_names_every_route(served: tuple[Path, TestClient]) -> None:
    assert _routes(served[1]) == {*ROUTES, *SILENT}


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_leaves_a_record_of_who_did_what(served: tuple[Path, TestClient], route: str) -> None:
    home, client = served
    operation, more = ROUTES[route]
    status, written = send(client, home, route, "root", **dict(more))
    assert status not in (401, 403, 405, 415, 422, 500), status
    assert (operation, "root") in [(r["api"]["operation"], r["actor"]["user"]["name"]) for r in written]


@pytest.mark.parametrize("route", [*ROUTES, *SILENT])
@pytest.mark.parametrize("user", ["ivy", "clerk"])
def test_a_refusal_is_recorded_once_and_by_name(served: tuple[Path, TestClient], route: str, user: str) -> None:
    """`ivy` has no role; `clerk` may ask, and nothing else."""
    home, client = served
    status, written = send(client, home, route, user, **dict(ROUTES.get(route, ("", {}))[1]))
    refused = [r for r in written if r.get("status_code") == "forbidden"]
    operations = [r["api"]["operation"] for r in refused]
    assert status not in (401, 500)
    assert refused or status != 403
    assert len(operations) == len(set(operations))
    assert all(r["actor"]["user"]["name"] == user for r in refused)


@pytest.mark.parametrize("command", [c for c in commands() if c not in ("audit verify", "audit tail")])
def test_a_command_that_policy_refuses_is_recorded(
    served: tuple[Path, TestClient], tmp_path: Path, command: str
) -> None:
    home, _ = served
    golden = tmp_path / "golden.jsonl"
    golden.write_text('{"id": "g", "question": "How many customers?", "route": "sql"}\n', encoding="utf-8")
    before = len(records(home))
    arguments = [str(golden)] if command == "eval" else ARGUMENTS.get(command, [])
    status = main([*command.split(), *arguments, "--json", "--home", str(home), "--as", "nobody-of-ours"])
    assert status == 3
    assert [(r["status_code"], r["actor"]["user"]["name"]) for r in records(home)[before:]] == [
        ("forbidden", "nobody-of-ours")
    ]


def test_the_first_use_of_a_token_or_key_is_a_sign_in_and_the_next_is_none(served: tuple[Path, TestClient]) -> None:
    home, client = served
    _, secret = ApiKeys(home).add("emma")
    before = len(records(home))
    for _ in range(3):
        assert client.get("/v1/drafts", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    written = records(home)[before:]
    assert [_said(r)[0] for r in written] == ["sign_in", "drafts.list", "drafts.list", "drafts.list"]
    assert (written[0]["actor"]["user"]["name"], written[0]["by"]) == ("emma", "key")
    assert written[0]["src_endpoint"]["ip"]
    assert secret not in json.dumps(written)


def test_signing_in_and_out_at_the_pages_is_recorded(served: tuple[Path, TestClient]) -> None:
    home, client = served
    own = {"Origin": "http://testserver", "Host": "testserver"}
    before = len(records(home))
    assert client.post("/console/sign-in", data={"token": issue(home, "akira", 24)}, headers=own).status_code == 303
    assert client.get("/console/drafts").status_code == 200
    assert client.post("/console/sign-out", headers=own).status_code == 303
    assert client.post("/console/sign-in", data={"token": "wrong"}, headers=own).status_code == 401
    written = [(*_said(r), r["actor"]["user"]["name"]) for r in records(home)[before:]]
    assert written == [
        ("sign_in", "success", "akira"), ("drafts.list", "success", "akira"), ("sign_out", "success", "akira"),
        ("sign_in", "failure", ""),
    ]  # fmt: skip


def test_without_a_record_nobody_is_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from index.errors import StorageError

    def full(*_: object, **__: object) -> None:
        raise StorageError("the audit log cannot be written")

    home = build(tmp_path / "home")
    workspace = open_workspace(home, load_settings(home))
    monkeypatch.setattr(Audited, "signed_in", full)
    app = create_app(workspace, sign_in=SignIn(SigninSettings(), home), browsers=Browsers(ConsoleSettings()))
    with TestClient(app, follow_redirects=False) as client:
        token = issue(home, "emma", 24)
        assert client.get("/v1/drafts", headers={"Authorization": f"Bearer {token}"}).status_code == 507
        reply = client.post("/console/sign-in", data={"token": token}, headers={"Origin": "http://testserver"})
        assert reply.status_code == 507 and not reply.cookies
    workspace.close()
