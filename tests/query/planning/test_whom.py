"""Whom drafts are for: a condition is kept, decided by documents, or asked about; it is never let fall."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.catalogue.model import Metric
from query.plan import DraftStep, Plan, SearchStep, SqlStep
from query.planning.entity_names import EntityNames
from query.planning.planner import Planner
from query.planning.relevance import Nearness
from query.text2sql.planner import TableQuestionPlanner
from tests.query import company
from tests.query.office import CATALOGUE, administrator, engine


def _plan(question: str) -> Plan:
    return engine().plan(question, administrator())


def _draft(plan: Plan) -> DraftStep:
    (step,) = (step for step in plan.steps if isinstance(step, DraftStep))
    return step


def _population(plan: Plan) -> str:
    return next(step.reading.sql for step in plan.steps if isinstance(step, SqlStep))


@pytest.mark.parametrize(
    "question",
    [
        "Draft a follow-up email to customers who complained about zippers",
        "Draft an email to each customer that asked for a discount on zippers",
    ],
)
def test_what_they_said_is_looked_for_in_their_documents(question: str) -> None:
    plan = _plan(question)
    (said,) = (step for step in plan.steps if isinstance(step, SearchStep))
    assert said.require and said.keys_from == "population" and "zippers" in said.query
    assert plan.steps.index(said) < plan.steps.index(_draft(plan))
    assert "zippers" not in _draft(plan).topics


@pytest.mark.parametrize("words", ["that own purple elephants", "in Atlantis", "with purple elephants in stock"])
def test_a_condition_that_nothing_explains_is_no_letter_to_everybody(words: str) -> None:
    plan = _plan(f"Draft an email to the customers {words}")
    if plan.steps:  # what follows "with" may be what the letter speaks of
        assert words.startswith("with ") and _draft(plan).topics
        return
    assert plan.route.path == "clarify"
    assert plan.clarification.startswith("Whom are the drafts for?")
    assert words.split()[-1] in plan.clarification or "elephants" in plan.clarification


def test_with_says_whom_where_the_tables_read_it_and_else_what_about() -> None:
    narrowed = _plan("Write a mail to all customers with more than 1 open ticket")
    assert "> 1" in _population(narrowed) and _draft(narrowed).topics == ()
    told = _plan("Write a mail to all customers with warranty information")
    assert "WHERE" not in _population(told) and _draft(told).topics == ("warranty",)
    listed = _plan("Write a letter to our customers with the price list")
    assert "WHERE" not in _population(listed) and _draft(listed).topics == ("price list",)


TOP = (
    "Create a personalized follow-up mail to our top 10 customers, including product images they have looked at "
    "and warranty information."
)


def test_the_top_customers_are_those_by_what_the_catalogue_says_by_revenue_or_nobody() -> None:
    assert _plan(TOP).clarification == "Whom are the drafts for: the top ones by what?"
    reader, scope = company.reader(), administrator()
    catalogue = replace(CATALOGUE, metrics=(Metric("fees", "fees", "usage", "SUM(logins)", synonyms=("revenue",)),))
    tables = TableQuestionPlanner(catalogue, reader, scope)
    planner = Planner(
        catalogue, tables, EntityNames(catalogue, reader, scope), lambda _: Nearness(0.0, 0.0), lambda *_: False
    )
    plan = planner.plan(TOP)
    assert _draft(plan).images and _draft(plan).topics == ("warranty",)
    assert "LIMIT 10" in _population(plan) and "SUM(usage.logins) DESC" in _population(plan)


def _called(synonym: str, question: str) -> Plan:
    """The plan where the products are also called `synonym`, which is a word of a customer's name."""
    account, product = CATALOGUE.entities
    catalogue = replace(CATALOGUE, entities=(account, replace(product, synonyms=(synonym,))))
    reader, scope = company.reader(), administrator()
    tables, names = TableQuestionPlanner(catalogue, reader, scope), EntityNames(catalogue, reader, scope)
    return Planner(catalogue, tables, names, lambda _: Nearness(0.0, 0.0), lambda *_: False).plan(question)


def test_a_word_inside_of_a_name_does_not_say_whom_a_letter_is_for() -> None:
    for question in (
        "Draft a follow-up mail to Ridgeline Supply",
        "Write a mail to Ridgeline Supply and Fjellpunkt AS",
    ):
        plan = _called("supply", question)
        assert _draft(plan).entity == "account" and "accounts" in _population(plan)


def test_a_letter_is_to_somebody_and_a_product_is_nobody() -> None:
    plan = _plan("Draft a follow-up mail for our products")
    assert plan.route.path == "clarify" and "nobody to write to at a product" in plan.clarification
    assert _draft(_plan("Write product descriptions for our products")).entity == "product"
