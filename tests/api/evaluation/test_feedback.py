"""Thumbs and corrections: kept under the asker, reviewed, and asked again as golden questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.cli import main
from api.evaluation.evaluate import evaluate_file
from api.http.app import create_app
from api.settings import SigninSettings, load_settings
from api.tower import Tower
from api.wiring import open_workspace
from index.errors import NotFoundError, PolicyError, UsageError
from tests.governed import build

QUESTION = "How many accounts are there?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("feedback") / "home")


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[Audited]:
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def golden(home: Path) -> Iterator[Path]:
    path = home / "golden.jsonl"
    yield path
    path.unlink(missing_ok=True)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def given(workspace: Audited, user: str, question: str, **word: Any) -> dict[str, Any]:
    scope = workspace.scope_for(user)
    return workspace.feedback.give(scope, workspace.ask(question, scope).id, word)


def test_a_thumb_up_becomes_a_golden_question_that_the_answer_passes(workspace: Audited, golden: Path) -> None:
    golden.write_text('{"id": "g1", "question": "How many orders are there?", "route": "sql", "as": "emma"}')
    kept = given(workspace, "emma", QUESTION, verdict="up", comment="right")
    done = workspace.feedback.accept(workspace.scope_for("root"), kept["id"])
    line = {
        "id": f"feedback-{kept['id']}",
        "question": QUESTION,
        "route": "sql",
        "as": "emma",
        "expect": {"rows": [[4]]},
    }
    assert (done["status"], done["decided_by"], done["golden"]) == ("accepted", "root", line)
    assert [one["id"] for one in lines(golden)] == ["g1", line["id"]]
    assert evaluate_file(workspace, golden, lambda *_: None, user="root").accuracy == 1


def test_a_correction_in_sql_is_run_for_the_asker(workspace: Audited, golden: Path) -> None:
    wrong = {"sql": "SELECT COUNT(*) FROM accounts WHERE status = 'Active'"}
    kept = given(workspace, "akira", "How many accounts are active?", verdict="down", correction=wrong)
    line = workspace.feedback.accept(workspace.scope_for("root"), kept["id"])["golden"]
    assert line["expect"] == {"rows": [[3]]}
    assert (line["as"], line["sql"]) == ("akira", wrong["sql"])


def test_a_reviewer_says_what_is_right_where_the_asker_did_not(workspace: Audited, golden: Path) -> None:
    kept = given(workspace, "emma", QUESTION, verdict="down", comment="no")
    root = workspace.scope_for("root")
    with pytest.raises(UsageError, match="nothing says"):
        workspace.feedback.accept(root, kept["id"])
    assert not golden.exists()
    line = workspace.feedback.accept(root, kept["id"], {"contains": ["five"]})["golden"]
    assert line["expect"] == {"contains": ["five"]}
    result = evaluate_file(workspace, golden, lambda *_: None, user="root")
    assert (result.accuracy, "does not say 'five'" in result.outcomes[0].why) == (0, True)


def test_a_refusal_may_be_the_right_answer(workspace: Audited, golden: Path) -> None:
    kept = given(workspace, "emma", QUESTION, verdict="down", correction={"route": "refuse"})
    line = workspace.feedback.accept(workspace.scope_for("root"), kept["id"])["golden"]
    assert (line["route"], "expect" in line) == ("refuse", False)


def test_everybody_sees_their_own_and_an_auditor_all(workspace: Audited) -> None:
    mine = given(workspace, "emma", QUESTION, verdict="up")
    theirs = given(workspace, "akira", QUESTION, verdict="up")
    ids = {user: {one["id"] for one in workspace.feedback.list(workspace.scope_for(user), "open")}
           for user in ("emma", "akira", "root")}  # fmt: skip
    assert mine["id"] in ids["emma"] - ids["akira"]
    assert theirs["id"] in ids["akira"] - ids["emma"]
    assert {mine["id"], theirs["id"]} <= ids["root"]


def test_a_second_word_replaces_the_first_and_what_was_decided_stays(workspace: Audited, golden: Path) -> None:
    scope, root = workspace.scope_for("emma"), workspace.scope_for("root")
    answer = workspace.ask(QUESTION, scope)
    first = workspace.feedback.give(scope, answer.id, {"verdict": "down"})
    second = workspace.feedback.give(scope, answer.id, {"verdict": "up"})
    with pytest.raises(NotFoundError):
        workspace.feedback.accept(root, first["id"])
    workspace.feedback.dismiss(root, second["id"], "known")
    with pytest.raises(UsageError, match="dismissed by root already"):
        workspace.feedback.accept(root, second["id"])
    assert not golden.exists()


def test_what_one_may_not_is_refused(workspace: Audited) -> None:
    answer = workspace.ask(QUESTION, workspace.scope_for("emma"))
    with pytest.raises(NotFoundError):
        workspace.feedback.give(workspace.scope_for("akira"), answer.id, {"verdict": "up"})
    kept = given(workspace, "emma", QUESTION, verdict="up")
    for decide in (workspace.feedback.accept, workspace.feedback.dismiss):
        with pytest.raises(PolicyError):
            decide(workspace.scope_for("emma"), kept["id"])


@pytest.mark.parametrize(
    "word",
    [
        {"verdict": "sideways"}, {"verdict": "down", "correction": {"answer": "42"}},
        {"verdict": "down", "correction": {"rows": [4]}}, {"verdict": "down", "correction": {"route": "left"}},
        {"verdict": "down", "correction": ["x"]}, {"verdict": "down", "correction": {"contains": ["x" * 30_000]}},
    ],
)  # fmt: skip
def test_a_word_of_another_shape_is_bad_input(workspace: Audited, word: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        given(workspace, "emma", QUESTION, **word)


def test_a_correction_that_does_not_run_is_told(workspace: Audited, golden: Path) -> None:
    kept = given(workspace, "emma", QUESTION, verdict="down", correction={"sql": "SELECT pin FROM contacts"})
    with pytest.raises(UsageError, match="does not run for the asker"):
        workspace.feedback.accept(workspace.scope_for("root"), kept["id"])


def test_the_audit_log_holds_no_comment(workspace: Audited) -> None:
    given(workspace, "emma", QUESTION, verdict="down", comment="Ann Secret said so")
    records = workspace.audit_tail(workspace.scope_for("root"), 5)
    assert records[-1]["api"]["operation"] == "feedback.give"
    assert "Secret" not in json.dumps(records)


def test_over_http_and_in_a_notebook(workspace: Audited, home: Path, golden: Path) -> None:
    with TestClient(create_app(workspace, sign_in=SignIn(SigninSettings(), home))) as client:
        headers = {user: {"Authorization": f"Bearer {issue(home, user, 1)}"} for user in ("emma", "root")}
        answer = client.post("/v1/ask", json={"question": QUESTION}, headers=headers["emma"]).json()
        path = f"/v1/answers/{answer['id']}/feedback"
        reply = client.post(path, json={"verdict": "up"}, headers=headers["emma"])
        assert (reply.status_code, reply.json()["status"]) == (201, "open")
        listed = client.get("/v1/feedback?status=open", headers=headers["emma"]).json()["feedback"]
        assert reply.json()["id"] in {one["id"] for one in listed}
        accept = f"/v1/feedback/{reply.json()['id']}/accept"
        assert client.post(accept, headers=headers["emma"]).status_code == 403
        assert client.post(accept, headers=headers["root"]).json()["golden"]["expect"] == {"rows": [[4]]}
    tower = Tower.over(workspace, "emma")
    assert tower.feedback(tower.ask(QUESTION), "down", comment="hm")["verdict"] == "down"


def test_the_command_line_gates(
    workspace: Audited, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = given(workspace, "emma", QUESTION, verdict="up")
    workspace.close()

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main([*arguments, "--home", str(home), "--json"])
        return status, json.loads(capsys.readouterr().out)

    status, listed = run("feedback", "list", "--status", "open", "--as", "root")
    assert status == 0
    assert kept["id"] in {one["id"] for one in listed}
    assert run("feedback", "accept", kept["id"], "--as", "root")[0] == 0
    assert run("eval", "--min-accuracy", "0.97", "--as", "emma")[0] == 0
    other = run("ask", QUESTION, "--as", "emma")[1]
    word = run("feedback", "give", other["id"], "--down", "--contains", "nine thousand", "--as", "emma")[1]
    assert run("feedback", "accept", word["id"], "--as", "root")[0] == 0
    assert run("eval", "--min-accuracy", "0.97", "--as", "emma")[0] == 1
    assert run("eval", "--min-accuracy", "0.5", "--as", "emma")[0] == 0
    assert run("feedback", "dismiss", word["id"], "--as", "root")[1]["error"]["code"] == "bad_input"
