"""The part of a catalogue that a scope shows: what planning may know of."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from index.catalogue.model import Catalogue, Column, Entity, Fact, Feature, Join, Metric, Score, Table, Term
from index.catalogue.scope import narrow
from index.guard.guard import guard
from index.scope import Principal, Scope, TableScope
from tests.query.company import MemoryReader

ACCOUNTS = Table(
    "accounts", "accounts",
    (
        Column("id", "text", "id", role="key"), Column("name", "text", "name", role="name"),
        Column("region", "text", "region", values=("APAC", "EMEA"), value_synonyms={"APAC": ("Asia",)}),
        Column("seats", "integer", "seats", role="measure", minimum=1, maximum=900),
    ),
    key=("id",), name_column="name", rows=3,
)  # fmt: skip
ORDERS = Table(
    "orders", "orders", (Column("account", "text", "account"), Column("amount", "number", "amount", role="measure"))
)
SCORE = Score(
    "risk", "risk", "account", "SELECT id FROM accounts", "SELECT account, '2026-01-01' FROM orders",
    (Feature("size", "size", "SELECT id, seats FROM accounts"),),
)  # fmt: skip
WHOLE = Catalogue(
    (ACCOUNTS, ORDERS),
    joins=(Join("orders", ("account",), "accounts", ("id",)),),
    metrics=(Metric("seats", "seats", "accounts", "SUM(seats)"), Metric("sales", "sales", "orders", "SUM(amount)")),
    terms=(Term("large", "accounts", "seats > 100"),),
    entities=(
        Entity("account", "accounts", "id", "name", facts=(
            Fact("size", "size", "SELECT seats FROM accounts WHERE id = :key"),
            Fact("bought", "bought", "SELECT SUM(amount) AS s FROM orders WHERE account = :key"),
        )),
    ),
    scores=(SCORE,),
)  # fmt: skip


@pytest.fixture
def reader() -> MemoryReader:
    made = sqlite3.connect(":memory:")
    made.executescript(
        "CREATE TABLE accounts (id TEXT, name TEXT, region TEXT, seats INTEGER);"
        "INSERT INTO accounts VALUES ('1', 'Ann', 'EMEA', 10), ('2', 'Bo', 'APAC', 900), ('3', 'Cy', 'EMEA', 20);"
        "CREATE TABLE orders (account TEXT, amount REAL); INSERT INTO orders VALUES ('1', 5), ('2', 7);"
    )
    return MemoryReader(made)


def scope(rows: str = "", **columns: str) -> Scope:
    shown = {"id": "visible", "name": "visible", "region": "visible", "seats": "visible"} | columns
    kept = {name: level for name, level in shown.items() if level != "hidden"}
    return Scope(Principal("ann"), {"accounts": TableScope(kept, rows)}, frozenset())  # type: ignore[arg-type]


def test_a_catalogue_that_is_wholly_visible_stays_itself(reader: MemoryReader) -> None:
    assert narrow(WHOLE, Scope.administrator(WHOLE, frozenset()), reader) is WHOLE


def test_what_rests_on_a_hidden_table_is_gone(reader: MemoryReader) -> None:
    shown = narrow(WHOLE, scope(), reader)
    assert [t.name for t in shown.tables] == ["accounts"] and shown.joins == ()
    assert [m.name for m in shown.metrics] == ["seats"]
    assert [f.name for e in shown.entities for f in e.facts] == ["size"]
    assert shown.scores == (SCORE,)  # its event is only read in training


def test_values_ranges_and_counts_are_those_of_the_visible_rows(reader: MemoryReader) -> None:
    [table] = narrow(WHOLE, scope("region = 'EMEA'"), reader).tables
    region, seats = table.column("region"), table.column("seats")
    assert region is not None and region.values == ("EMEA",) and table.rows == 2
    assert seats is not None and (seats.minimum, seats.maximum) == (10, 20)


def test_what_measures_a_masked_column_is_gone_and_its_values_are_forgotten(reader: MemoryReader) -> None:
    shown = narrow(WHOLE, scope(seats="masked", region="masked"), reader)
    assert shown.metrics == () and shown.terms == ()
    [table] = shown.tables
    seats, region = table.column("seats"), table.column("region")
    assert seats is not None and (seats.minimum, seats.maximum) == (None, None)
    assert region is not None and region.values == ()


def test_a_hidden_key_or_name_leaves_the_table_without_one(reader: MemoryReader) -> None:
    [table] = narrow(WHOLE, scope(id="hidden", name="hidden"), reader).tables
    assert table.key == () and table.name_column is None


def test_a_score_whose_population_is_hidden_is_gone(reader: MemoryReader) -> None:
    shown = narrow(WHOLE, scope(id="hidden"), reader)
    assert shown.scores == () and shown.entities == ()


def test_row_rules_still_see_what_the_scope_hides(reader: MemoryReader) -> None:
    narrowed = scope("region = 'EMEA'", region="hidden")
    shown = narrow(WHOLE, narrowed, reader)
    assert shown.whole is WHOLE
    assert reader.read(guard("SELECT COUNT(*) AS n FROM accounts", shown, narrowed)).rows == ((2,),)
    rule = scope("id IN (SELECT account FROM orders)")
    assert reader.read(guard("SELECT COUNT(*) AS n FROM accounts", narrow(WHOLE, rule, reader), rule)).rows == ((2,),)


def test_a_catalogue_without_its_whole_lets_no_rule_look_beyond_it(reader: MemoryReader) -> None:
    from index.errors import PolicyError

    rule = scope("id IN (SELECT account FROM orders)")
    cut = replace(narrow(WHOLE, rule, reader), whole=None)
    with pytest.raises(PolicyError):
        guard("SELECT COUNT(*) AS n FROM accounts", cut, rule)
