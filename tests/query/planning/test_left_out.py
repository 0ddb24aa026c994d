"""What a reading leaves out of a question is no answer to it: said as such, or another reading is taken that has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.catalogue.model import Catalogue, Column, Join, Metric, Table, Term
from query.plan import Link, Reading, ScoreStep
from query.planning.left_out import left_out, of_another
from query.planning.planner import LEFT_OUT, Planner
from query.planning.relevance import Nearness
from query.text2sql.planner import TableQuestionPlanner
from tests.query import company
from tests.query.office import CATALOGUE, administrator

SEATS = Table(
    "seats", "Seats", (Column("bought", "integer", "Bought"), Column("state", "text", "State")), synonyms=("licences",)
)
ONE_TABLE = Catalogue((SEATS,))


def _reading(text: str, linked: str, sql: str) -> Reading:
    """A reading whose links are the words of `linked` where they stand in `text`."""
    links = tuple(Link(w, text.index(w), text.index(w) + len(w), "column", "seats.bought") for w in linked.split())
    return Reading(sql, 0.9, "", links, ("seats",))


@pytest.mark.parametrize(
    ("text", "linked", "sql", "missing"),
    [
        ("How many seats are unused?", "seats", "SELECT SUM(bought) FROM seats", ("unused",)),
        ("How many seats were returned?", "seats", "SELECT COUNT(*) FROM seats", ("returned",)),
        ("How many seats have we sold so far?", "seats", "SELECT COUNT(*) FROM seats", ()),
        ("What is the total of the seats?", "seats", "SELECT bought FROM seats", ("total",)),
        ("What is the total of the seats?", "seats", "SELECT SUM(bought) FROM seats", ()),
        (
            "Which seats have the highest return rate?",
            "seats",
            "SELECT bought FROM seats",
            ("highest", "return", "rate"),
        ),
        ("Which state has the most seats?", "state seats", "SELECT MAX(bought) FROM seats", ("Which",)),
        ("Which state has the most seats?", "state seats", "SELECT state FROM seats ORDER BY bought LIMIT 1", ()),
        ("seats without a state", "seats state", "SELECT bought FROM seats WHERE state = 'x'", ("without",)),
        ("seats without a state", "seats state", "SELECT bought FROM seats WHERE state IS NULL", ()),
        ("Licences in Atlantis", "", "SELECT bought FROM seats", ("Atlantis",)),
        ("Did we sell seats in Atlantis?", "seats", "SELECT bought FROM seats", ("Atlantis",)),
        ("Seats with a notice of 120 days", "Seats notice", "SELECT bought FROM seats WHERE notice = 120", ()),
        ("Seats bought for more than 100 euros", "Seats bought", "SELECT bought FROM seats", ("100",)),
        ("Seats bought for more than 100 euros", "Seats bought", "SELECT bought FROM seats WHERE bought > 100", ()),
        ("What is the share of the seats?", "seats", "SELECT SUM(bought) FROM seats", ("share",)),
        ("How much do the seats owe?", "seats", "SELECT state FROM seats", ("How much",)),
        ("How much do the seats owe?", "seats", "SELECT bought FROM seats", ()),
        ("Seats bought for more than 15 percent", "Seats bought", "SELECT state FROM seats WHERE bought > 15", ()),
        ("Why did we buy seats?", "seats", "SELECT SUM(bought) FROM seats", ("Why",)),
        ("Growth of the seats", "seats", "SELECT SUM(bought) FROM seats", ("Growth",)),
    ],
)
def test_words_that_a_query_does_not_stand_for_are_told(
    text: str, linked: str, sql: str, missing: tuple[str, ...]
) -> None:
    assert left_out(text, _reading(text, linked, sql), ONE_TABLE) == missing


def test_the_length_of_something_else_is_not_what_is_longest() -> None:
    seats = Link("seats", 6, 11, "table", "seats")
    longest = Link("longest", 20, 27, "column", "views.seconds", score=0.64)
    reading = Reading("SELECT state FROM seats ORDER BY seconds DESC LIMIT 1", 0.9, "", (seats, longest), ("seats",))
    assert left_out("Which seats are the longest?", reading, ONE_TABLE) == ("longest",)
    own = replace(reading, links=(seats, replace(longest, target="seats.bought")))
    assert left_out("Which seats are the longest?", own, ONE_TABLE) == ()


def _sold(where: str = "") -> Catalogue:
    """Seats, and bookings of them; both have a state, and a term where one is given."""
    state = Column("state", "text", "State")
    bookings = Table("bookings", "Bookings", (Column("seat_id", "text", "Seat"), state))
    join = Join("bookings", ("seat_id",), "seats", ("bought",))
    return Catalogue((SEATS, bookings), joins=(join,), terms=(Term("lost seat", "seats", where),) if where else ())


def test_a_state_of_what_a_row_refers_to_is_not_its_own() -> None:
    bookings = Link("bookings", 5, 13, "table", "bookings")
    for text, at in (("lost bookings", 0), ("xxxx bookings that were lost", 24)):
        lost = Link("lost", at, at + 4, "value", "seats.state", "gone")
        reading = Reading("SELECT 1", 0.9, "", (lost, bookings), ("bookings",))
        assert of_another(text, reading, _sold()) == ("lost",)
        term = replace(reading, links=(replace(lost, kind="term", target="lost seat"), bookings))
        assert of_another(text, term, _sold("state = 'gone'")) == ("lost",)
        assert of_another(text, term, _sold("bought = 0")) == ()  # bookings have nothing of the kind
    lost = Link("lost", 0, 4, "value", "seats.state", "gone")
    apart = Reading("SELECT 1", 0.9, "", (lost, replace(bookings, start=11, end=19)), ("bookings",))
    assert of_another("lost seats bookings", apart, _sold()) == ()


def _planner() -> Planner:
    """Over a reviewed catalogue: it has a term."""
    terms = (Term("big account", "accounts", "seats > 20"),)
    metric = Metric("fees", "fees", "renewals", "SUM(amount)")
    catalogue = replace(CATALOGUE, terms=terms, metrics=(metric,))
    reader, scope = company.reader(), administrator()
    tables = TableQuestionPlanner(catalogue, reader, scope)

    class Nobody:
        def find(self, question: str) -> tuple[()]:
            return ()

    return Planner(catalogue, tables, Nobody(), lambda _: Nearness(0.0, 0.0), lambda *_: False)


def test_a_question_of_which_a_part_is_left_out_gets_no_answer_and_is_told_which() -> None:
    plan = _planner().plan("How many accounts were escalated?")
    assert (plan.route.path, plan.route.reason) == ("refuse", LEFT_OUT)
    assert "“escalated”" in plan.clarification and plan.steps == () and plan.alternatives
    assert _planner().plan("How many accounts are there?").route.path == "sql"


def test_a_score_for_those_that_nothing_speaks_of_is_asked_back() -> None:
    plan = _planner().plan("Which customers in Atlantis are at risk of churn?")
    assert plan.route.path == "clarify" and plan.clarification.startswith("Who is meant?")
    assert "Atlantis" in plan.clarification


def test_records_know_what_stands_behind_what_was_said() -> None:
    plan = _planner().plan("Which customers complained about zippers and have a renewal this quarter?")
    search, population = plan.steps[1], plan.steps[0]
    assert getattr(search, "query", "") == "zippers"
    assert "renewal_date" in getattr(population, "reading").sql  # noqa: B009


def test_the_top_by_a_score_is_not_the_top_by_something_else() -> None:
    for question in ("Top 2 customers most likely to churn", "Our 2 customers most at risk of churn"):
        plan = _planner().plan(question)
        (scores,) = (step for step in plan.steps if isinstance(step, ScoreStep))
        assert (scores.top, scores.at_risk) == (2, False)
    soon = _planner().plan("Which customers in the next 60 days are at risk of churn?")
    (scores,) = (step for step in soon.steps if isinstance(step, ScoreStep))
    assert (scores.top, scores.at_risk, scores.due_text) == (None, True, "next 60 days")
