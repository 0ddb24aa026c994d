"""A workspace with users, through the command line, HTTP and Python: who is let in, and what they are given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient

from api import Tower
from api.access.caller import Caller
from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.cli import app, main
from api.http.app import create_app
from api.known import known_persons_of
from api.settings import SigninSettings, load_settings
from api.wiring import open_workspace
from index.errors import NotFoundError, PolicyError, PolicyFileError, TowerError
from tests.governed import POLICY, build

NEEDS_NOBODY = {
    "demo", "init", "parse", "mask", "serve", "worker", "policy check", "policy explain", "token", "keys add",
    "keys list", "keys revoke",
}  # fmt: skip
ARGUMENTS = {
    "ask": ["How many customers do we have?"], "explain": ["How many customers do we have?"], "search": ["payment"],
    "sql": ["SELECT 1 AS one FROM accounts"], "drafts show": ["d1"], "drafts edit": ["d1", "--subject", "x"],
    "drafts approve": ["d1"], "drafts reject": ["d1"], "drafts lint": ["d1"],
    "drafts export": ["d1"], "replay": ["a1"],
    "lineage": ["accounts", "A1"], "forget": ["--entity", "A1", "--yes"],
    "feedback give": ["a1", "--up"], "feedback accept": ["f1"], "feedback dismiss": ["f1"],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("governed") / "home")


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    """A copy of the workspace, to change."""
    shutil.copytree(home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def workspace(copy: Path) -> Iterator[Audited]:
    opened = open_workspace(copy, load_settings(copy))
    yield opened
    opened.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def run(home: Path, *arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main([*arguments, "--json", "--home", str(home)])
        return status, json.loads(capsys.readouterr().out)

    return run


def write_policy(home: Path, text: str) -> None:
    """Replace the file, with a time stamp of its own even on a coarse clock."""
    path = home / "policy.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def commands() -> list[str]:
    """Every command that reads or changes what a workspace holds."""
    root = typer.main.get_command(app)
    names = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        names += [f"{name} {sub}".strip() for sub in getattr(command, "commands", {"": command})]
    return [name for name in names if name not in NEEDS_NOBODY]


@pytest.mark.parametrize("command", commands())
def test_a_command_that_names_nobody_is_refused(
    home: Path, run: Callable[..., tuple[int, Any]], tmp_path: Path, command: str
) -> None:
    golden = tmp_path / "golden.jsonl"
    golden.write_text('{"id": "g", "question": "How many customers?", "route": "sql"}\n', encoding="utf-8")
    arguments = [str(golden)] if command == "eval" else ARGUMENTS.get(command, [])
    status, said = run(home, *command.split(), *arguments)
    assert (status, said["error"]["code"]) == (3, "forbidden")


@pytest.mark.parametrize("user", ["eve", "", "EMMA", "emma "])
def test_an_unknown_user_is_refused(home: Path, run: Callable[..., tuple[int, Any]], user: str) -> None:
    status, said = run(home, "ask", "How many customers do we have?", "--as", user)
    assert (status, said["error"]["code"]) == (3, "forbidden")


@pytest.mark.parametrize(
    ("user", "command"),
    [("ivy", ["ask", "How many customers?"]), ("ivy", ["search", "payment"]), ("emma", ["ingest"]),
     ("emma", ["reindex"]), ("emma", ["status"]), ("clerk", ["sql", "SELECT name FROM accounts"])],
)  # fmt: skip
def test_an_action_that_no_role_allows_is_refused(
    home: Path, run: Callable[..., tuple[int, Any]], user: str, command: list[str]
) -> None:
    status, said = run(home, *command, "--as", user)
    assert (status, said["error"]["code"]) == (3, "forbidden")


def test_each_user_counts_their_own(home: Path, run: Callable[..., tuple[int, Any]]) -> None:
    for user, count in (("root", 8), ("emma", 4), ("akira", 4)):
        status, answer = run(home, "ask", "How many customers do we have?", "--as", user)
        assert status == 0 and answer["sql"][0]["rows"] == [[count]]
    _, regions = run(home, "sql", "SELECT DISTINCT region FROM accounts", "--as", "akira")
    assert regions["rows"] == [["APAC"]]


def test_documents_follow_the_rows_that_they_are_about(home: Path, run: Callable[..., tuple[int, Any]]) -> None:
    for user, seen in (("root", "ABh"), ("emma", "Ah"), ("akira", "Bh"), ("clerk", "h")):
        _, found = run(home, "search", "customer payment term", "-k", "20", "--as", user)
        assert {hit["doc_id"].split(":")[1][0].replace("p", "h") for hit in found["hits"]} == set(seen)


def test_a_batch_line_is_asked_as_its_own_user(home: Path, tmp_path: Path) -> None:
    lines = [
        {"id": n, "question": "How many customers do we have?", "as": who} for n, who in enumerate(["emma", "eve"])
    ]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(map(json.dumps, [*lines, {"id": 2, "question": "How many customers?"}])), "utf-8")
    assert main(["ask", "--batch", str(source), "--out", str(target), "--home", str(home)]) == 0
    first, second, third = map(json.loads, target.read_text("utf-8").splitlines())
    assert first["sql"][0]["rows"] == [[4]]
    assert second["error"]["code"] == third["error"]["code"] == "forbidden"


def test_the_policy_is_checked_and_explained(home: Path, run: Callable[..., tuple[int, Any]]) -> None:
    status, summary = run(home, "policy", "check")
    assert status == 0 and [u["user"] for u in summary["users"]] == ["root", "emma", "akira", "clerk", "ivy"]
    status, said = run(home, "policy", "explain", "emma")
    tables = {table["table"]: table for table in said["tables"]}
    assert status == 0 and tables["accounts"]["rows"] == "region = 'EMEA'"
    assert tables["contacts"]["columns"]["email"] == "masked" and tables["contacts"]["hidden_columns"] == ["pin"]
    assert tables["accounts"]["roles"][0]["role"] == "regional"
    assert {tag["tag"]: tag["follows_rows_of"] for tag in said["documents"]} == {"notes": ["account"], "handbook": []}
    assert {action["action"] for action in said["actions"]} == {"ask", "sql", "drafts"}
    assert run(home, "policy", "explain", "eve")[0] == 3


def test_the_policy_is_explained_in_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "--home", str(home)]) == 0
    assert main(["policy", "explain", "emma", "--home", str(home)]) == 0
    assert main(["policy", "explain", "ivy", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert "masked: email" in said and "no role, so sees nothing" in said and "notes, where the account" in said


def test_a_workspace_without_a_policy_has_nothing_to_check(copy: Path, run: Callable[..., tuple[int, Any]]) -> None:
    (copy / "policy.yaml").unlink()
    assert run(copy, "policy", "check")[0] == 1
    assert run(copy, "ask", "How many customers do we have?")[0] == 0
    assert run(copy, "ask", "How many customers do we have?", "--as", "emma")[0] == 3


def test_a_policy_that_the_settings_name_must_be_there(copy: Path, run: Callable[..., tuple[int, Any]]) -> None:
    (copy / "policy.yaml").rename(copy / "users.yaml")
    with (copy / "tower.yaml").open("a", encoding="utf-8") as settings:
        settings.write("\npolicy: users.yaml\n")
    assert run(copy, "ask", "How many customers do we have?", "--as", "emma")[0] == 0
    (copy / "users.yaml").unlink()
    status, said = run(copy, "ask", "How many customers do we have?")
    assert (status, said["error"]["code"]) == (2, "bad_policy")


def test_a_database_is_not_asked_in_place_from_a_workspace_with_users(
    home: Path, run: Callable[..., tuple[int, Any]]
) -> None:
    url = f"sqlite:///{home / 'tower.db'}"
    assert run(home, "ask", "How many accounts are there?", "--sql-url", url)[0] == 3


def test_a_change_of_the_file_counts_for_the_next_question(workspace: Audited, copy: Path) -> None:
    def count() -> object:
        return workspace.ask("How many customers do we have?", workspace.scope_for("emma")).sql[0].rows

    assert count() == [[4]]
    same = workspace.scope_for("emma")
    assert workspace.scope_for("emma") is same
    write_policy(copy, POLICY.replace("region = {region}", "region = {region} AND segment = 'SMB'", 1))
    assert count() == [[2]]
    write_policy(copy, POLICY.replace("emma: {groups: [sales]", "emma: {roles: [clerk]"))
    assert next(list(t.columns) for t in workspace.scope_for("emma").tables.values()) == ["account_id", "name"]
    write_policy(copy, POLICY.replace("  emma:", "  emilia:"))
    with pytest.raises(PolicyError):
        workspace.scope_for("emma")


ASKING = """
import sys
from pathlib import Path
from api.settings import load_settings
from api.wiring import open_workspace

home = Path(sys.argv[1])
workspace = open_workspace(home, load_settings(home))
for _ in sys.stdin:
    rows = workspace.sql("SELECT COUNT(*) FROM accounts", workspace.scope_for("emma"))[1].rows
    print(rows[0][0], flush=True)
"""


def test_a_change_of_the_file_counts_in_every_process_that_has_the_workspace_open(copy: Path) -> None:
    def count(process: subprocess.Popen[str]) -> int:
        assert process.stdin and process.stdout
        process.stdin.write("ask\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", ASKING, str(copy)], text=True, stdin=PIPE, stdout=PIPE)
            )
            for _ in range(2)
        ]
        try:
            assert [count(process) for process in processes for _ in range(2)] == [4, 4, 4, 4]
            write_policy(copy, POLICY.replace("region = {region}", "region = {region} AND segment = 'SMB'", 1))
            assert [count(process) for process in processes] == [2, 2]
        finally:
            for process in processes:
                process.kill()


def test_a_file_that_breaks_or_vanishes_lets_nobody_in(workspace: Audited, copy: Path) -> None:
    workspace.scope_for("emma")
    write_policy(copy, POLICY.replace("region = {region}", "regoin = {region}", 1))
    for user in ("emma", "root", None):
        with pytest.raises(PolicyFileError):
            workspace.scope_for(user)
    write_policy(copy, POLICY)
    assert workspace.scope_for("emma").tables
    (copy / "policy.yaml").unlink()
    for user in ("emma", None):
        with pytest.raises(PolicyFileError):
            workspace.scope_for(user)


def test_a_kept_answer_is_gone_for_others_and_for_its_owner_once_policy_shows_less(
    workspace: Audited, copy: Path
) -> None:
    emma = workspace.scope_for("emma")
    answer = workspace.ask("Write a follow-up mail to Bergfreunde", emma)
    assert workspace.answer(answer.id, emma).id == answer.id and answer.drafts
    with pytest.raises(NotFoundError):
        workspace.answer(answer.id, workspace.scope_for("akira"))
    assert workspace.answer(answer.id, workspace.scope_for("root")).id == answer.id
    assert [d["id"] for d in workspace.drafts.list(emma)] == [d.id for d in answer.drafts]
    assert workspace.drafts.list(workspace.scope_for("akira")) == []
    write_policy(copy, POLICY.replace("region = {region}", "region = {region} AND segment = 'SMB'", 1))
    narrower = workspace.scope_for("emma")
    with pytest.raises(NotFoundError):
        workspace.answer(answer.id, narrower)
    with pytest.raises(NotFoundError):
        workspace.drafts.approve(narrower, answer.drafts[0].id)
    assert workspace.drafts.list(narrower) == []


def test_what_the_administrator_asked_before_there_were_users_is_not_a_user_of_that_name_s(copy: Path) -> None:
    (copy / "policy.yaml").unlink()
    with Tower.open(copy) as tower:
        kept = tower.ask("How many customers do we have?").id
    write_policy(copy, POLICY.replace("emma:", "admin:"))
    opened = open_workspace(copy, load_settings(copy))
    try:
        with pytest.raises(NotFoundError):
            opened.answer(kept, opened.scope_for("admin"))
    finally:
        opened.close()


def test_documents_follow_rows_that_move(workspace: Audited, copy: Path) -> None:
    """A customer that changes region takes its notes along, with the next ingest."""
    assert "notes:A1.md" in {p.doc_id for p in workspace.search("payment term", workspace.scope_for("emma"), 20)}
    path = copy / "files" / "crm" / "accounts.csv"
    path.write_text(path.read_text("utf-8").replace("Ann & Co,EMEA", "Ann & Co,APAC"), "utf-8")
    workspace.ingest((), False, lambda *_: None)
    assert "notes:A1.md" not in {p.doc_id for p in workspace.search("payment term", workspace.scope_for("emma"), 20)}
    assert "notes:A1.md" in {p.doc_id for p in workspace.search("payment term", workspace.scope_for("akira"), 20)}


def test_a_document_is_read_by_its_id_within_the_same_rules(workspace: Audited) -> None:
    documents = workspace.inner._documents
    assert documents is not None and documents.document("notes:A1.md", workspace.scope_for("emma")).text
    for user in ("akira", "clerk", "ivy"):
        with pytest.raises(NotFoundError):
            documents.document("notes:A1.md", workspace.scope_for(user))


def test_the_server_asks_as_the_one_user_that_it_was_started_as(workspace: Audited) -> None:
    client = TestClient(create_app(workspace, user="emma"))
    answer = client.post("/v1/ask", json={"question": "How many customers do we have per region?"}).json()
    assert answer["sql"][0]["rows"] == [["EMEA", 4]]
    page = client.post("/", data={"question": "How many customers do we have per region?"}, headers={}).text
    assert "EMEA" in page and "APAC" not in page
    assert client.get("/v1/status").status_code == 403
    assert TestClient(create_app(workspace, user="root")).get("/v1/status").status_code == 200


def test_a_server_without_a_user_answers_nobody_who_did_not_sign_in(workspace: Audited) -> None:
    client = TestClient(create_app(workspace))
    for reply in (
        client.post("/v1/ask", json={"question": "How many customers do we have?"}),
        client.post("/v1/search", json={"query": "payment"}),
        client.post("/v1/sql", json={"sql": "SELECT 1 AS one FROM accounts"}),
        client.get("/v1/drafts"),
        client.get("/v1/status"),
        client.post("/", data={"question": "How many customers do we have?"}),
    ):
        assert reply.status_code == 401


def test_a_token_shows_what_its_user_may_see(workspace: Audited, copy: Path) -> None:
    client = TestClient(create_app(workspace, sign_in=SignIn(SigninSettings(), copy)))
    ask = {"question": "How many customers do we have per region?"}
    for user, rows in (("emma", [["EMEA", 4]]), ("akira", [["APAC", 4]])):
        headers = {"Authorization": f"Bearer {issue(copy, user, 1)}"}
        assert client.post("/v1/ask", json=ask, headers=headers).json()["sql"][0]["rows"] == rows
        assert client.get("/metrics", headers=headers).status_code == 403
    assert client.get("/v1/drafts", headers={"Authorization": f"Bearer {issue(copy, 'eve', 1)}"}).status_code == 403


def test_a_member_of_a_group_sees_what_the_group_does(workspace: Audited) -> None:
    caller = Caller("lena", "oidc", groups=frozenset({"sales"}), attributes=(("region", "EMEA"),))
    scope = workspace.scope_for(caller)
    assert workspace.scope_for(caller) is scope and scope.sight() == workspace.scope_for("emma").sight()
    assert workspace.scope_for(replace(caller, actions=frozenset({"ask", "audit"}))).actions == {"ask"}
    with pytest.raises(PolicyError):
        workspace.scope_for(replace(caller, groups=frozenset({"clerks"})))


def test_a_program_asks_as_the_user_that_it_names(home: Path) -> None:
    with Tower.open(home, user="emma") as tower:
        assert tower.ask("How many customers do we have?").sql[0].rows == [[4]]
        with pytest.raises(TowerError):
            tower.status()
    with Tower.open(home) as tower, pytest.raises(PolicyError):
        tower.ask("How many customers do we have?")


def test_masking_in_a_workspace_with_users_does_not_tell_whom_it_knows(home: Path) -> None:
    assert known_persons_of(home, load_settings(home)) is None
