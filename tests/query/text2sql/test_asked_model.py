"""A model as the second planner, over real HTTP: its SQL is guarded like any other, and its failures cost nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from index.catalogue.model import Catalogue
from index.masking.people import known_persons
from index.scope import Principal, Scope, TableScope
from query.engine import QueryEngine
from query.models.openai_like import OpenAILike
from query.parts import Parts
from query.plan import Plan
from query.planning.entity_names import EntityNames
from query.text2sql.asked_model import ModelPlanner
from query.text2sql.planner import TableQuestionPlanner
from query.text2sql.prompt import Example
from tests.query.office import FixedScorer
from tests.query.text2sql import shop
from tests.scripted_model import (
    Reply,
    Request,
    ScriptedModel,
    breaks_off,
    closes,
    drips,
    endless,
    fails,
    garbage,
    hangs,
    says,
)

COUNT = "How many customers are there?"
ROWS_BEFORE = "SELECT COUNT(*) FROM customers"


def people(catalogue: Catalogue = shop.CATALOGUE) -> Catalogue:
    """The shop's catalogue, whose reps are persons."""
    tables = tuple(
        replace(
            t,
            columns=tuple(
                replace(c, sensitivity="personal", role="name") if c.name in ("first_name", "last_name") else c
                for c in t.columns
            ),
        )
        for t in catalogue.tables
    )
    return replace(catalogue, tables=tables)


def engine(model: ScriptedModel, catalogue: Catalogue = shop.CATALOGUE, within_s: float = 5.0) -> QueryEngine:
    reader = shop.database()
    client = OpenAILike(model.base_url, "scripted")
    examples = (
        Example("How many clients live in Oslo?", "SELECT COUNT(*) FROM customers WHERE city = 'Oslo'"),
        Example("Who is the boss?", "SELECT first_name FROM reps WHERE boss_id IS NULL"),
    )

    def second(scope: Scope) -> ModelPlanner:
        tables = TableQuestionPlanner(catalogue, reader, scope)
        everybody = Scope.administrator(catalogue, frozenset())
        return ModelPlanner(
            client, catalogue, reader, scope, tables.links, lambda: known_persons(catalogue, reader, everybody),
            examples, within_s, about=lambda name: "North, 10-49 seats" if name == "Ada Berg" else "",
        )  # fmt: skip

    return QueryEngine(
        Parts(
            catalogue,
            reader,
            lambda scope: TableQuestionPlanner(catalogue, reader, scope),
            lambda scope: EntityNames(catalogue, reader, scope),
            FixedScorer(),
            second=second,
        )
    )


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


def without_model(question: str) -> Plan:
    return replace(engine_without()).plan(question, shop.everything())


def engine_without() -> QueryEngine:
    with ScriptedModel() as unused:
        return QueryEngine(replace(engine(unused).parts, second=None))


def test_the_models_sql_is_the_answer_and_agreement_raises_the_confidence(model: ScriptedModel) -> None:
    model.script(says("```sql\nSELECT COUNT(customer_id) AS n FROM customers\n```"))
    answer = engine(model).answer(COUNT, shop.everything())
    assert answer.sql[0].text == "SELECT COUNT(customer_id) AS n FROM customers"
    assert answer.sql[0].rows == [[4]]
    assert answer.route.reason == "the grammar and the model find the same"
    assert answer.route.confidence > without_model(COUNT).route.confidence
    assert answer.notices == []


def test_disagreement_lowers_the_confidence_and_says_the_other_reading(model: ScriptedModel) -> None:
    model.script(says("SELECT COUNT(*) FROM customers WHERE city = 'Oslo'"))
    answer = engine(model).answer(COUNT, shop.everything())
    assert answer.sql[0].rows == [[2]]
    assert answer.route.confidence < without_model(COUNT).route.confidence
    assert any("reads otherwise" in notice for notice in answer.notices)


def test_a_model_answers_what_the_grammar_refuses(model: ScriptedModel) -> None:
    question = "Whose zeal outshines everybody's in the fiddly flimflam?"
    assert without_model(question).route.path in ("refuse", "clarify")
    model.script(says("SELECT first_name FROM reps WHERE boss_id IS NULL"))
    answer = engine(model).answer(question, shop.everything())
    assert (answer.route.path, answer.sql[0].rows) == ("sql", [["Ada"]])


def test_an_error_goes_back_for_at_most_two_repairs(model: ScriptedModel) -> None:
    model.script(says("SELECT nam FROM customers"), says("SELECT name FROM custom"), says("SELECT name FROM customers"))
    answer = engine(model).answer("List the customers", shop.everything())
    assert answer.sql[0].text == "SELECT name FROM customers"
    assert len(model.requests) == 3
    assert "there is no column 'nam'" in model.requests[1].messages[-1][1]
    assert model.requests[1].messages[-2] == ("assistant", "SELECT nam FROM customers")
    model.script(says("SELECT nam FROM customers"))
    answer = engine(model).answer("List the customers", shop.everything())
    assert len(model.requests) == 3
    assert answer.sql[0].row_count == 4
    assert any("its SQL does not run" in notice for notice in answer.notices)


@pytest.mark.parametrize(
    "reply",
    [
        hangs(), drips("SELECT COUNT(*) FROM customers " * 9, 0.05), breaks_off("SELECT 1"), closes(), garbage(),
        endless(), fails(500), fails(429, Retry_After="60"), fails(401), says(""), says("I like turtles."),
        says("DROP TABLE customers"), says("SELECT 1; DROP TABLE customers"), says("DELETE FROM customers"),
        says("SELECT name FROM sqlite_master"), says("SELECT load_extension('x')"), says("PRAGMA query_only = OFF"),
        says("ATTACH 'x' AS y"), says("SELECT " + "(" * 5000 + "1" + ")" * 5000), says("SELECT :name FROM customers"),
        says("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT MAX(x) FROM t, missing"),
        says('{"sql": ["a"]}'), says("\x00\ud7ff SELECT"), says("CANNOT ANSWER"),
    ],
    ids=lambda r: f"{r.manner} {r.status} {r.text[:24]!r}",
)  # fmt: skip
def test_any_failure_ends_in_the_grammars_answer_with_a_notice(model: ScriptedModel, reply: Reply) -> None:
    model.script(reply)
    started = time.monotonic()
    answer = engine(model, within_s=1.0).answer(COUNT, shop.everything())
    assert time.monotonic() - started < 6
    assert (answer.route.path, answer.sql[0].rows) == ("sql", [[4]])
    assert any(notice.startswith("Answered without the model scripted") for notice in answer.notices)
    assert answer.egress[0]["characters"] > 0


def test_a_server_that_is_down_costs_nothing_but_a_notice() -> None:
    with ScriptedModel() as stopped:
        asked = engine(stopped, within_s=2.0)
    answer = asked.answer(COUNT, shop.everything())
    assert answer.sql[0].rows == [[4]]
    assert "cannot be reached" in answer.notices[0]


def narrow_scope() -> Scope:
    """Sees customers of Oslo without their phones, and nothing of reps."""
    columns = dict.fromkeys(("customer_id", "name", "city"), "visible")
    return Scope(Principal("ann"), {"customers": TableScope(columns, "city = 'Oslo'")}, frozenset())  # type: ignore[arg-type]


def test_the_model_sees_and_reaches_only_what_the_asker_may_see(model: ScriptedModel) -> None:
    model.script(
        says("SELECT first_name FROM reps"), says("SELECT phone FROM customers"), says("SELECT COUNT(*) FROM customers")
    )
    answer = engine(model).answer(COUNT, narrow_scope())
    assert answer.sql[0].rows == [[2]]
    told = "\n".join(r.prompt for r in model.requests[:1])
    assert "customers" in told
    assert not [hidden for hidden in ("reps", "first_name", "phone", "rep_id", "boss") if hidden in told]
    said = [message for role, message in model.requests[2].messages if role == "user"][1:]
    assert said == [
        "That does not run: there is no table 'reps'. did you mean customers?\nWrite it again.",
        "That does not run: there is no column 'phone'. see the catalogue for names\nWrite it again.",
    ]


def test_names_of_persons_leave_as_pseudonyms_and_come_back(model: ScriptedModel) -> None:
    def echo(request: Request) -> Reply:
        pseudonym = request.prompt.rpartition("<PERSON:")[2].partition(">")[0]
        return says(f"SELECT rep_id FROM reps WHERE first_name || ' ' || last_name = '<PERSON:{pseudonym}>'")

    model.script(echo)
    answer = engine(model, people()).answer("Which rep is called Ada Berg?", shop.everything())
    assert answer.sql[0].rows == [[1]]
    left = model.requests[0].prompt
    assert not [name for name in ("Ada", "Berg", "Dahl") if name in left]
    assert answer.egress[0]["masked"] >= 1
    assert answer.egress[0]["model"] == "scripted"
    assert {"tables", "question"} <= set(answer.egress[0]["fields"])


def test_the_model_is_told_what_may_be_told_of_a_pseudonym(model: ScriptedModel) -> None:
    model.script(says("SELECT COUNT(*) FROM customers"))
    answer = engine(model, people()).answer("Which rep is called Ada Berg?", shop.everything())
    told = model.requests[0].prompt
    pseudonym = told.rpartition("Question: ")[2].partition("<")[2].partition(">")[0]
    assert f"brackets stand for:\n<{pseudonym}>: North, 10-49 seats" in told
    assert "attributes" in answer.egress[0]["fields"]


@pytest.mark.parametrize("known", ["Ada Berg", "ADA  BERG", "Berg, Ada and Ada Berg"])
def test_what_left_does_not_tell_whom_else_the_workspace_knows(model: ScriptedModel, known: str) -> None:
    """The asker sees nothing of reps; with a name of one the record is that of any other name."""
    model.script(says("SELECT nam FROM customers"))
    strange = known.replace("Ada", "Xyz").replace("Berg", "Quux").replace("ADA", "XYZ").replace("BERG", "QUUX")
    asked = engine(model, people())
    told = [asked.answer(f"How many customers know {name}?", narrow_scope()).egress for name in (known, strange)]
    assert "Ada" not in model.requests[0].prompt
    assert told[0] and told[0] == told[1]


def test_a_quote_in_a_name_stays_inside_its_literal(model: ScriptedModel) -> None:
    from query.models.outgoing import Outgoing, joined

    outgoing = Outgoing(joined(None, ["Miles O'Brien"]))
    masked = outgoing.mask("question", "Where does Miles O'Brien live?")
    assert "Brien" not in masked
    pseudonym = masked[len("Where does ") : masked.index(">") + 1]
    assert outgoing.put_back(f"name = '{pseudonym}'", "'") == "name = 'Miles O''Brien'"


def test_the_prompt_holds_the_linked_tables_values_joins_and_near_questions(model: ScriptedModel) -> None:
    model.script(says("SELECT COUNT(*) FROM customers WHERE city = 'Oslo'"))
    engine(model).answer("How many customers live in Oslo?", shop.everything())
    told = model.requests[0].prompt
    assert "CREATE TABLE customers" in told
    assert "“Oslo” is customers.city = 'Oslo'" in told
    assert "orders.customer_id = customers.customer_id" in told
    assert "values 'Large', 'Small'" in told
    assert "How many clients live in Oslo?\nSELECT COUNT(*)" in told
    assert "Who is the boss?" not in told
    assert "Today is 2026-05-15." in told


def test_an_example_over_hidden_tables_is_not_told(model: ScriptedModel) -> None:
    model.script(says("SELECT 1"))
    engine(model).answer("Who is the boss of the customers?", narrow_scope())
    assert all("reps" not in request.prompt for request in model.requests)


@pytest.mark.parametrize("question", ["hello", "Delete all customers", "SELECT name FROM customers"])
def test_what_is_no_question_over_tables_never_reaches_a_model(model: ScriptedModel, question: str) -> None:
    answer = engine(model).answer(question, shop.everything())
    assert model.requests == []
    assert answer.egress == []


def test_a_plan_says_what_ask_would_run(model: ScriptedModel) -> None:
    model.script(says("SELECT COUNT(*) FROM customers WHERE city = 'Oslo'"))
    asked = engine(model)
    plan = asked.plan(COUNT, shop.everything())
    assert plan.egress[0].characters == sum(len(text) for _, text in model.requests[0].messages)
    assert asked.answer(COUNT, shop.everything()).sql[0].text == plan.steps[0].reading.sql  # type: ignore[union-attr]


def test_a_chart_is_drawn_from_the_models_rows(model: ScriptedModel) -> None:
    model.script(says("SELECT city, COUNT(*) AS n FROM customers GROUP BY city ORDER BY city"))
    answer = engine(model).answer("Show a chart of the number of customers by city", shop.everything())
    assert answer.chart is not None
    assert answer.sql[0].rows == [["Bergen", 1], ["Oslo", 2], ["Turku", 1]]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("CANNOT ANSWER: see [the list](https://evil.example/?d=1) or https://evil.example/2\n\nnow", "cannot answer"),
        ('SELECT "https://evil.example/?d=1" FROM customers', "does not run"),
    ],
)
def test_a_notice_that_repeats_a_model_carries_no_address(model: ScriptedModel, reply: str, said: str) -> None:
    model.script(says(reply))
    (notice,) = engine(model).answer(COUNT, shop.everything()).notices
    assert said in notice
    assert "evil.example/" not in notice and "\n" not in notice
