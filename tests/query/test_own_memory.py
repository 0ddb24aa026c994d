"""What is remembered is the asker's own: what a colleague asked, who sees the same, is work as if nobody had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace
from index.embedding.batcher import Batcher
from index.sql import SqlDatabase
from query.planning.planner import Planner
from query.text2sql.planner import TableQuestionPlanner
from tests.governed import POLICY, build

QUESTIONS = ("How many customers are in the SMB segment?", "What is our payment term?", "Who threatens to leave?")


@pytest.fixture
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    colleague = "  emil: {groups: [sales], attributes: {region: EMEA}}\n"
    home = build(tmp_path_factory.mktemp("own") / "home", policy=POLICY.replace("users:\n", f"users:\n{colleague}", 1))
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what costs time: queries that reach the database, texts that reach the model, questions that are read."""
    done: Counter[str] = Counter()

    def counted(owner: type, name: str) -> None:
        inner = getattr(owner, name)

        def count(self: object, *args: object, **named: object) -> object:
            done[name] += 1
            return inner(self, *args, **named)

        monkeypatch.setattr(owner, name, count)

    for owner, name in (
        (SqlDatabase, "read"),
        (Batcher, "run"),
        (TableQuestionPlanner, "_read"),
        (TableQuestionPlanner, "_rank"),
        (Planner, "plan"),
    ):
        counted(owner, name)
    return done


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_of_a_colleague_is_no_quicker(workspace: Workspace, work: Counter[str], question: str) -> None:
    emma, emil = workspace.scope_for("emma"), workspace.scope_for("emil")
    assert emma.sight() == emil.sight()
    for scope in (emma, emil):
        workspace.ask("How many products do we have?", scope)  # opens what all who see the same share

    def asked(who: object) -> Counter[str]:
        work.clear()
        workspace.ask(question, who)  # type: ignore[arg-type]
        return Counter(work)

    first, again, colleague = asked(emma), asked(emma), asked(emil)
    assert colleague == first
    assert again["plan"] == 0 < first["plan"] and again.total() < first.total()
