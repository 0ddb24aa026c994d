"""The catalogue's YAML: reading, checking, writing, and comparing it with the data."""

from __future__ import annotations

import copy
import datetime as dt
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from index.catalogue.file import check_against, dump_catalogue, enrich, load_catalogue, parse_catalogue, read_yaml
from index.catalogue.model import Catalogue
from index.drafting.read import database_schema
from index.engine import open_engine
from index.errors import CatalogueError, NotFoundError
from index.scope import Principal, Scope, TableScope
from index.sql import SqlDatabase

ROOT = Path(__file__).parents[3]
EXAMPLE = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/catalogue.md").read_text("utf-8"), re.DOTALL)[0]


@pytest.fixture
def mapping() -> dict[str, Any]:
    return copy.deepcopy(read_yaml(EXAMPLE))


def test_the_example_of_the_documentation_loads() -> None:
    catalogue = parse_catalogue(read_yaml(EXAMPLE))
    assert catalogue.today == dt.date(2026, 3, 31)
    assert [t.name for t in catalogue] == ["customers", "orders"]
    orders = catalogue.table("orders")
    assert orders is not None and orders.key == ("order_id",)
    placed, customer = orders.column("placed_on"), orders.column("customer_id")
    assert placed is not None and placed.type == "date" and placed.label == "placed on"
    assert customer is not None and customer.role == "reference"
    assert catalogue.joins[0].right_columns == ("customer_id",)
    entity = catalogue.entity("customer")
    assert entity is not None and entity.fact(entity.contact) is not None
    assert catalogue.scores[0].features[0].direction == -1


def test_the_documentation_names_every_key() -> None:
    text = (ROOT / "docs/catalogue.md").read_text("utf-8")
    from dataclasses import fields

    from index.catalogue.model import Column, Entity, Feature, Metric, Score, Table, Term

    for kind in (Catalogue, Table, Column, Metric, Term, Entity, Score, Feature):
        for spec in (spec for spec in fields(kind) if spec.compare):  # the others are not written in the file
            assert spec.name == "name" or spec.name in text, f"{kind.__name__}.{spec.name}"


def test_what_is_written_reads_back_equal() -> None:
    first = parse_catalogue(read_yaml(EXAMPLE))
    text = dump_catalogue(first)
    assert parse_catalogue(read_yaml(text)) == first
    assert dump_catalogue(parse_catalogue(read_yaml(text))) == text


def test_a_score_of_one_table_is_short_for_its_columns_and_everybody() -> None:
    mapping = read_yaml(EXAMPLE)
    mapping["scores"]["lapse"] = {
        "entity": "customer", "outcome": "SELECT customer_id, 1 FROM customers",
        "columns": ["country"], "features": {"land": {"column": "country", "label": "{value} is where it is"}},
    }  # fmt: skip
    score = parse_catalogue(mapping).scores[0]
    assert score.population == 'SELECT "customer_id" FROM "customers"'
    assert [(f.name, f.kind, f.direction, f.sql) for f in score.features] == [
        (name, "category", 0, 'SELECT "customer_id", "country" FROM "customers"') for name in ("country", "land")
    ]
    assert [f.label for f in score.features] == ["country is {value}", "{value} is where it is"]
    written = dump_catalogue(parse_catalogue(mapping))
    assert parse_catalogue(read_yaml(written)).scores[0] == score


def test_values_of_people_are_not_written() -> None:
    mapping = read_yaml(EXAMPLE)
    mapping["tables"]["customers"]["columns"]["email"]["values"] = ["ann@example.org"]
    assert "ann@example.org" not in dump_catalogue(parse_catalogue(mapping))


WRONG: list[tuple[str, Any, str]] = [
    ("tables.orders.columns.total.type", "numbr", "tables.orders.columns.total.type: 'numbr' is not one of"),
    ("tables.orders.columns.total.role", "measures", "tables.orders.columns.total.role"),
    ("tables.orders.columns.total.colour", "red", "tables.orders.columns.total.colour: is not known"),
    ("tables.orders.columns.total.synonyms", [True], "put it in quotes"),
    ("tables.orders.columns.total", None, "tables.orders.columns.total must be a mapping"),
    ("tables.orders.columns", {}, "at least one column"),
    ("tables.orders.key", "order_number", "tables.orders.key: there is no column in orders 'order_number'"),
    ("tables.orders.name_column", "nme", "tables.orders.name_column"),
    ("tables.orders.rows", "many", "tables.orders.rows: must be a whole number"),
    ("tables.ORDERS", {"columns": {"a": "text"}}, "two tables of this name"),
    ("tables._tower_x", {"columns": {"a": "text"}}, "Tower's own"),
    ("tables", {}, "at least one table"),
    ("tabels", {}, "did you mean 'tables'?"),
    ("today", "31.03.2026", "today: '31.03.2026' is not a date"),
    ("fiscal_year_start", 13, "between 1 and 12"),
    ("joins", {"from": "a.b"}, "joins: must be a list"),
    ("joins", [{"from": "orders.customer_id", "to": "customer.customer_id"}], "did you mean 'customers'?"),
    ("joins", [{"from": "orders.client_id", "to": "customers.customer_id"}], "joins[0].from"),
    ("joins", [{"from": "orders", "to": "customers.customer_id"}], 'write it as "table.column"'),
    ("joins", [{"from": ["orders.customer_id", "orders.order_id"], "to": "customers.customer_id"}], "cannot join"),
    ("metrics.revenue.sql", "SUM(totl)", "metrics.revenue.sql: there is no column 'totl'"),
    ("metrics.revenue.sql", "total", "a metric is an aggregate"),
    ("metrics.revenue.sql", "SUM(total), 1", "a metric is one expression"),
    ("metrics.revenue.sql", "SUM(total", "metrics.revenue.sql: the SQL does not parse"),
    ("metrics.revenue.sql", "SUM(total) FROM orders; DROP TABLE orders --", "metrics.revenue.sql"),
    ("metrics.revenue.table", "order", "did you mean 'orders'?"),
    ("metrics.revenue.time", "orders.placed", "metrics.revenue.time"),
    ("metrics.revenue.table", None, "metrics.revenue.table: is missing"),
    ("terms.returned order.where", "state = 'returned'", "terms.returned order.where: there is no column 'state'"),
    ("entities.customer.table", "people", "entities.customer.table: there is no table 'people'"),
    ("entities.customer.key", "id", "entities.customer.key"),
    ("entities.customer.contact", "conact", "did you mean 'contact'?"),
    ("entities.customer.facts.contact", "SELECT * FROM staff", "entities.customer.facts.contact.sql"),
    ("entities.customer.facts.contact", "DELETE FROM customers", "only a SELECT"),
    ("scores.lapse.entity", "costumer", "did you mean 'customer'?"),
    ("scores.lapse.event", "SELECT customer_id FROM orders", "selects 1 columns; it must select 2"),
    ("scores.lapse.features", {}, "at least one feature"),
    ("scores.lapse.features.orders_90d.sql", "SELECT 1 FROM orders", "it must select 2"),
    ("scores.lapse.features.orders_90d.direction", 2, "between -1 and 1"),
    ("scores.lapse.features.orders_90d.kind", "category", "a category has none"),
    ("scores.lapse.outcome", "SELECT customer_id, 1 FROM customers", "is given beside an outcome"),
    ("scores.lapse.columns", ["countri"], "there is no column 'countri' of the customer"),
    ("scores.lapse.threshold", 1.5, "between 0 and 1"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=[f"{p} {v!r}"[:60] for p, v, _ in WRONG])
def test_a_mistake_is_an_error_that_names_its_place(
    path: str, value: Any, message: str, mapping: dict[str, Any]
) -> None:
    *parents, last = path.split(".")
    node = mapping
    for name in parents:
        if isinstance(node[name], str):
            node[name] = {"type": node[name]}
        node = node[name]
    node[last] = value
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(mapping, "catalogue.yaml")
    assert message in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.message.startswith("catalogue.yaml: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tables: [", "is not YAML: line"),
        ("tables:\n  a: {columns: {x: text}}\n  a: {columns: {y: text}}\n", "'a' is written twice"),
        ("- 1\n", "must be a mapping"),
        ("", "at least one table"),
        ("tables:\n  a:\n    columns:\n      7: text\n", "put the name in quotes"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_file_that_is_no_catalogue_is_a_clear_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert message in f"{caught.value.message} {caught.value.hint}"


def test_the_words_no_and_on_are_words() -> None:
    catalogue = parse_catalogue(read_yaml("tables: {t: {columns: {no: {type: text, values: [NO, on, yes, y]}}}}"))
    assert catalogue.tables[0].columns[0].values == ("NO", "on", "yes", "y")
    assert parse_catalogue(read_yaml(dump_catalogue(catalogue))) == catalogue


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        load_catalogue(tmp_path / "catalogue.yaml")
    assert "tower init" in caught.value.hint
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError):
        load_catalogue(tmp_path / "binary.yaml")


@pytest.fixture
def database(tmp_path: Path) -> SqlDatabase:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, email TEXT, country TEXT, _key TEXT);"
            "CREATE TABLE orders (order_id INTEGER, customer_id TEXT, placed_on TEXT, status TEXT, total REAL);"
            "CREATE TABLE staff (name TEXT);"
            "INSERT INTO customers VALUES ('C1', 'Ann', 'ann@example.org', 'DE', 'k'), ('C2', 'Bo', NULL, 'NO', 'k');"
            "INSERT INTO orders VALUES (1, 'C1', '2026-01-02', 'open', 5), (2, 'C2', '2026-03-04', 'odd', 7.5);"
        )
    return SqlDatabase(open_engine(f"sqlite:///{path}", read_only=True))


def test_values_and_ranges_are_filled_from_the_data(database: SqlDatabase) -> None:
    catalogue = parse_catalogue(read_yaml(EXAMPLE))
    filled = enrich(catalogue, database, Scope.administrator(catalogue, frozenset()))
    customers, orders = filled.table("customers"), filled.table("orders")
    assert customers is not None and orders is not None
    assert (customers.rows, orders.rows) == (2, 2)
    country, status, placed = customers.column("country"), orders.column("status"), orders.column("placed_on")
    assert country is not None and country.values == ("DE", "NO")
    assert status is not None and status.values == ("open", "shipped", "returned"), "what the file says stays"
    assert placed is not None and (placed.minimum, placed.maximum) == ("2026-01-02", "2026-03-04")


def test_values_are_read_within_the_scope(database: SqlDatabase) -> None:
    catalogue = parse_catalogue(read_yaml(EXAMPLE))
    shown = TableScope({"customer_id": "visible", "country": "visible", "name": "masked"}, "country = 'NO'")
    filled = enrich(catalogue, database, Scope(Principal("eve"), {"customers": shown}, frozenset()))
    customers, orders = filled.table("customers"), filled.table("orders")
    assert customers is not None and orders is not None
    assert customers.rows == 1 and orders.rows == 0
    country, name = customers.column("country"), customers.column("name")
    assert country is not None and country.values == ("NO",)
    assert name is not None and name.values == ()


def test_a_difference_between_catalogue_and_database_is_told(database: SqlDatabase) -> None:
    mapping = read_yaml(EXAMPLE)
    mapping["tables"]["customers"]["columns"]["contry"] = "text"
    mapping["tables"]["invoices"] = {"columns": {"id": "integer"}}
    del mapping["tables"]["orders"]["columns"]["status"]
    for part in ("terms", "scores"):
        del mapping[part]
    problems = check_against(parse_catalogue(mapping), database_schema(database.engine))
    found = {(p.level, p.path) for p in problems}
    assert found == {
        ("error", "tables.customers.columns.contry"),
        ("error", "tables.invoices"),
        ("hidden", "tables.orders.columns.status"),
        ("hidden", "tables.staff"),
    }
    assert next(p for p in problems if p.path.endswith("contry")).hint == "did you mean 'country'?"
