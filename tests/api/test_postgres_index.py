"""The SQL index on PostgreSQL: a governed workspace does what the same one on SQLite does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.cli import main
from api.known import known_persons_of
from api.settings import IndexSettings, load_settings
from api.tower import Tower
from index.errors import SettingsError
from scripts.scratch_postgres import ScratchServer
from tests.governed import build

QUESTIONS = (
    "How many customers do we have per region?",
    "revenue per month",
    "Which customers have more than 20 seats?",
    "Top 3 customers by revenue",
    "orders of Cumbre Norte",
    "What do the notes say about late boots?",
    "When do customers pay?",
)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, postgres: ScratchServer) -> tuple[Path, Path]:
    """The same workspace on SQLite and on PostgreSQL."""
    there = build(tmp_path_factory.mktemp("sqlite") / "home")
    url = postgres.database("workspace", "")
    return there, build(tmp_path_factory.mktemp("postgres") / "home", more=f"index:\n  url: {url}\n")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(home: Path, *arguments: str, user: str = "root", status: int = 0) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--as", user, "--json", "--home", str(home)]) == status
        return json.loads(capsys.readouterr().out)

    return run


def _said(answer: dict[str, Any]) -> tuple[Any, ...]:
    rows = [sorted(map(str, query["rows"])) for query in answer["sql"]]
    cited = sorted((c["kind"], c.get("table"), c.get("key"), c.get("doc_id")) for c in answer["citations"])
    return answer["route"]["path"], rows, [(p["doc_id"], p["text"]) for p in answer["passages"]], [*map(str, cited)]


@pytest.mark.parametrize("user", ["root", "emma", "akira"])
def test_both_answer_alike(homes: tuple[Path, Path], user: str) -> None:
    said = []
    for home in homes:
        with Tower.open(home, user=user) as tower:
            said.append([_said(tower.ask(question).model_dump()) for question in QUESTIONS])
    for question, first, second in zip(QUESTIONS, *said, strict=True):
        assert first == second, question


def test_nothing_of_the_index_is_in_the_workspace(homes: tuple[Path, Path]) -> None:
    assert not list(homes[1].glob("*.db*")) and list(homes[0].glob("*.db*"))
    assert known_persons_of(homes[1], load_settings(homes[1])) is None


def test_upkeep_is_the_same(homes: tuple[Path, Path], run: Callable[..., Any]) -> None:
    for home in homes:
        with (home / "files" / "crm" / "orders.csv").open("a") as file:
            file.write("OX,A1,P1,2026-04-04,5.0\nOY,A1,P1,not a day,5.0\n")
        (home / "files" / "notes" / "B2.md").unlink()
        reports = {r["source"]: (r["loaded"], r["quarantined"], r["deleted"]) for r in run(home, "ingest")}
        assert reports == {"crm": (1, 1, 0), "notes": (0, 0, 1), "handbook": (0, 0, 0)}
        (held,) = run(home, "quarantine", "list")
        assert (held["source"], held["record"]) == ("crm", "") and held["reason"].startswith("why is not shown")
        assert run(home, "lineage", "orders", "OX")["stream"] == "orders.csv"
        assert run(home, "reindex", "--vectors-only")["total"] == 4
        assert run(home, "reindex", "--roll-back")["generation"] == "g0001"
        status = run(home, "status")
        assert (status["documents"], status["quarantined"], status["tables"]["orders"]) == (4, 1, 25)
        answer = run(home, "ask", "How many orders do we have?")
        assert run(home, "replay", answer["id"])["same"] is True
        receipt = run(home, "forget", "--entity", "A1", "--yes")
        assert receipt["absent"] and {s["store"]: s["removed"] for s in receipt["stores"]}["rows: orders"] == 4
        assert run(home, "sql", "SELECT COUNT(*) FROM accounts")["rows"] == [[7]]


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = IndexSettings(url="postgresql://tower@db.example.com/tower", password_env="INDEX_SECRET")
    assert chosen.full_url() == chosen.url
    monkeypatch.setenv("INDEX_SECRET", "p@ss/word")
    assert sa.make_url(chosen.full_url()).password == "p@ss/word"


def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path: Path, run: Callable[..., Any]) -> None:
    url = "postgresql://tower:hunter2@127.0.0.1:1/tower"
    (tmp_path / "tower.yaml").write_text(f"sources: {{}}\nindex:\n  url: {url}\n")
    error = run(tmp_path, "status", user="x", status=1)["error"]
    assert "hunter2" not in json.dumps(error) and error["code"] == "storage_failed"


def test_an_index_is_sqlite_or_postgresql(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("index:\n  url: mysql://db/tower\n")
    with pytest.raises(SettingsError, match=r"index\.url"):
        load_settings(tmp_path)
