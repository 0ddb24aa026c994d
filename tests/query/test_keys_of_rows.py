"""Rows carry their keys: read with the query, not shown, and every cell that is cited can be found again by them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from index.catalogue.model import Catalogue
from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.scope import Scope
from index.sql import SqlDatabase
from query.evidence import CitationBook
from query.execute import read_evidence
from query.plan import Reading, SqlStep
from query.proof.prove import Prover, cite_count
from query.proof.provenance import cite, keyed
from query.proof.reread import TableRereader
from tests.query.text2sql import shop

PLAIN = [
    "SELECT name, city FROM customers ORDER BY name",
    "SELECT c.name, o.order_date FROM orders o JOIN customers AS c ON c.customer_id = o.customer_id LIMIT 3",
    "select NAME from CUSTOMERS where city = 'Oslo'",
    "SELECT name, (SELECT MAX(order_date) FROM orders WHERE orders.customer_id = customers.customer_id) FROM customers",
    "SELECT customers.name FROM customers WHERE customer_id IN (SELECT customer_id FROM orders)",
]
KEYLESS = [
    "SELECT COUNT(*) FROM customers",
    "SELECT DISTINCT city FROM customers",
    "SELECT city, COUNT(*) FROM customers GROUP BY city",
    "SELECT name FROM customers UNION SELECT first_name FROM reps",
    "SELECT * FROM customers",
    "SELECT a.name FROM customers a JOIN customers b ON a.city = b.city",
    "SELECT customer_id, name FROM customers",
    "SELECT x.name FROM (SELECT name FROM customers) x",
    "SELECT 1",
    "not SQL at all ((",
]


def step(sql: str) -> SqlStep:
    return SqlStep("answer", Reading(sql, 0.9, "a reading"))


@pytest.mark.parametrize("sql", PLAIN)
def test_every_cell_of_a_plain_query_is_cited_by_its_key_and_found_again(sql: str) -> None:
    reader, scope = shop.database(), shop.everything()
    evidence = read_evidence(step(sql), shop.CATALOGUE, reader, scope)
    assert evidence.keys
    assert not [column for column in evidence.rows.columns if "__" in column]
    book, rereader = CitationBook(), TableRereader(reader, shop.CATALOGUE, scope)
    prover = Prover(shop.CATALOGUE, tables=[evidence])
    kinds = set()
    for row in range(len(evidence.rows.rows)):
        for column in evidence.rows.columns:
            citation = cite(evidence, row, column, shop.CATALOGUE, book)
            kinds.add(citation.kind)
            assert prover.citation_fault(citation) == ""
            assert citation.value in rereader.values(citation)
    assert "cell" in kinds


@pytest.mark.parametrize("sql", KEYLESS)
def test_a_query_that_has_no_rows_of_one_table_stays_as_it_is(sql: str) -> None:
    assert keyed(sql, shop.CATALOGUE).sql == sql


@pytest.mark.parametrize("sql", [*PLAIN, *KEYLESS[:-1]])
def test_the_rows_are_those_of_the_query_alone(sql: str) -> None:
    evidence = read_evidence(step(sql), shop.CATALOGUE, shop.database(), shop.everything())
    with shop.database().engine.connect() as connection:
        expected = [tuple(row) for row in connection.exec_driver_sql(sql)]
    assert [tuple(row) for row in evidence.rows.rows] == expected


def test_a_row_without_a_key_is_cited_by_its_query() -> None:
    joined = "customers c LEFT JOIN orders o ON o.customer_id = c.customer_id"
    sql = f"SELECT c.name, o.order_date FROM {joined} ORDER BY c.name"
    evidence = read_evidence(step(sql), shop.CATALOGUE, shop.database(), shop.everything())
    missing = next(at for at, row in enumerate(evidence.rows.rows) if row[1] is None)
    assert cite(evidence, missing, "order_date", shop.CATALOGUE, CitationBook()).kind == "aggregate"
    assert cite(evidence, missing, "name", shop.CATALOGUE, CitationBook()).key == "C4"


def test_an_aggregate_is_cited_with_its_query_and_row_count() -> None:
    sql = "SELECT city, COUNT(*) AS n FROM customers GROUP BY city ORDER BY city"
    evidence = read_evidence(step(sql), shop.CATALOGUE, shop.database(), shop.everything())
    citation = cite(evidence, 1, "n", shop.CATALOGUE, CitationBook())
    assert (citation.kind, citation.sql, citation.row_count, citation.value) == ("aggregate", sql, 3, 2)


@pytest.fixture
def large(tmp_path: Path) -> tuple[Catalogue, SqlDatabase]:
    with sqlite3.connect(tmp_path / "large.sqlite") as connection:
        connection.execute("CREATE TABLE things (thing_id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO things VALUES (?, ?)", ((n, f"thing {n}") for n in range(2345)))
    engine = open_engine(f"sqlite:///{tmp_path}/large.sqlite", read_only=True)
    return draft_catalogue(engine), SqlDatabase(engine)


def test_a_result_that_is_cut_off_is_counted(large: tuple[Catalogue, SqlDatabase]) -> None:
    catalogue, reader = large
    scope = Scope.administrator(catalogue, frozenset())
    evidence = read_evidence(step("SELECT name FROM things"), catalogue, reader, scope)
    assert (len(evidence.rows.rows), evidence.rows.truncated, evidence.total) == (1000, True, 2345)
    slot = cite_count(evidence, catalogue, CitationBook())
    assert slot.text == "2,345"
    assert Prover(catalogue, tables=[evidence]).slot_fault(slot) == ""
