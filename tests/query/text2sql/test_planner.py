"""Questions to SQL, snapshotted in shapes.tsv: a reviewer reads there what the planner understands."""

from __future__ import annotations

import csv
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from index.guard.guard import guard
from index.scope import Principal, Scope, TableScope
from query.text2sql.planner import TableQuestionPlanner
from tests.query.text2sql.shop import CATALOGUE, database, everything, planner

_FOLDER = Path(__file__).parent
_SHAPES = list(csv.reader((_FOLDER / "shapes.tsv").open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))


def _rows(sql: str) -> list[tuple[object, ...]]:
    return list(database().read(guard(sql, CATALOGUE, everything())).rows)


@pytest.mark.parametrize(("question", "sql"), _SHAPES, ids=[row[0] for row in _SHAPES])
def test_a_question_is_understood_as_written_down(question: str, sql: str) -> None:
    readings = planner().plan(question)
    assert readings
    assert readings[0].sql == sql
    _rows(sql)


def test_a_question_about_nothing_we_hold_has_no_reading() -> None:
    for question in ("What is the weather in Oslo?", "Who won the world cup?", "asdf qwer", "", "???"):
        assert planner().plan(question) == ()


def test_an_order_to_change_something_has_no_reading() -> None:
    assert planner().plan("Delete all tickets from 2024.") == ()


def test_unknown_words_are_the_ones_that_nothing_explains() -> None:
    assert planner().unknown_words("What is the weather in Oslo?") == ("weather",)
    assert planner().unknown_words("Which customers in Oslo have open tickets?") == ()
    assert planner().unknown_words("What is our revenue by month in 2026?") == ()


def test_a_slip_of_the_keyboard_still_links() -> None:
    assert (
        planner().plan("How many custommers are there?")[0].sql == "SELECT COUNT(*) AS customers_count FROM customers"
    )
    reading = planner().plan('List the orders of "Alder Sprots"')[0]
    assert "'Alder Sports'" in reading.sql


def test_a_filter_over_many_rows_does_not_repeat_the_rows_it_filters() -> None:
    reading = planner().plan("Which customers have tickets?")[0]
    assert sorted(_rows(reading.sql)) == [("Alder Sports",), ("Cedar Cycles",)]


def test_a_sum_is_not_multiplied_by_a_joined_filter() -> None:
    reading = planner().plan("What is the revenue of customers with open tickets?")[0]
    assert _rows(reading.sql) == [(320.0,)]


def test_two_meanings_of_a_city_are_told_apart_by_the_verb() -> None:
    assert "ship_city = 'Oslo'" in planner().plan("How many orders were shipped to Oslo?")[0].sql
    assert _rows(planner().plan("How many orders were shipped to Oslo?")[0].sql) == [(3,)]


def test_a_subject_gives_its_rows_with_key_and_name_first() -> None:
    for question in (
        "large customers in Oslo",
        "customers with more than 1 ticket",
        "top 2 customers by revenue",
        "customers",
    ):
        reading = planner().plan(question, subject="customer")[0]
        assert reading.entity == "customer"
        assert reading.key_column == "customer_id"
        columns = database().read(guard(reading.sql, CATALOGUE, everything())).columns
        assert columns[:2] == ("customer_id", "name")
    assert _rows(planner().plan("large customers in Oslo", subject="customer")[0].sql) == [("C1", "Alder Sports")]


def test_readings_say_what_they_are_and_what_was_linked() -> None:
    reading = planner().plan("How many large customers are there in Oslo?")[0]
    assert reading.explanation == "Number of Customers where segment is Large and city is Oslo"
    assert {(link.text, link.kind, link.target) for link in reading.links} == {
        ("large", "value", "customers.segment"),
        ("customers", "table", "customers"),
        ("Oslo", "value", "customers.city"),
    }
    assert reading.tables == ("customers",)
    assert 0.0 < reading.confidence < 1.0


def test_a_trend_names_its_axes_for_a_chart() -> None:
    reading = planner().plan("Revenue by month in 2026")[0]
    assert reading.x == "month"
    assert reading.y == ("revenue",)
    assert _rows(reading.sql) == [("2026-01", 220.0), ("2026-02", 100.0), ("2026-04", 100.0)]


def test_links_point_at_the_words_of_the_question() -> None:
    question = "Sales of Tarn Tyre last quarter"
    for link in planner().links(question):
        assert question[link.start : link.end].lower() == link.text.lower()
    assert [link.kind for link in planner().links(question)] == ["metric", "value", "period"]


def test_what_a_scope_hides_is_never_linked_nor_read() -> None:
    shown = everything().tables
    customers = TableScope({"customer_id": "visible", "name": "masked", "city": "visible"})
    narrow = Scope(Principal("narrow"), {"customers": customers, "orders": shown["orders"]}, frozenset())
    small = TableQuestionPlanner(CATALOGUE, database(), narrow)
    assert small.plan("How many tickets are there?") == ()
    assert not any("phone" in r.sql for r in small.plan("List the phone of customers"))
    assert not any(link.kind == "value" for link in small.links("orders of Alder Sports"))


def test_every_reading_passes_the_guard() -> None:
    for question, _ in _SHAPES:
        for reading in planner().plan(question):
            guard(reading.sql, CATALOGUE, everything())


def test_another_today_moves_relative_periods() -> None:
    moved = TableQuestionPlanner(replace(CATALOGUE, today=None), database(), everything(), today=CATALOGUE.date())
    assert moved.plan("Revenue last quarter")[0].sql == planner().plan("Revenue last quarter")[0].sql


def test_random_word_soup_never_crashes() -> None:
    words = (
        re.findall(r"[\w']+", " ".join(question for question, _ in _SHAPES))
        + list(".,?!<>='\"%;()")
        + ["''", "é", "٣", "1e9"]
    )
    seed = random.randrange(10**6)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(400):
        question = " ".join(source.choices(words, k=source.randint(1, 14)))
        for reading in planner().plan(question, subject=source.choice((None, "customer"))):
            guard(reading.sql, CATALOGUE, everything())
        planner().links(question)
        planner().unknown_words(question)
