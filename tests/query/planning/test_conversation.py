"""Follow-ups over a small sales office: what is read, in full, after a turn."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from index.catalogue.model import Catalogue, Entity, Join, Metric, Table
from index.scope import Scope
from query.planning.conversation import FollowUps, Turn
from query.planning.entity_names import EntityNames, Named
from query.text2sql.planner import TableQuestionPlanner
from tests.query.company import TODAY, MemoryReader, column
from tests.query.office import administrator, engine

CATALOGUE = Catalogue(
    (
        Table("customers", "Customers", (
            column("customer_id", role="key"), column("name", role="name"), column("region"), column("country"),
            column("segment"),
        ), key=("customer_id",), name_column="name"),
        Table("orders", "Orders", (
            column("order_id", role="key"), column("customer_id", role="reference"),
            column("amount", "number", "measure", "EUR"), column("ordered_on", "date", "time"), column("category"),
        ), key=("order_id",), time_column="ordered_on"),
    ),
    joins=(Join("orders", ("customer_id",), "customers", ("customer_id",)),),
    metrics=(Metric("revenue", "Revenue", "orders", "SUM(orders.amount)", unit="EUR"),),
    entities=(Entity("customer", "customers", "customer_id", "name"),),
    today=TODAY,
)  # fmt: skip
CUSTOMERS = (
    ("C-1", "Alba Sport AG", "EMEA", "Germany", "Enterprise"), ("C-2", "Birken Outdoor", "EMEA", "Sweden", "SMB"),
    ("C-3", "Cairn Gear", "APAC", "Japan", "Enterprise"), ("C-4", "Delta Peak", "AMER", "Canada", "Mid-Market"),
    ("C-5", "Enzian Reisen", "EMEA", "Austria", "SMB"),
)  # fmt: skip
ORDERS = (
    (1, "C-1", 900.0, "2026-02-03", "Tents"), (2, "C-2", 300.0, "2026-04-20", "Boots"),
    (3, "C-3", 700.0, "2025-11-11", "Tents"), (4, "C-4", 100.0, "2026-01-09", "Boots"),
)  # fmt: skip
LISTED = tuple(Named("customer", key, name) for key, name in (("C-1", "Alba Sport AG"), ("C-3", "Cairn Gear")))
CASES = [json.loads(line) for line in Path(__file__).with_name("follow_ups.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def follow_ups() -> FollowUps:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name, region, country, segment)")
    connection.execute(
        "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id, amount REAL, ordered_on, category)"
    )
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", CUSTOMERS)
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", ORDERS)
    reader, scope = MemoryReader(connection), Scope.administrator(CATALOGUE, frozenset())
    planner = TableQuestionPlanner(CATALOGUE, reader, scope)
    return FollowUps(CATALOGUE, planner, EntityNames(CATALOGUE, reader, scope))


@pytest.mark.parametrize("case", CASES, ids=[f"{c['before'][:40]} / {c['then']}" for c in CASES])
def test_a_follow_up_is_read_with_the_turn_before_it(follow_ups: FollowUps, case: dict[str, str]) -> None:
    found = follow_ups.resolve(case["then"], Turn(case["before"], LISTED if case.get("listed") else ()))
    assert found.question == case["read"]
    assert found.carried == (case["read"] != case["then"])


def test_without_a_turn_before_it_a_question_stays_as_it_is(follow_ups: FollowUps) -> None:
    assert follow_ups.resolve("and in APAC?", None).question == "and in APAC?"


def test_a_bare_amount_with_no_figure_before_it_is_asked_back(follow_ups: FollowUps) -> None:
    found = follow_ups.resolve("only those above 50k", Turn("Which customers are in EMEA?"))
    assert (found.carried, "of which figure" in found.asked) == (False, True)


def test_an_answer_lists_its_entities_for_the_next_turn() -> None:
    first = engine().answered("List the accounts with their seats", administrator())
    assert [n.name for n in first.turn.named] == [row[0] for row in first.answer.sql[0].rows] != []
    second = engine().answered("draft it for the second one", administrator(), earlier=first.turn)
    assert second.answer.carried == f"Draft a follow-up e-mail for {first.turn.named[1].name}"
    assert [draft.key for draft in second.answer.drafts] == [first.turn.named[1].key]


def test_a_follow_up_about_another_thing_carries_nothing_over() -> None:
    first = engine().answered("List the accounts", administrator())
    second = engine().answered("How many tickets are there?", administrator(), earlier=first.turn)
    assert (second.answer.carried, second.answer.sql[0].rows) == ("", [[3]])
