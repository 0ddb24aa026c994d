"""What pages show beside answers, over a real workspace with two regions: only what the reader's scope shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.audit import Audited
from api.settings import load_settings
from api.wiring import open_workspace
from index.errors import NotFoundError, UsageError
from tests.governed import build


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    home: Path = build(tmp_path_factory.mktemp("views") / "home")
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


def test_every_example_is_answered_from_what_its_reader_sees(workspace: Audited) -> None:
    for user in ("emma", "akira", "clerk"):
        scope = workspace.scope_for(user)
        examples = workspace.views.examples(scope)
        assert examples and len(examples) == len(set(examples))
        for question in examples:
            assert workspace.ask(question, scope).route.path in ("sql", "vector", "hybrid"), question
    assert not any("Revenue" in one for one in workspace.views.examples(workspace.scope_for("clerk")))


def test_a_cell_is_shown_in_its_row_with_the_columns_that_its_reader_sees(workspace: Audited) -> None:
    emma = workspace.scope_for("emma")
    answer = workspace.ask("Tell me about Bergfreunde", emma)
    cited = next(one for one in answer.citations if one.kind == "cell" and one.column == "seats")
    row = workspace.views.citation(emma, cited.n, answer=answer.id)["row"]
    assert (row["label"], row["key"]) == ("Accounts", "A2")
    assert [(c["name"], c["text"]) for c in row["cells"] if c["cited"]] == [("seats", "40")]
    assert {c["name"] for c in row["cells"]} == {"account_id", "name", "region", "segment", "status", "seats"}


def test_a_query_is_shown_with_its_rows_and_a_passage_in_its_document(workspace: Audited) -> None:
    emma = workspace.scope_for("emma")
    counted = workspace.ask("How many customers do we have?", emma)
    shown = workspace.views.citation(emma, 1, answer=counted.id)
    assert shown["rows"]["rows"] == [[4]] and "SELECT" in shown["citation"]["sql"]
    told = workspace.ask("What is our payment term?", emma)
    cited = next(one for one in told.citations if one.kind == "passage")
    passage = workspace.views.citation(emma, cited.n, answer=told.id)["passage"]
    assert passage["text"] == cited.quote and not passage["changed"]
    assert "Payment terms" in passage["before"] + passage["title"]


def test_nobody_else_reads_what_a_citation_leads_to(workspace: Audited) -> None:
    answer = workspace.ask("How many seats does Bergfreunde have?", workspace.scope_for("emma"))
    for user in ("akira", "clerk"):
        with pytest.raises(NotFoundError):
            workspace.views.citation(workspace.scope_for(user), 1, answer=answer.id)
    with pytest.raises(NotFoundError, match="no citation"):
        workspace.views.citation(workspace.scope_for("emma"), 99, answer=answer.id)


def test_a_draft_is_looked_at_as_it_would_be_and_stays_as_it_is(workspace: Audited) -> None:
    emma = workspace.scope_for("emma")
    draft = workspace.ask("Write a follow-up mail to Bergfreunde", emma).drafts[0]
    found = workspace.drafts.lint(emma, draft.id, body=draft.body + "\n\nWe guarantee you 50 percent.")["findings"]
    assert {one["code"] for one in found} & {"unproven_figure", "unproven_claim"}
    assert workspace.drafts.get(emma, draft.id)["body"] == draft.body
    assert workspace.drafts.lint(emma, draft.id, body=draft.body) == workspace.drafts.lint(emma, draft.id)
    shown = workspace.views.citation(emma, draft.citations[0].n, draft=draft.id)
    assert shown["row"]["key"] or shown["passage"]


def test_a_list_by_a_score_needs_one_and_a_known_order(workspace: Audited) -> None:
    emma = workspace.scope_for("emma")
    with pytest.raises(NotFoundError, match="declares no score"):
        workspace.views.at_risk(emma)
    with pytest.raises(UsageError, match="sort"):
        workspace.views.at_risk(emma, sort="password")


def test_looking_is_recorded_without_what_was_seen(workspace: Audited) -> None:
    emma = workspace.scope_for("emma")
    answer = workspace.ask("Tell me about Bergfreunde", emma)
    cited = next(one for one in answer.citations if one.table == "accounts")
    workspace.views.citation(emma, cited.n, answer=answer.id)
    record = workspace.trail.log.tail(1)[0]
    assert (record["api"]["operation"], record["answer_id"]) == ("read_citation", answer.id)
    assert record["tables"] == ["accounts"] and "Bergfreunde" not in str(record)
