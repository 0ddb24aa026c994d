"""How much policy kept from an answer: told where the policy says so, counted right, and nothing else with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.encode import answer_json
from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace
from query.withheld import row_counts
from tests.governed import POLICY, build

TELLING = POLICY.replace(
    "    tables:\n      accounts: {columns", "    withheld: true\n    tables:\n      accounts: {columns"
)
TELLING = TELLING.replace("reader: {documents: [handbook]}", "reader: {documents: [handbook], withheld: true}")
TELLING = TELLING.replace("akira: {groups: [sales],", "akira: {groups: [sales], roles: [clerk],")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    assert TELLING.count("withheld: true") == 2
    home = build(tmp_path_factory.mktemp("withheld") / "home", policy=TELLING)
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


def kept_from(workspace: Workspace, user: str, question: str) -> dict[str, int]:
    return dict(workspace.ask(question, workspace.scope_for(user)).withheld)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many customers do we have?", 4),  # all of APAC
        ("How many customers are in the SMB segment?", 2),  # B1 and B4, of four
        ("List the 2 customers with the most seats", 4),  # before it is cut off
        ("How many products do we have?", 0),
        ("What was our revenue in 2025?", 8),  # two of three orders each were in 2025
    ],
)
def test_rows_that_the_conditions_choose_and_the_rules_hide_are_counted(
    workspace: Workspace, question: str, rows: int
) -> None:
    assert kept_from(workspace, "emma", question).get("rows", 0) == rows


def test_passages_of_documents_that_the_asker_does_not_see_are_counted(workspace: Workspace) -> None:
    assert kept_from(workspace, "emma", "What do our notes say about a merger?") == {"passages": 1}
    assert kept_from(workspace, "emma", "Who asked about zanzibar distribution?") == {"passages": 1}
    assert kept_from(workspace, "akira", "What do our notes say about a merger?") == {}
    assert kept_from(workspace, "emma", "What is the weather in Rome?") == {}


def test_nothing_is_told_where_one_role_does_not_tell_or_nothing_is_hidden(workspace: Workspace) -> None:
    question = "How many customers do we have?"
    assert kept_from(workspace, "akira", question) == {}  # a clerk as well
    assert kept_from(workspace, "clerk", question) == {}
    assert kept_from(workspace, "root", question) == {}


def test_the_answer_is_otherwise_the_same(workspace: Workspace) -> None:
    scope = workspace.scope_for("emma")
    told = answer_json(workspace.ask("How many customers do we have?", scope))
    assert told["withheld"] == {"rows": 4} and "4" in told["answer"]
    assert "APAC" not in str(told) and "Lotus" not in str(told)


@pytest.mark.parametrize(
    ("sql", "counts"),
    [
        ("SELECT a FROM t WHERE x > 1 ORDER BY 1 LIMIT 3", ["SELECT COUNT(*) AS count FROM t WHERE x > 1"]),
        (
            "SELECT r, SUM(x) AS s FROM t JOIN u ON t.id = u.id GROUP BY 1 HAVING SUM(x) > 3",
            ["SELECT COUNT(*) AS count FROM t JOIN u ON t.id = u.id"],
        ),
        ("SELECT DISTINCT a FROM t", ["SELECT COUNT(*) AS count FROM t"]),
        (
            "SELECT * FROM (SELECT a FROM t UNION ALL SELECT b FROM u WHERE EXISTS (SELECT 1 FROM v)) AS s",
            ["SELECT COUNT(*) AS count FROM t", "SELECT COUNT(*) AS count FROM u WHERE EXISTS(SELECT 1 FROM v)"],
        ),
        (  # read twice, counted once
            "WITH a AS (SELECT x FROM t), b AS (SELECT x, COUNT(*) AS c FROM a GROUP BY x) SELECT * FROM b, a",
            ["SELECT COUNT(*) AS count FROM t"],
        ),
        (
            "WITH a AS (SELECT 1 AS x) SELECT * FROM t JOIN a ON a.x = t.x",
            ["WITH a AS (SELECT 1 AS x) SELECT COUNT(*) AS count FROM t JOIN a ON a.x = t.x"],
        ),
        ("WITH t AS (SELECT * FROM t) SELECT COUNT(*) FROM t", ["SELECT COUNT(*) AS count FROM t"]),
        ("SELECT 1", []),
    ],
)
def test_the_rows_behind_a_query_are_counted_where_it_reads_tables(sql: str, counts: list[str]) -> None:
    assert row_counts(sql) == counts


def test_a_query_in_the_words_of_postgresql_is_counted_in_them() -> None:
    sql = "SELECT DATE_TRUNC('month', day) AS m, COUNT(*) FROM t WHERE name ILIKE '%x%' GROUP BY 1"
    (counted,) = row_counts(sql, "postgres")
    assert counted == "SELECT COUNT(*) AS count FROM t WHERE name ILIKE '%x%'"
