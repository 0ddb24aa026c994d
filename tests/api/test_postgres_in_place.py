"""A PostgreSQL database asked in place: schemas, quoted names, reserved words, truth values, days, and types that
SQLite does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.audit import Audited
from api.settings import load_settings
from api.wiring import open_workspace
from index.errors import SqlRejected
from scripts.scratch_postgres import ScratchServer
from tests.scripted_model import ScriptedModel, says

SCRIPT = Path(__file__).parents[1] / "odd_postgres.sql"


@pytest.fixture(scope="module")
def url(postgres: ScratchServer) -> str:
    return postgres.database("odd", SCRIPT.read_text("utf-8")).replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture(scope="module")
def workspace(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    home = tmp_path_factory.mktemp("home")
    opened = open_workspace(home, load_settings(home, must_exist=False), sql_url=url)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many customers are there?", [[3]]),
        ("List the names of customers in Oslo", [["Alder"], ["Cedar"]]),
        ("Which customers are active?", [["Alder"], ["Cedar"]]),
        ("How many orders were placed in 2025?", [[3]]),
        ("What is the average balance of customers who joined in 2025?", [[20.25]]),
        ("How many orders are in group 1?", [[3]]),
        ("Which customers feel happy?", [["Alder"], ["Cedar"]]),
        ("revenue by quarter", [["2025-Q1", 225.5], ["2026-Q1", 5]]),
        ("Show the number of orders per customer name", [["Alder", 2], ["Birch", 1], ["Cedar", 1]]),
        ("What are the tags of Alder?", [['["a", "b"]']]),
    ],
)
def test_a_question_is_answered(workspace: Audited, question: str, rows: list[list[object]]) -> None:
    answer = workspace.ask(question, workspace.scope_for(None))
    assert answer.route.path in ("sql", "refuse"), answer.route  # how sure it is is the ranker's; the rows are right
    assert sorted(answer.sql[0].rows) == sorted(rows)
    assert not workspace.check_citations(answer, workspace.scope_for(None))


def test_a_cell_is_cited_by_its_key(workspace: Audited) -> None:
    answer = workspace.ask("List the names of customers in Oslo", workspace.scope_for(None))
    assert {(c.table, c.key, c.column) for c in answer.citations if c.kind == "cell"} >= {
        ("customers", "1", "name"),
        ("customers", "3", "name"),
    }


def test_every_type_is_read_as_something_that_json_holds(workspace: Audited) -> None:
    _, rows = workspace.sql("SELECT * FROM customers ORDER BY id", workspace.scope_for(None))
    shown = dict(zip(rows.columns, rows.rows[0], strict=True))
    assert (shown["tags"], shown["profile"], shown["raw"]) == ('["a", "b"]', '{"k": [1, null]}', '{"z": 1}')
    assert (shown["balance"], shown["active"], shown["joined"]) == (10.5, True, "2024-01-05")
    assert "photo" not in shown, "binary columns are not catalogued"
    assert all(isinstance(v, str | int | float | bool | None) for row in rows.rows for v in row)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ('SELECT "select", "group" FROM sales."order" WHERE id = 1', (("x", 1),)),
        ('SELECT o."select" FROM sales."order" AS o WHERE o.paid ORDER BY o.id LIMIT 1', (("x",),)),
        ('SELECT "The ""Value""" FROM "Odd Schema"."Mixed Case" ORDER BY "Key"', (("one",), ("two",))),
        ('SELECT "Home City", COUNT(*) FROM public.customers GROUP BY 1 ORDER BY 1', (("Bergen", 1), ("Oslo", 2))),
        ("SELECT name FROM customers WHERE 'a' = ANY(tags)", (("Alder",),)),
        ("SELECT DATE_TRUNC('month', placed)::date, SUM(total) FROM sales.\"order\" GROUP BY 1 ORDER BY 1 LIMIT 1",
         (("2025-01-01", 100),)),
        ("SELECT name FROM customers WHERE name ILIKE 'a%' OR name LIKE '10%:x'", (("Alder",),)),
    ],
)  # fmt: skip
def test_sql_of_a_person_runs_with_schemas_quotes_and_reserved_words(
    workspace: Audited, sql: str, rows: tuple[object, ...]
) -> None:
    assert workspace.sql(sql, workspace.scope_for(None))[1].rows == rows


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2", "SELECT set_config('role', 'x', false)", "SELECT pg_sleep(1)", "SELECT * FROM pg_class",
        "SELECT * FROM information_schema.tables", "SELECT lo_create(1)", "COPY customers TO STDOUT",
        "SELECT name FROM active_customers", "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT CAST('pg_class' AS regclass)", "WITH x AS (DELETE FROM customers RETURNING *) SELECT * FROM x",
        "SELECT name FROM customers FOR UPDATE", "SELECT * FROM generate_series(1, 9)",
    ],
)  # fmt: skip
def test_what_must_not_run_does_not(workspace: Audited, sql: str) -> None:
    with pytest.raises(SqlRejected):
        workspace.sql(sql, workspace.scope_for(None))


def test_a_type_that_does_not_fit_is_a_clear_error(workspace: Audited) -> None:
    with pytest.raises(SqlRejected, match="does not accept"):
        workspace.sql("SELECT name FROM customers WHERE active = 1", workspace.scope_for(None))


def test_a_model_writes_postgresql(url: str, tmp_path: Path) -> None:
    with ScriptedModel(
        says("SELECT COUNT(*) FROM sales.\"order\" WHERE paid AND placed >= DATE '2025-02-01'")
    ) as model:
        (tmp_path / "tower.yaml").write_text(
            f"models: {{planner: {{provider: openai-like, base_url: '{model.base_url}', model: m}}}}\n", "utf-8"
        )
        opened = open_workspace(tmp_path, load_settings(tmp_path), sql_url=url)
        try:
            answer = opened.ask("How many paid orders were placed since February 2025?", opened.scope_for(None))
        finally:
            opened.close()
        assert answer.sql[0].rows == [[2]]
        assert "PostgreSQL" in model.requests[0].prompt
        assert 'CREATE TABLE sales."order"' in model.requests[0].prompt
