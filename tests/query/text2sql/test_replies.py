"""SQL is found in whatever dress a model puts it, and handed on whole."""

from __future__ import annotations

import pytest

from query.text2sql.replies import read_reply

SQL = "SELECT name FROM accounts WHERE city = 'Oslo'"
DRESSES = [
    SQL,
    f"{SQL};",
    f"```sql\n{SQL};\n```",
    f"```\n{SQL}\n```",
    f"```SQL\r\n{SQL}\r\n```",
    f"Here is the query:\n\n```sqlite\n{SQL}\n```\nIt lists the names.",
    f"First draft:\n```sql\nSELECT 1\n```\nBetter:\n```sql\n{SQL}\n```",
    f"```sql\n{SQL}",
    f"SQLQuery: {SQL}\nSQLResult: [('A',)]",
    f"SQL: {SQL}",
    f"Sure! The query is\n{SQL}",
    f"{SQL}\n\nThis finds the accounts in Oslo.",
    f"<think>The table is accounts. SELECT 2?</think>\n{SQL}",
    f'{{"sql": "{SQL}", "why": "asked"}}',
    f'```json\n{{"query": "{SQL}"}}\n```',
]


@pytest.mark.parametrize("text", DRESSES)
def test_the_query_is_found(text: str) -> None:
    assert read_reply(text).sql == SQL


def test_a_query_over_several_paragraphs_stays_whole() -> None:
    text = "WITH a AS (SELECT 1 AS x)\n\nSELECT x\n\nFROM a"
    assert read_reply(text).sql == text


@pytest.mark.parametrize("text", ["DROP TABLE accounts", "SELECT 1; DROP TABLE accounts", "DELETE FROM accounts"])
def test_what_must_not_run_is_handed_on_for_the_guard_to_refuse(text: str) -> None:
    assert read_reply(text).sql == text


@pytest.mark.parametrize("text", ["", "   ", "I like turtles.", "{]", '{"sql": 3}', "```\n```", "<think>" * 3])
def test_nothing_raises(text: str) -> None:
    assert read_reply(text).declined == ""


def test_a_model_may_decline() -> None:
    assert read_reply("CANNOT ANSWER: no table holds the weather.").declined == "no table holds the weather"
    assert read_reply("```\ncannot answer\n```").declined == "no reason given"
