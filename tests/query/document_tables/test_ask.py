from __future__ import annotations

from decimal import Decimal

import pytest

from query.document_tables.ask import ask
from query.document_tables.grid import grids

TEXT = """Net sales and costs (in thousands).

|  | 2019 | 2018 | 2017 |
| --- | --- | --- | --- |
| Net sales | 1,200 | 1,000 | 900 |
| Cost of sales | 700 | 650 | 640 |
| Interest income | (12) | 8 | 5 |
| Americas | 300 | 200 | 150 |
"""
TABLES = tuple(grids(TEXT))


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was the change in net sales between 2018 and 2019?", "200"),
        ("What was the percentage change in cost of sales from 2017 to 2018?", "1.5625"),
        ("What is the average interest income for 2018 and 2019?", "-2"),
        ("What is the average net sales from 2017 to 2019?", "1033.333333333333333333333333"),
        ("What is the total of Americas in 2018 and 2019?", "500"),
        ("What is the ratio of cost of sales to net sales in 2018?", "0.65"),
        ("How many years did net sales exceed $950 thousand?", "2"),
    ],
)
def test_figures_are_worked_out(question: str, value: str) -> None:
    found = ask(question, TABLES, TEXT)
    assert found is not None
    assert found.value == Decimal(value)


@pytest.mark.parametrize(
    ("question", "cells"),
    [
        ("What were the net sales in 2018?", ["1,000"]),
        ("What was the interest income in 2019 and 2017, respectively?", ["(12)", "5"]),
        ("How much was the cost of sales in 2017?", ["640"]),
    ],
)
def test_figures_are_looked_up_in_the_order_asked(question: str, cells: list[str]) -> None:
    found = ask(question, TABLES, TEXT)
    assert found is not None
    assert [cell.text for cell in found.cells] == cells


@pytest.mark.parametrize(
    ("question", "years"),
    [
        ("In which year was interest income the lowest?", ("2019",)),
        ("In which years were net sales above 950?", ("2019", "2018")),
    ],
)
def test_years_are_found(question: str, years: tuple[str, ...]) -> None:
    found = ask(question, TABLES, TEXT)
    assert found is not None
    assert found.labels == years


@pytest.mark.parametrize(
    "question",
    [
        "What were the net sales?",  # of which year
        "What were the net sales in 2016?",
        "Why did net sales increase in 2019?",
        "What was the increase in net sales in 2019?",  # against what
        "How many stores were opened in 2019?",
        "What is the absolute change in net sales between 2018 and 2019?",
        "",
    ],
)
def test_what_the_table_does_not_clearly_say_is_not_answered(question: str) -> None:
    assert ask(question, TABLES, TEXT) is None
