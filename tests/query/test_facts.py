from __future__ import annotations

import dataclasses
import datetime as dt
import time

import pytest

from index.catalogue.model import Catalogue, Fact
from index.errors import NotFoundError
from index.scope import Scope, TableScope
from query.evidence import CitationBook
from query.facts import FactReader, value_of
from query.proof.provenance import bind, cite, parameters_in, with_keys
from tests.query import company


def make(scope: Scope | None = None, catalogue: Catalogue = company.CATALOGUE) -> FactReader:
    return FactReader(company.reader(), catalogue, scope or company.administrator(), company.TODAY)


def test_the_facts_of_an_entity_come_in_the_order_of_the_catalogue_with_their_values() -> None:
    facts = make().facts("account", "A1")
    assert list(facts) == [f.name for f in company.ACCOUNT_FACTS]
    assert value_of(facts, "renewal", "renewal_date") == "2026-06-30"
    assert value_of(facts, "usage", "logins") == 53
    assert value_of(facts, "open_tickets", "subject") == "Export of orders fails"
    assert value_of(facts, "open_tickets", "subject", row=1) is None
    assert value_of(facts, "open_tickets", "nothing") is None


def test_a_fact_that_the_scope_hides_is_absent_and_no_error() -> None:
    scope = company.administrator()
    tables = {k: v for k, v in scope.tables.items() if k != "tickets"}
    tables["renewals"] = TableScope(dict.fromkeys(("renewal_id", "account_id", "renewal_date"), "visible"))
    facts = make(dataclasses.replace(scope, tables=tables)).facts("account", "A1")
    assert "open_tickets" not in facts and "renewal" not in facts
    assert value_of(facts, "usage", "logins") == 53


def test_rows_that_the_scope_hides_do_not_count() -> None:
    scope = company.administrator()
    tables = dict(scope.tables)
    tables["usage"] = dataclasses.replace(tables["usage"], rows="logins > 10")
    facts = make(dataclasses.replace(scope, tables=tables)).facts("account", "A1")
    assert value_of(facts, "usage", "logins") == 34


def test_an_entity_without_declared_facts_has_its_own_row_and_counts() -> None:
    bare = dataclasses.replace(
        company.CATALOGUE,
        entities=tuple(dataclasses.replace(e, facts=()) for e in company.CATALOGUE.entities),
    )
    facts = make(catalogue=bare).facts("account", "A1")
    assert value_of(facts, "record", "name") == "Nordwand Handels GmbH"
    assert value_of(facts, "tickets_count", "count") == 2


def test_an_unknown_entity_is_named_in_the_error() -> None:
    with pytest.raises(NotFoundError, match="'planet'"):
        make().facts("planet", "X")


def test_a_value_of_a_plain_row_is_cited_as_its_cell_and_a_sum_as_its_query() -> None:
    facts, book = make().facts("account", "A1"), CitationBook()
    cell = cite(facts["renewal"], 0, "renewal_date", company.CATALOGUE, book)
    assert (cell.kind, cell.table, cell.key, cell.column) == ("cell", "renewals", "R1", "renewal_date")
    total = cite(facts["usage"], 0, "logins", company.CATALOGUE, book)
    assert (total.kind, total.source, total.column, total.value) == ("aggregate", "portal", "logins", 53)
    assert total.sql is not None and "'A1'" in total.sql and ":key" not in total.sql
    rerun = company.database().execute(total.sql).fetchone()
    assert rerun == (53,)


def test_a_joined_row_is_cited_by_the_key_of_the_table_the_column_is_in() -> None:
    facts, book = make().facts("account", "A1"), CitationBook()
    cell = cite(facts["viewed"], 0, "product_name", company.CATALOGUE, book)
    assert (cell.table, cell.key) == ("products", "SKU-2")
    seen = cite(facts["viewed"], 0, "viewed_at", company.CATALOGUE, book)
    assert (seen.table, seen.key) == ("product_views", "2")


def test_a_grouped_row_is_cited_as_a_cell_where_the_key_stands_beside_it() -> None:
    sql = (
        "SELECT p.product_name, p.sku, COUNT(*) AS views FROM product_views AS v JOIN products AS p ON p.sku = v.sku "
        "WHERE v.account_id = :key GROUP BY p.product_name, p.sku ORDER BY p.sku"
    )
    entities = (dataclasses.replace(company.CATALOGUE.entities[0], facts=(Fact("seen", "Seen", sql),)),)
    catalogue = dataclasses.replace(company.CATALOGUE, entities=entities)
    seen, book = make(catalogue=catalogue).facts("account", "A1")["seen"], CitationBook()
    name = cite(seen, 0, "product_name", catalogue, book)
    assert (name.kind, name.key, name.value) == ("cell", "SKU-1", "Cirrus Tent")
    assert cite(seen, 0, "views", catalogue, book).kind == "aggregate"


def test_keys_are_not_added_to_aggregates_and_distinct_rows() -> None:
    for sql in ("SELECT COUNT(*) AS n FROM tickets", "SELECT DISTINCT status FROM tickets"):
        assert with_keys(sql, company.CATALOGUE) == sql


def test_parameters_are_found_outside_quotes_and_written_out_as_literals() -> None:
    sql = "SELECT ':no' AS a, \"x:no\" FROM t WHERE k = :key AND d < :today AND t = '12:30'"
    assert parameters_in(sql) == ("key", "today")
    bound = bind(sql, {"key": "O'Hara", "today": dt.date(2026, 5, 18)})
    assert "k = 'O''Hara'" in bound and "d < '2026-05-18'" in bound and "':no'" in bound


def test_forty_accounts_are_read_fast_because_each_fact_is_guarded_once() -> None:
    facts = make()
    facts.facts("account", "A1")
    start = time.perf_counter()
    for _ in range(40):
        facts.facts("account", "A2")
    assert time.perf_counter() - start < 0.5
