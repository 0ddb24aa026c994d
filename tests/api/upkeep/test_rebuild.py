"""A new generation is asked golden questions beside the live one, and takes its place only where it is not worse."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import ingest.reindex
import ingest.sync.documents
from api.render.sources import render_mapping, render_reindexed
from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace
from index.errors import StorageError, UsageError
from index.vectors.gateway import VectorGateway

SOURCES = "sources:\n  notes: {kind: files, path: notes, documents: [{files: '*.md', tags: [all]}]}\n"
PLACES = "ridge valley glacier cairn beacon harness saddle spur crest hollow anorak stove".split()


def opened(home: Path) -> Workspace:
    workspace = open_workspace(home, load_settings(home)).inner
    assert isinstance(workspace, Workspace)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "notes").mkdir()
    for number, place in enumerate(PLACES):
        (tmp_path / "notes" / f"{number}.md").write_text(
            f"# The {place}\n\nThe {place} rule says: wait {number} days.\n"
        )
    (tmp_path / "tower.yaml").write_text(SOURCES)
    made = opened(tmp_path)
    made.ingest([], False, silent)
    yield made
    made.close()


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody follows."""


def write_golden(workspace: Workspace, *asked: tuple[str, int]) -> None:
    lines = [
        {"id": f"g{number}", "question": f"What does the {place} rule say?", "route": "vector",
         "expect": {"doc_ids": [f"{number}.md"]}}
        for place, number in asked
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (workspace.home / "golden.jsonl").write_text(text, encoding="utf-8")


def reindex(workspace: Workspace, **options: Any) -> Any:
    return workspace.reindex([], True, True, silent, **options)


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """New generations lack the passage about the cairn: one of twelve, as near-duplicates may hide each other."""
    whole = ingest.reindex.build

    def build(generation: str, gateway: VectorGateway, *rest: Any) -> tuple[int, int]:
        built = whole(generation, gateway, *rest)
        gateway.delete(["notes:3.md#0"])
        return built

    monkeypatch.setattr(ingest.reindex, "build", build)


@pytest.mark.parametrize("apart", [False, True])
def test_the_new_generation_is_asked_before_it_answers(workspace: Workspace, apart: bool) -> None:
    write_golden(workspace, ("cairn", 3), ("stove", 11), ("spur", 0))  # the last one expects what no rule says
    told = reindex(workspace, apart=apart)["golden"]
    assert (told["asked"], told["right"]) == (3, 2)
    assert [(one["id"], one["live"]) for one in told["wrong"]] == [("g0", "wrong")]
    assert told["summary"] == "2 of 3 golden questions right; wrong: g0"
    assert told["passages"] == {"looked_for": 12, "found": 12}
    assert workspace.generation == "g0002"
    kept = {one["generation"]: (one["status"], one["message"]) for one in workspace.status()["generations"]}
    assert kept == {"g0001": ("old", ""), "g0002": ("live", told["summary"])}


def test_a_terminal_shows_what_was_wrong_and_status_goes_on_showing_it(workspace: Workspace) -> None:
    write_golden(workspace, ("cairn", 3), ("spur", 0))
    report = reindex(workspace)
    console = Console(width=120, file=io.StringIO())
    render_reindexed(console, report)
    render_mapping(console, workspace.status())
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "golden: 1 of 2 golden questions right; wrong: g0" in said and "What does the spur rule say?" in said
    assert "g0002: 1 of 2 golden questions right; wrong: g0" in said


@pytest.mark.usefixtures("lossy")
def test_a_generation_that_answers_worse_is_not_switched_to_and_says_why(workspace: Workspace) -> None:
    write_golden(workspace, ("cairn", 3), ("stove", 11))
    with pytest.raises(StorageError, match=r"1 of 2 golden questions right, and 1 wrong that the live one .* g3;"):
        reindex(workspace)
    assert workspace.generation == "g0001"
    failed = workspace.status()["generations"][-1]
    assert (failed["generation"], failed["status"]) == ("g0002", "failed") and "g3" in failed["message"]
    assert workspace.search("cairn rule", workspace.administrator(), 3)[0].doc_id == "notes:3.md"


@pytest.mark.usefixtures("lossy")
def test_as_many_may_be_worse_as_the_settings_allow(workspace: Workspace) -> None:
    write_golden(workspace, ("cairn", 3), ("stove", 11))
    (workspace.home / "tower.yaml").write_text(f"{SOURCES}golden_worse: 1\n")
    workspace.close()
    again = opened(workspace.home)
    told = reindex(again)["golden"]
    assert [(one["id"], one["live"]) for one in told["wrong"]] == [("g3", "right")] and again.generation == "g0002"
    again.close()


@pytest.mark.usefixtures("lossy")
def test_without_golden_questions_passages_stand_in_and_that_is_said(workspace: Workspace) -> None:
    told = reindex(workspace)["golden"]
    assert told["asked"] == 0
    assert (
        told["summary"] == "no golden questions: there is no golden.jsonl; 11 of 12 passages found by their own words"
    )
    write_golden(workspace, ("cairn", 3))
    told = reindex(workspace, golden=False)["golden"]
    assert told["summary"].startswith("golden questions were not asked; 11 of 12") and workspace.generation == "g0003"


def test_nothing_of_the_asking_is_kept(workspace: Workspace) -> None:
    write_golden(workspace, ("cairn", 3), ("stove", 11))
    reindex(workspace)
    with workspace._engines[0].connect() as connection:
        for table in ("answers", "turns", "drafts"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM _tower_{table}").scalar() == 0


def test_a_bad_golden_file_is_told_before_anything_is_built(workspace: Workspace) -> None:
    (workspace.home / "golden.jsonl").write_text('{"question": "Why?"}\n')
    with pytest.raises(UsageError, match="line 1"):
        reindex(workspace)
    assert [one["generation"] for one in workspace.status()["generations"]] == ["g0001"]


def test_a_dry_run_tells_the_cost_and_builds_nothing(workspace: Workspace) -> None:
    write_golden(workspace, ("cairn", 3))
    told = reindex(workspace, dry_run=True)
    assert (told["live"], told["passages"], told["golden_questions"], told["notices"]) == ("g0001", 12, 1, [])
    assert told["seconds"] > 0 and told["reads"] == []
    assert workspace.reindex([], False, False, silent, dry_run=True)["reads"] == ["notes"]
    assert workspace.reindex(["other"], False, False, silent, dry_run=True)["reads"] == []
    assert [one["generation"] for one in workspace.status()["generations"]] == ["g0001"]


def test_another_embedder_is_noticed_and_says_what_it_costs_before_it_starts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace._live is not None
    workspace._live.close()  # as after the restart that another embedder takes
    monkeypatch.setattr(workspace._embedder, "identity", "other/1")
    write_golden(workspace, ("spur", 0))
    (notice,) = reindex(workspace, dry_run=True)["notices"]
    assert "to other/1: 12 passages are embedded anew, about 1 s" in notice
    said: list[str] = []
    report = workspace.reindex([], True, True, lambda what, _done, _total: said.append(what))
    assert said[0] == notice and report["notices"] == [notice]
    assert [one["live"] for one in report["golden"]["wrong"]] == ["not asked"]  # it cannot answer with this embedder


def test_another_way_of_cutting_is_noticed_before_a_sync_and_not_after_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_golden(workspace, ("cairn", 3))
    assert reindex(workspace, dry_run=True)["notices"] == []
    monkeypatch.setattr(ingest.sync.documents, "CHUNKING_VERSION", "of tomorrow")
    (notice,) = reindex(workspace, dry_run=True)["notices"]
    assert "a sync cuts 12 of 12 documents again and embeds about 12 passages" in notice
    said: list[str] = []
    workspace.ingest([], False, lambda what, _done, _total: said.append(what))
    assert said[0] == notice and reindex(workspace, dry_run=True)["notices"] == []


def test_a_question_that_runs_over_a_switch_names_the_generation_it_read(workspace: Workspace) -> None:
    scope = workspace.administrator()
    assert workspace.ask("What does the stove rule say?", scope).generation == "g0001"
    engine = workspace.engine(scope)
    reindex(workspace)
    after = workspace.engine(scope)
    assert after is not engine and after.parts.tables is engine.parts.tables  # what planning reads is kept
    assert workspace.ask("What does the stove rule say?", scope).generation == "g0002"
