"""The real thing, small: files of one's own to a cited answer, through the command line and HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import Tower
from api.cli import main
from api.http.app import create_app
from api.settings import load_settings

ACCOUNTS = """account_id,name,region,seats
A1,Ann & Co,EMEA,12
A2,Bergfreunde,EMEA,40
A3,Cumbre,LATAM,7
"""
TIME_OFF = """# Time off policy

Everyone has thirty days of paid time off a year. Ask your manager for time off two weeks ahead.
Time off that is not taken by the end of March is lost.
"""
WARRANTY = """# Warranty

Zips are covered for two years after the sale. Send the product back with the receipt.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace made by `init` and `ingest` from one table and two documents."""
    files = tmp_path_factory.mktemp("files")
    (files / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (files / "time-off.md").write_text(TIME_OFF, encoding="utf-8")
    (files / "warranty.md").write_text(WARRANTY, encoding="utf-8")
    home = tmp_path_factory.mktemp("workspace") / "home"
    assert main(["init", "--files", str(files), "--home", str(home)]) == 0
    assert main(["ingest", "--home", str(home)]) == 0
    return home


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Any]]:
    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json", "--home", str(home)]) == 0
        return json.loads(capsys.readouterr().out)

    yield run


def test_a_count_is_answered_with_a_citation(run: Callable[..., Any]) -> None:
    answer = run("ask", "How many accounts are there in EMEA?")
    assert answer["route"]["path"] == "sql"
    assert answer["sql"][0]["rows"] == [[2]]
    assert "2" in answer["answer"]
    assert answer["citations"]


def test_a_policy_question_is_answered_from_the_document(run: Callable[..., Any]) -> None:
    answer = run("ask", "What is the policy on time off?")
    cited = [citation for citation in answer["citations"] if citation["kind"] == "passage"]
    assert cited
    assert cited[0]["doc_id"].endswith("time-off.md")
    assert cited[0]["quote"] in " ".join(TIME_OFF.split()) or cited[0]["quote"] in TIME_OFF


def test_a_question_about_nothing_we_hold_is_not_answered(run: Callable[..., Any]) -> None:
    assert run("ask", "What is the boiling point of tungsten?")["route"]["path"] in ("refuse", "clarify")


def test_a_passage_is_found_and_its_offsets_are_those_of_the_parsed_file(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    hit = run("search", "warranty on zips", "-k", "3")["hits"][0]
    assert "two years" in hit["text"]
    (tmp_path / "warranty.md").write_text(WARRANTY, encoding="utf-8")
    parsed = run("parse", str(tmp_path / "warranty.md"))[0]
    assert hit["text"] == parsed["text"][hit["start"] : hit["end"]]


def test_sql_goes_through_the_guard(run: Callable[..., Any], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sql", "SELECT SUM(seats) AS seats FROM accounts")["rows"] == [[59]]
    assert main(["sql", "SELECT * FROM _tower_documents", "--json", "--home", str(home)]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "sql_rejected"


def test_a_second_ingest_loads_nothing(run: Callable[..., Any]) -> None:
    assert [report["loaded"] for report in run("ingest")] == [0]
    assert run("status")["documents"] == 2


def test_golden_questions_are_right_and_proven(run: Callable[..., Any], tmp_path: Path) -> None:
    golden = tmp_path / "golden.jsonl"
    golden.write_text(
        '{"id": "g1", "question": "How many accounts are there?", "route": "sql", "expect": {"rows": [[3]]}}\n'
        '{"id": "g2", "question": "What is the policy on time off?", "route": "vector", '
        '"expect": {"doc_ids": ["time-off.md"]}}\n',
        encoding="utf-8",
    )
    result = run("eval", str(golden), "--min", "1")
    assert result["accuracy"] == 1
    assert result["citations"] >= 2
    assert result["unproven"] == []


def test_a_follow_up_is_read_with_the_question_before_it(run: Callable[..., Any]) -> None:
    first = run("ask", "How many accounts are there in EMEA?")
    second = run("ask", "and in LATAM?", "--conversation", first["conversation_id"])
    assert second["carried"] == "How many accounts are there in LATAM"
    assert second["sql"][0]["rows"] == [[1]]
    third = run("ask", "and in EMEA?", "--conversation", second["conversation_id"])
    assert third["sql"][0]["rows"] == [[2]]
    alone = run("ask", "How many accounts are there?", "--conversation", "another")
    assert (alone["carried"], alone["conversation_id"]) == ("", "another")


def test_a_conversation_with_an_odd_name_is_bad_input(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "How many accounts?", "--conversation", "a b", "--json", "--home", str(home)]) == 2
    assert "conversation" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_replaying_an_answer_tells_what_changed(run: Callable[..., Any], home: Path) -> None:
    answer = run("ask", "How many seats does Cumbre have?")
    assert run("replay", answer["id"])["same"] is True
    _set_seats(home, "Cumbre", 9)
    try:
        replayed = run("replay", answer["id"])
    finally:
        _set_seats(home, "Cumbre", 7)
    assert replayed["same"] is False
    assert replayed["changes"] == ["gone from query 1: [7]", "new in query 1: [9]"]
    assert replayed["answer"]["sql"][0]["rows"] == [[9]]


def _set_seats(home: Path, name: str, seats: int) -> None:
    import sqlite3

    with closing(sqlite3.connect(home / "tower.db")) as connection, connection:
        table = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%accounts%' AND type = 'table'")
        connection.execute(f'UPDATE "{table.fetchone()[0]}" SET seats = ? WHERE name = ?', (seats, name))


def test_a_database_is_asked_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (order_id INTEGER PRIMARY KEY, country TEXT, amount REAL)")
        connection.executemany("INSERT INTO orders (country, amount) VALUES (?, ?)", [("Germany", 10), ("France", 5)])
    arguments = ["ask", "--sql-url", f"sqlite:///{path}", "How many orders are there from Germany?", "--json"]
    assert main([*arguments, "--home", str(tmp_path / "home")]) == 0
    assert json.loads(capsys.readouterr().out)["sql"][0]["rows"] == [[1]]


def test_python_and_http_give_the_same_answer(home: Path) -> None:
    from api.wiring import open_workspace

    with Tower.open(home) as tower:
        local = tower.ask("How many accounts are there?")
    service = open_workspace(home, load_settings(home))
    try:
        served = TestClient(create_app(service)).post("/v1/ask", json={"question": "How many accounts are there?"})
    finally:
        service.close()
    assert local.answer == served.json()["answer"]
    assert list(local.to_pandas().iloc[0]) == [3]


def test_init_does_not_replace_a_workspace_unless_forced(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--files", str(home), "--json", "--home", str(home)]) == 2
    assert "--force" in json.loads(capsys.readouterr().out)["error"]["hint"]
