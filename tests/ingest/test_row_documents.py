"""Prose in the rows of a database is found as documents are, without a line in tower.yaml."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from index.catalogue.model import Catalogue, Column, Entity, Join, Table
from ingest import row_documents
from ingest.row_documents import prose_documents
from ingest.sync.sources import sync
from tests.ingest.company import open_store, sources


def _table(name: str, *columns: Column, rows: int = 3) -> Table:
    return Table(name, name, columns, source="shop", key=("id",), time_column="day", rows=rows)


def _column(name: str, role: str, sensitivity: str = "internal") -> Column:
    return Column(name, "text", name, role=role, sensitivity=sensitivity)  # type: ignore[arg-type]


def _catalogue(rows: int = 3) -> Catalogue:
    customers = Table(
        "customers", "customers", (_column("id", "key"), _column("name", "name")), source="shop", key=("id",),
        name_column="name",
    )  # fmt: skip
    visits = _table(
        "visits", _column("id", "key"), _column("customer_id", "reference"), _column("summary", "text"),
        _column("diagnosis", "text", "secret"), rows=rows,
    )  # fmt: skip
    reviews = _table("reviews", _column("id", "key"), _column("body", "text"))
    other = Table("letters", "letters", (_column("body", "text"),), source="post")
    return Catalogue(
        (customers, visits, reviews, other),
        joins=(Join("visits", ("customer_id",), "customers", ("id",)),),
        entities=(Entity("customer", "customers", "id", "name"),),
    )


def test_columns_of_prose_are_texts_and_belong_to_what_the_row_refers_to() -> None:
    found, warnings = prose_documents(_catalogue(), "shop")
    assert set(found) == {"visits", "reviews"} and warnings == []
    visits = found["visits"]
    assert (visits.text, visits.tags, visits.entities) == (("summary",), ("shop",), {"customer": "customer_id"})
    assert visits.date == "day"


def test_a_large_table_waits_for_a_person() -> None:
    found, (warning,) = prose_documents(_catalogue(rows=row_documents.MOST_ROWS + 1), "shop")
    assert set(found) == {"reviews"}
    assert "visits" in warning and "documents:" in warning


def test_rows_of_two_tables_with_one_key_are_two_documents_and_go_with_their_row(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.sqlite") as base:
        base.executescript(
            "create table customers (id text primary key, name text);"
            "create table visits (id text primary key, customer_id text, summary text, diagnosis text, day text);"
            "create table reviews (id text primary key, body text, day text);"
            "insert into customers values ('c1', 'Calder Ltd');"
            "insert into visits values ('1', 'c1', 'They asked for a longer term.', 'hidden', '2026-01-02');"
            "insert into reviews values ('1', 'The zips are strong.', '2026-02-03');"
        )
    config = sources(tmp_path, 'shop: {kind: sql, url: "sqlite:///shop.sqlite", tables: "*"}')
    store = open_store(tmp_path)
    sync(config, store, _catalogue())
    found = {d.document.doc_id: d.document for d in store.documents("shop")}
    assert set(found) == {"shop:visits/1", "shop:reviews/1"}
    visit = found["shop:visits/1"]
    assert (visit.text, visit.date, visit.tags) == ("They asked for a longer term.", "2026-01-02", {"shop"})
    assert visit.entities == {"customer": ("c1",)}
    with sqlite3.connect(tmp_path / "shop.sqlite") as base:
        base.execute("delete from visits")
        base.execute("insert into visits values ('2', 'c1', 'All is well.', '', '2026-03-04')")
    sync(config, store, _catalogue(), full=True)
    assert {d.document.doc_id for d in store.documents("shop")} == {"shop:visits/2", "shop:reviews/1"}


def test_tables_that_tower_yaml_names_stay_as_it_says(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.sqlite") as base:
        base.executescript(
            "create table reviews (id text primary key, body text, day text);"
            "insert into reviews values ('1', 'The zips are strong.', '2026-02-03');"
        )
    config = sources(tmp_path, 'shop: {kind: sql, url: "sqlite:///shop.sqlite", tables: {reviews: {key: id}}}')
    store = open_store(tmp_path)
    sync(config, store, _catalogue())
    assert list(store.documents("shop")) == []
