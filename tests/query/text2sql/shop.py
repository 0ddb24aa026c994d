"""A small shop, with its catalogue and its rows, for tests of the table planner."""

from __future__ import annotations

import datetime as dt
import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from index.catalogue.model import Catalogue, Column, ColumnType, Entity, Join, Metric, Role, Table, Term
from index.engine import open_engine
from index.scope import Scope
from index.sql import SqlDatabase
from query.text2sql.planner import TableQuestionPlanner

_SCRIPT = """
CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, city TEXT, segment TEXT, phone TEXT, joined_on TEXT,
  rep_id INTEGER);
INSERT INTO customers VALUES
  ('C1', 'Alder Sports', 'Oslo', 'Large', '1', '2023-02-01', 1), ('C2', 'Birch Bikes', 'Bergen', 'Small', NULL, '2024-05-01', 1),
  ('C3', 'Cedar Cycles', 'Oslo', 'Small', '3', '2025-07-01', 2), ('C4', 'Dogwood', 'Turku', 'Large', '4', '2025-08-01', 2);
CREATE TABLE reps (rep_id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, boss_id INTEGER);
INSERT INTO reps VALUES (1, 'Ada', 'Berg', NULL), (2, 'Bo', 'Dahl', 1);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id TEXT, order_date TEXT, shipped_on TEXT, ship_city TEXT);
INSERT INTO orders VALUES (1, 'C1', '2026-01-10', '2026-01-12', 'Oslo'), (2, 'C1', '2026-02-10', NULL, 'Bergen'),
  (3, 'C2', '2026-04-20', '2026-04-22', 'Oslo'), (4, 'C3', '2025-04-03', '2025-04-09', 'Oslo');
CREATE TABLE order_lines (line_id INTEGER PRIMARY KEY, order_id INTEGER, product_id INTEGER, quantity INTEGER, price REAL);
INSERT INTO order_lines VALUES (1, 1, 1, 2, 100), (2, 1, 2, 1, 20), (3, 2, 2, 5, 20), (4, 3, 1, 1, 100), (5, 4, 3, 4, 5);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, name TEXT, category TEXT, list_price REAL, discontinued INTEGER);
INSERT INTO products VALUES (1, 'Fjord Frame', 'Frames', 120, 0), (2, 'Tarn Tyre', 'Tyres', 25, 0), (3, 'Old Bell', 'Bells', 6, 1);
CREATE TABLE tickets (ticket_id INTEGER PRIMARY KEY, customer_id TEXT, status TEXT, opened_on TEXT);
INSERT INTO tickets VALUES (1, 'C1', 'Open', '2026-04-01'), (2, 'C1', 'Closed', '2026-01-01'), (3, 'C1', 'Open', '2026-05-01'),
  (4, 'C3', 'Closed', '2025-05-01');
"""  # noqa: E501


def _column(name: str, kind: ColumnType = "text", role: Role = "dimension", **more: object) -> Column:
    return Column(name, kind, name.replace("_", " "), role=role, **more)  # type: ignore[arg-type]


CATALOGUE = Catalogue(
    tables=(
        Table(
            "customers",
            "Customers",
            (
                _column("customer_id", role="key"),
                _column("name", role="name"),
                _column("city"),
                _column("segment", values=("Large", "Small"), value_synonyms={"Large": ("big",)}),
                _column("phone", role="text"),
                _column("joined_on", "date", "time"),
                _column("rep_id", "integer", "reference"),
            ),
            synonyms=("client",),
            key=("customer_id",),
            name_column="name",
            time_column="joined_on",
        ),
        Table(
            "reps",
            "Sales reps",
            (
                _column("rep_id", "integer", "key"),
                _column("first_name"),
                _column("last_name"),
                Column("boss_id", "integer", "boss", role="reference", synonyms=("reports to",)),
            ),
            key=("rep_id",),
        ),
        Table(
            "orders",
            "Orders",
            (
                _column("order_id", "integer", "key"),
                _column("customer_id", role="reference"),
                _column("order_date", "date", "time"),
                _column("shipped_on", "date", "time"),
                _column("ship_city"),
            ),
            key=("order_id",),
            time_column="order_date",
        ),
        Table(
            "order_lines",
            "Order lines",
            (
                _column("line_id", "integer", "key"),
                _column("order_id", "integer", "reference"),
                _column("product_id", "integer", "reference"),
                _column("quantity", "integer", "measure"),
                _column("price", "number", "measure"),
            ),
            key=("line_id",),
        ),
        Table(
            "products",
            "Products",
            (
                _column("product_id", "integer", "key"),
                _column("name", role="name"),
                _column("category"),
                _column("list_price", "number", "measure"),
                _column("discontinued", "boolean", "flag"),
            ),
            key=("product_id",),
            name_column="name",
        ),
        Table(
            "tickets",
            "Tickets",
            (
                _column("ticket_id", "integer", "key"),
                _column("customer_id", role="reference"),
                _column("status", values=("Open", "Closed")),
                _column("opened_on", "date", "time"),
            ),
            key=("ticket_id",),
            time_column="opened_on",
        ),
    ),
    joins=(
        Join("customers", ("rep_id",), "reps", ("rep_id",)),
        Join("reps", ("boss_id",), "reps", ("rep_id",)),
        Join("orders", ("customer_id",), "customers", ("customer_id",)),
        Join("order_lines", ("order_id",), "orders", ("order_id",)),
        Join("order_lines", ("product_id",), "products", ("product_id",)),
        Join("tickets", ("customer_id",), "customers", ("customer_id",)),
    ),
    metrics=(
        Metric("revenue", "Revenue", "order_lines", "SUM(quantity * price)", "orders.order_date", synonyms=("sales",)),
    ),
    terms=(Term("open ticket", "tickets", "status = 'Open'", ("unsolved ticket",)),),
    entities=(Entity("customer", "customers", "customer_id", "name"),),
    today=dt.date(2026, 5, 15),
    vocabulary={"turnover": "revenue"},
)


@cache
def _home() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    with sqlite3.connect(Path(folder.name) / "shop.sqlite") as connection:
        connection.executescript(_SCRIPT)
    return folder


@cache
def database() -> SqlDatabase:
    """The shop's rows, behind the reader that the service uses."""
    return SqlDatabase(open_engine(f"sqlite:///{_home().name}/shop.sqlite", read_only=True))


@cache
def planner() -> TableQuestionPlanner:
    """A planner that sees everything."""
    return TableQuestionPlanner(CATALOGUE, database(), everything())


def everything() -> Scope:
    """The administrator's scope."""
    return Scope.administrator(CATALOGUE, frozenset())
