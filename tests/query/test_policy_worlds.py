"""Two worlds: what a person is told is what they would be told if nothing else than what they may see existed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.encode import answer_json
from api.render.answers import plan_json
from api.settings import load_settings
from api.wiring import open_workspace
from api.workspace import Workspace
from index.errors import TowerError
from index.scope import Scope
from tests.governed import POLICY, build

QUESTIONS = (
    "How many customers do we have?",
    "How many customers do we have per region?",
    "How many customers are there in APAC?",
    "Which regions do we sell to?",
    "List all customers",
    "Which customers are in the Midmarket segment?",
    "How many paused customers are there?",
    "Who is the contact of Kumo Outfitters?",
    "Who is the contact of Bergfreunde?",
    "Tell me about Berg",
    "What is the status of Lotus Trail?",
    "What is the status of Lotos Trial?",
    "How many seats does Orchid Alpine have?",
    "Which customer has the most seats?",
    "What was our revenue in 2025?",
    "Revenue by region",
    "Revenue by customer this year",
    "Show the revenue per month of 2025 with a chart",
    "What is the average order amount?",
    "Which customers bought the Cirrus Tent?",
    "Which products did Bergwind Pacific buy?",
    "Which customers have not ordered in 2026?",
    "What is the largest order?",
    "Between which dates did we receive orders?",
    "List the orders O50 and O10",
    "Which customers threaten to leave?",
    "What do our notes say about a merger?",
    "Who asked about zanzibar distribution?",
    "What is our payment term?",
    "Which customers asked for a longer payment term?",
    "Write a follow-up mail to Bergfreunde",
    "Write a follow-up mail to Lotus Trail",
    "What is the most expensive product?",
    "How much did B3 spend?",
    "What is the pin of Person A1?",
)
WITHOUT_ROWS = (
    POLICY.replace(', rows: "region = {region}"', "")
    .replace("        rows: account_id IN (SELECT account_id FROM accounts WHERE region = {region})\n", "")
    .replace(', rows: "account_id IN (SELECT account_id FROM accounts WHERE region = {region})"', "")
    .replace("    entities: {account: rows}\n", "")
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Workspace]]:
    """Everything under a policy with row rules, and only the European part under one without any."""
    assert "region = {" not in WITHOUT_ROWS
    folder = tmp_path_factory.mktemp("worlds")
    homes = build(folder / "full"), build(folder / "part", policy=WITHOUT_ROWS, regions=("EMEA",))
    opened = tuple(open_workspace(home, load_settings(home)) for home in homes)
    yield opened[0], opened[1]
    for workspace in opened:
        workspace.close()


def told(workspace: Workspace, question: str, scope: Scope) -> str:
    """The answer and the plan as text, without what names this very answer; errors are answers too."""
    try:
        found = copy.deepcopy(json.loads(json.dumps(answer_json(workspace.ask(question, scope)), default=str)))
        plan: Any = json.loads(json.dumps(plan_json(workspace.explain(question, scope)), default=str))
    except TowerError as error:
        return f"{error.code}: {error.message} {error.hint}"
    for part in (found, *found.get("drafts", ()), *found.get("items", ())):
        for name in ("id", "conversation_id", "timings_ms", "generation", "draft_id"):
            part.pop(name, None)
    return json.dumps([found, plan], sort_keys=True, indent=1)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_regional_answer_is_that_of_a_world_with_one_region(
    worlds: tuple[Workspace, Workspace], question: str
) -> None:
    full, part = worlds
    assert told(full, question, full.scope_for("emma")) == told(part, question, part.scope_for("emma"))


@pytest.mark.parametrize("query", ["merger talks", "zanzibar", "payment term of the customer", "bamboo stove", "tent"])
def test_a_regional_search_is_that_of_a_world_with_one_region(worlds: tuple[Workspace, Workspace], query: str) -> None:
    # in six digits: the engine adds the weights of terms up in an order of its own
    full, part = (
        [
            (p.chunk_id, p.text, round(p.score, 6), round(p.relevance, 6))
            for p in w.search(query, w.scope_for("emma"), 10)
        ]
        for w in worlds
    )
    assert full == part and full


@pytest.mark.parametrize("statement", ["SELECT * FROM accounts", "SELECT 1 FROM secrets", "SELECT pin FROM contacts"])
def test_sql_of_ones_own_is_answered_or_refused_alike(worlds: tuple[Workspace, Workspace], statement: str) -> None:
    def run(workspace: Workspace) -> str:
        try:
            return str(workspace.sql(statement, workspace.scope_for("emma"))[1])
        except TowerError as error:
            return f"{error.message} {error.hint}"

    assert run(worlds[0]) == run(worlds[1])


def test_the_two_regions_are_told_apart_at_all(worlds: tuple[Workspace, Workspace]) -> None:
    """Guards the oracle: another region's answers to the same questions are mostly different ones."""
    full, _ = worlds
    emma, akira = full.scope_for("emma"), full.scope_for("akira")
    different = sum(told(full, question, emma) != told(full, question, akira) for question in QUESTIONS)
    assert different > len(QUESTIONS) // 2


def test_what_a_planner_may_know_of_holds_no_value_of_the_other_region(worlds: tuple[Workspace, Workspace]) -> None:
    full, _ = worlds
    known = repr(full.inner.engine(full.scope_for("emma")).parts.catalogue.tables)
    assert "EMEA" in known
    assert [word for word in ("APAC", "Midmarket", "Paused", "Lotus", "Kumo", "pin") if word in known] == []
