"""Drafting a catalogue by introspection: types from values, keys, joins, roles, labels, values, guesses."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from index.catalogue.file import dump_catalogue, parse_catalogue, read_yaml
from index.catalogue.model import Catalogue, Column, Join, Table
from index.drafting.draft import draft_catalogue
from index.drafting.read import database_schema
from index.engine import open_engine
from index.errors import NotFoundError, StorageError
from index.store.store import Store
from tests.index.evals import REASON, TEXT2SQL

SHOP = """
CREATE TABLE customer (CustomerID INTEGER PRIMARY KEY, CompanyName TEXT, ContactEmail TEXT, gender CHAR(1),
  newsletter TEXT, password TEXT, picture BLOB);
INSERT INTO customer VALUES (1, 'Ann & Co', 'ann@x.org', 'F', 'Y', 'hunter2', x'00ff'),
  (2, 'Bo Ltd', 'bo@x.org', 'M', 'N', 'hunter3', NULL), (3, 'Cy AG', NULL, 'M', 'Y', NULL, NULL);
CREATE TABLE employees (emp_no INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, birth_date DATE, hire_date DATE,
  reports_to INTEGER, salary NUMERIC);
INSERT INTO employees VALUES (1, 'Eve', 'Adams', '1980-02-03', '2020-01-01', NULL, 100), (2, 'Kim', 'Baker',
  '1985-05-06', '2021-01-01', 1, 90);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customerid INTEGER, seller_emp_no INTEGER, order_date, shipped TEXT,
  note TEXT, paid BOOLEAN);
INSERT INTO orders VALUES (10, 1, 1, '2026-01-05', '2026-01-06 10:00:00', 'x', 1),
  (11, 2, 2, '2026-02-05', NULL, 'y', 0), (12, 3, 2, '2026-03-05', NULL, NULL, 1);
CREATE TABLE "Order Details" (order_id INTEGER, sku TEXT, quantity INTEGER, unit_price NUMERIC, discount REAL);
INSERT INTO "Order Details" VALUES (10, 'A1', 2, 9.5, 0), (11, 'B2', 1, 20, 0.1), (12, 'A1', 3, 9.5, 0);
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT, list_prc REAL, launched TEXT);
INSERT INTO products VALUES ('A1', 'Tent', 10, '2020'), ('B2', 'Rope', 22, '2021');
CREATE TABLE empty_one (a_id INTEGER, b TEXT, c BLOB, d TIMESTAMP);
CREATE VIEW totals AS SELECT order_id, sum(quantity * unit_price) AS total FROM "Order Details" GROUP BY 1;
CREATE TABLE _tower_meta (name TEXT, value TEXT);
"""


def engine(path: Path, script: str) -> Engine:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    return open_engine(f"sqlite:///{path}", read_only=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return draft_catalogue(engine(tmp_path_factory.mktemp("shop") / "shop.sqlite", SHOP))


def table(catalogue: Catalogue, name: str) -> Table:
    found = catalogue.table(name)
    assert found is not None
    return found


def column(catalogue: Catalogue, place: str) -> Column:
    name, _, last = place.rpartition(".")
    found = table(catalogue, name).column(last)
    assert found is not None, place
    return found


def test_system_tables_views_and_binary_columns_are_left_out(shop: Catalogue) -> None:
    names = ["customer", "employees", "orders", "Order Details", "products", "empty_one"]
    assert [t.name for t in shop] == names
    assert table(shop, "customer").column("picture") is None
    assert table(shop, "empty_one").column("c") is None


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("orders.order_date", "date"),
        ("orders.shipped", "datetime"),
        ("orders.paid", "boolean"),
        ("Order Details.unit_price", "number"),
        ("Order Details.quantity", "integer"),
        ("products.launched", "text"),
        ("empty_one.d", "datetime"),
    ],
)
def test_types_come_from_the_values(shop: Catalogue, place: str, kind: str) -> None:
    assert column(shop, place).type == kind


@pytest.mark.parametrize(
    ("place", "role"),
    [
        ("customer.CustomerID", "key"),
        ("customer.CompanyName", "name"),
        ("customer.ContactEmail", "email"),
        ("customer.newsletter", "flag"),
        ("employees.last_name", "name"),
        ("employees.first_name", "name"),
        ("employees.salary", "measure"),
        ("orders.customerid", "reference"),
        ("orders.order_date", "time"),
        ("orders.paid", "flag"),
        ("Order Details.quantity", "measure"),
    ],
)
def test_roles_come_from_names_and_values(shop: Catalogue, place: str, role: str) -> None:
    assert column(shop, place).role == role


def test_keys_names_and_times_of_tables(shop: Catalogue) -> None:
    def facts(name: str) -> tuple[object, ...]:
        found = table(shop, name)
        return found.key, found.name_column, found.time_column, found.rows

    assert facts("customer") == (("CustomerID",), "CompanyName", None, 3)
    assert facts("employees") == (("emp_no",), "last_name", "hire_date", 2)
    assert facts("orders") == (("id",), None, "order_date", 3)
    assert facts("empty_one") == ((), None, "d", 0)


def test_joins_are_inferred_from_names_and_values(shop: Catalogue) -> None:
    assert set(shop.joins) == {
        Join("orders", ("customerid",), "customer", ("CustomerID",)),
        Join("orders", ("seller_emp_no",), "employees", ("emp_no",)),
        Join("employees", ("reports_to",), "employees", ("emp_no",)),
        Join("Order Details", ("order_id",), "orders", ("id",)),
        Join("Order Details", ("sku",), "products", ("sku",)),
    }


def test_a_name_alone_makes_no_join_where_the_values_say_otherwise(tmp_path: Path) -> None:
    script = (
        "CREATE TABLE team (team_id INTEGER PRIMARY KEY, name TEXT); INSERT INTO team VALUES (1, 'a'), (2, 'b');"
        "CREATE TABLE game (id INTEGER PRIMARY KEY, team_id INTEGER); INSERT INTO game VALUES (1, 70), (2, 80);"
    )
    assert draft_catalogue(engine(tmp_path / "x.sqlite", script)).joins == ()


def test_a_declared_join_needs_columns_that_exist(tmp_path: Path) -> None:
    script = (
        "CREATE TABLE a (x INTEGER PRIMARY KEY, y INTEGER REFERENCES gone (z), w INTEGER REFERENCES b);"
        "CREATE TABLE b (k INTEGER PRIMARY KEY, v TEXT, FOREIGN KEY (v) REFERENCES a (nope));"
    )
    assert draft_catalogue(engine(tmp_path / "x.sqlite", script)).joins == (Join("a", ("w",), "b", ("k",)),)


def test_values_ranges_and_their_synonyms(shop: Catalogue) -> None:
    gender = column(shop, "customer.gender")
    assert gender.values == ("F", "M") and "female" in gender.value_synonyms["F"]
    assert column(shop, "Order Details.sku").values == ("A1", "B2")
    assert (column(shop, "orders.order_date").minimum, column(shop, "orders.order_date").maximum) == (
        "2026-01-05",
        "2026-03-05",
    )


def test_a_secret_column_shows_neither_values_nor_range(shop: Catalogue) -> None:
    password, salary = column(shop, "customer.password"), column(shop, "employees.salary")
    assert password.sensitivity == salary.sensitivity == "secret"
    assert (password.values, salary.minimum, salary.maximum) == ((), None, None)
    assert column(shop, "customer.ContactEmail").sensitivity == "personal"
    assert column(shop, "employees.birth_date").sensitivity == "personal"
    assert "hunter" not in dump_catalogue(shop) and "ann@x.org" not in dump_catalogue(shop)


def test_entities_and_metrics_are_guessed(shop: Catalogue) -> None:
    assert {e.name: (e.table, e.key, e.name_column) for e in shop.entities} == {
        "customer": ("customer", "CustomerID", "CompanyName"),
        "employee": ("employees", "emp_no", "last_name"),
        "product": ("products", "sku", "name"),
    }
    revenue = next(m for m in shop.metrics if m.name == "revenue")
    assert revenue.sql == 'SUM("unit_price" * "quantity" * (1 - "discount"))'
    assert revenue.time == "orders.order_date" and "sales" in revenue.synonyms


def test_whom_to_write_to_is_drafted_from_a_table_of_contacts_or_the_own_address(tmp_path: Path) -> None:
    script = """
        CREATE TABLE clients (client_id TEXT PRIMARY KEY, name TEXT, email TEXT);
        INSERT INTO clients VALUES ('C1', 'Nordwerk', 'info@nordwerk.example'), ('C2', 'Alma', 'hi@alma.example');
        CREATE TABLE orders (order_id TEXT PRIMARY KEY, client_id TEXT REFERENCES clients (client_id), amount REAL);
        INSERT INTO orders VALUES ('O1', 'C1', 5.5), ('O2', 'C2', 7);
    """
    people = """
        CREATE TABLE contacts (contact_id TEXT PRIMARY KEY, client_id TEXT REFERENCES clients (client_id), name TEXT,
            email TEXT);
        INSERT INTO contacts VALUES ('P1', 'C1', 'Ann Berg', 'ann@nordwerk.example'),
            ('P2', 'C2', 'Bo Dahl', 'bo@alma.example');
    """
    for number, (more, read) in enumerate([("", '"email" AS email FROM "clients"'), (people, 'FROM "contacts"')]):
        path = tmp_path / f"{number}.sqlite"
        with sqlite3.connect(path) as connection:
            connection.executescript(script + more)
        catalogue = draft_catalogue(open_engine(f"sqlite:///{path}", read_only=True))
        client = catalogue.entity("client")
        assert client is not None and client.contact == "contact"
        contact = client.fact("contact")
        assert contact is not None and read in contact.sql
        assert parse_catalogue(read_yaml(dump_catalogue(catalogue))).entity("client") == client


def test_a_draft_is_a_catalogue_that_holds(shop: Catalogue) -> None:
    read = parse_catalogue(read_yaml(dump_catalogue(shop)))
    assert [t.name for t in read] == [t.name for t in shop] and read.joins == shop.joins


def test_labels_drop_what_every_name_of_a_database_starts_with(tmp_path: Path) -> None:
    script = (
        "CREATE TABLE sbCustomer (sbCustId TEXT PRIMARY KEY, sbCustName TEXT);"
        "CREATE TABLE sbTicker (sbTickerId TEXT PRIMARY KEY);"
        "CREATE TABLE sbDailyPrice (sbDpTickerId TEXT, sbDpDate DATE, sbDpClose NUMERIC);"
    )
    catalogue = draft_catalogue(engine(tmp_path / "x.sqlite", script))
    assert [t.label for t in catalogue] == ["customer", "ticker", "daily price"]
    assert column(catalogue, "sbCustomer.sbCustName").label == "customer name"
    assert column(catalogue, "sbDailyPrice.sbDpClose").label == "close"


def test_tables_can_be_chosen_and_a_view_named(tmp_path: Path) -> None:
    opened = engine(tmp_path / "shop.sqlite", SHOP)
    assert [t.name for t in draft_catalogue(opened, tables=["Totals", "ORDERS"])] == ["totals", "orders"]
    with pytest.raises(NotFoundError, match="ordrs"):
        draft_catalogue(opened, tables=["ordrs"])
    assert database_schema(opened)["totals"] == ("order_id", "total")


def test_a_database_of_views_only_is_drafted_from_them(tmp_path: Path) -> None:
    opened = engine(tmp_path / "x.sqlite", "CREATE VIEW v AS SELECT 1 AS one_id, 'x' AS name")
    assert [t.name for t in draft_catalogue(opened)] == ["v"]


def test_an_empty_database_and_a_file_that_is_none_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no table"):
        draft_catalogue(engine(tmp_path / "x.sqlite", ""))
    (tmp_path / "y.sqlite").write_bytes(b"nothing like a database " * 50)
    with pytest.raises(StorageError):
        draft_catalogue(open_engine(f"sqlite:///{tmp_path / 'y.sqlite'}", read_only=True))


def test_odd_names_types_and_text_do_not_stop_it(tmp_path: Path) -> None:
    script = (
        'CREATE TABLE "select" ("from" , "a""b" WEIRD(3), "100%" TEXT, "é ü" TEXT);'
        "INSERT INTO \"select\" VALUES (1, 'x', CAST(x'ff' AS TEXT), NULL), ('two', 2.5, '%', 'ä');"
        'CREATE TABLE "it\'s" (id INTEGER);'
    )
    catalogue = draft_catalogue(engine(tmp_path / "x.sqlite", script))
    assert [t.name for t in catalogue] == ["select", "it's"]
    assert column(catalogue, "select.from").type == "text"


def test_our_own_tables_keep_their_types_keys_and_source(tmp_path: Path) -> None:
    opened = open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}")
    Store(opened).create()
    with opened.begin() as connection:
        connection.exec_driver_sql(
            'INSERT INTO _tower_meta VALUES (\'table:tickets\', \'{"name": "tickets", "source": "support",'
            ' "columns": [["ticket_id", "text"], ["amount", "number"]], "key": ["ticket_id"]}\')'
        )
        connection.exec_driver_sql(
            "CREATE TABLE tickets (_key TEXT PRIMARY KEY, _hash TEXT, _origin TEXT, ticket_id TEXT, amount FLOAT)"
        )
    drafted = draft_catalogue(opened, keys={"tickets": ("ticket_id",)}).tables[0]
    assert [c.name for c in drafted.columns] == ["ticket_id", "amount"]
    assert drafted.key == ("ticket_id",)


@pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
def test_northwind_is_drafted_within_a_second_of_one_core() -> None:
    assert TEXT2SQL is not None
    opened = open_engine(f"sqlite:///{TEXT2SQL / 'northwind/northwind.sqlite'}", read_only=True)
    draft_catalogue(opened)  # what is imported at the first call does not count
    started = time.process_time()
    catalogue = draft_catalogue(opened)
    assert time.process_time() - started < 1
    assert Join("Orders", ("ShipVia",), "Shippers", ("ShipperID",)) in catalogue.joins
    assert catalogue.metrics[0].time == "Orders.OrderDate"
    assert {"customer", "employee", "product", "supplier"} <= {e.name for e in catalogue.entities}


@pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
def test_every_public_database_is_drafted_and_its_draft_holds() -> None:
    assert TEXT2SQL is not None
    paths = sorted(TEXT2SQL.glob("spider_train/database/*/*.sqlite")) + sorted(TEXT2SQL.glob("defog/database/*.sqlite"))
    for path in paths[::4]:
        catalogue = draft_catalogue(open_engine(f"sqlite:///{path}", read_only=True))
        parse_catalogue(read_yaml(dump_catalogue(catalogue)), path.name)


_SHORT = """
CREATE TABLE author (aid INTEGER, name TEXT, oid INTEGER);
INSERT INTO author VALUES (1, 'Ann', 7), (2, 'Bo', 7), (3, 'Cy', 8);
CREATE TABLE organization (oid INTEGER, name TEXT);
INSERT INTO organization VALUES (7, 'Uni'), (8, 'Lab');
CREATE TABLE writes (aid INTEGER, pid INTEGER);
INSERT INTO writes VALUES (1, 5), (1, 6), (2, 5);
CREATE TABLE publication (pid INTEGER, title TEXT, num_authors INTEGER, praised_by_authors INTEGER, city_name TEXT);
INSERT INTO publication VALUES (5, 'On rope', 1, 2, 'Oslo'), (6, 'On rock', 2, 3, 'Oslo'), (9, 'On ice', 1, 1, 'Turku');
CREATE TABLE place (city_name TEXT, region TEXT);
INSERT INTO place VALUES ('Oslo', 'East'), ('Turku', 'West');
"""


def _drafted(folder: Path, script: str) -> Catalogue:
    path = folder / "short.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    return draft_catalogue(open_engine(f"sqlite:///{path}", read_only=True))


def test_abbreviated_keys_join_the_tables_that_share_them(tmp_path: Path) -> None:
    joins = set(_drafted(tmp_path, _SHORT).joins)
    assert Join("writes", ("aid",), "author", ("aid",)) in joins
    assert Join("writes", ("pid",), "publication", ("pid",)) in joins
    assert Join("author", ("oid",), "organization", ("oid",)) in joins


def test_a_shared_name_that_one_table_lists_once_joins_to_it(tmp_path: Path) -> None:
    assert Join("publication", ("city_name",), "place", ("city_name",)) in _drafted(tmp_path, _SHORT).joins


def test_a_number_of_things_refers_to_none_of_them(tmp_path: Path) -> None:
    columns = {c for join in _drafted(tmp_path, _SHORT).joins for c in join.left_columns}
    assert not columns & {"num_authors", "praised_by_authors"}


def test_a_prefix_of_all_columns_is_no_part_of_their_names(tmp_path: Path) -> None:
    drafted = _drafted(
        tmp_path,
        "CREATE TABLE Customer (CustId TEXT, CustName TEXT); INSERT INTO Customer VALUES ('C1', 'Ann'), ('C2', 'Bo');"
        "CREATE TABLE Sale (TxId TEXT, TxCustId TEXT, TxPrice REAL);"
        "INSERT INTO Sale VALUES ('T1', 'C1', 1.5), ('T2', 'C1', 2), ('T3', 'C2', 3);",
    )
    assert Join("Sale", ("TxCustId",), "Customer", ("CustId",)) in drafted.joins


def test_a_column_joins_the_only_table_whose_large_keys_hold_all_its_values(tmp_path: Path) -> None:
    script = """CREATE TABLE teachers (tid INTEGER PRIMARY KEY, surname TEXT);
    INSERT INTO teachers VALUES (1121, 'a'), (1148, 'b'), (1177, 'c'), (1193, 'd');
    CREATE TABLE pupils (pupil_no INTEGER PRIMARY KEY, mentor INTEGER, siblings INTEGER);
    INSERT INTO pupils VALUES (1, 1121, 1), (2, 1148, 2), (3, 1177, 3), (4, 1177, 1);"""
    joins = draft_catalogue(engine(tmp_path / "s.sqlite", script)).joins
    assert joins == (Join("pupils", ("mentor",), "teachers", ("tid",)),)


def test_tables_that_nothing_connects_meet_in_a_column_they_share(tmp_path: Path) -> None:
    script = """CREATE TABLE teachers (surname TEXT, forename TEXT, studio INTEGER, PRIMARY KEY (surname, forename));
    INSERT INTO teachers VALUES ('a', 'x', 101), ('b', 'x', 102), ('c', 'y', 103), ('d', 'z', 104);
    CREATE TABLE pupils (surname TEXT, forename TEXT, studio INTEGER, PRIMARY KEY (surname, forename));
    INSERT INTO pupils VALUES ('e', 'x', 101), ('f', 'x', 101), ('g', 'y', 102), ('h', 'z', 103), ('i', 'w', 104);"""
    joins = draft_catalogue(engine(tmp_path / "s.sqlite", script)).joins
    assert joins == (Join("pupils", ("studio",), "teachers", ("studio",)),)


def test_a_reference_to_its_own_table_named_like_another_key_is_a_slip(tmp_path: Path) -> None:
    script = """CREATE TABLE play (play_id INTEGER PRIMARY KEY, title TEXT);
    INSERT INTO play VALUES (1, 'a'), (2, 'b');
    CREATE TABLE player (player_id INTEGER PRIMARY KEY, play_id INTEGER REFERENCES player (player_id));
    INSERT INTO player VALUES (1, 1), (2, 2), (3, 2);"""
    joins = draft_catalogue(engine(tmp_path / "s.sqlite", script)).joins
    assert joins == (Join("player", ("play_id",), "play", ("play_id",)),)


def test_names_of_persons_are_told_by_their_values() -> None:
    from index.drafting.columns import reads_like_persons

    assert reads_like_persons(["Tiger Woods", "Sergio García", "K. J. Choi", "Nick Faldo"])
    assert not reads_like_persons(["New York", "Alder Sports", "Red Wine", "Blue Note"])
    assert not reads_like_persons(["Paris", "Rome", "Oslo"])
    assert not reads_like_persons([])


def test_a_schema_is_part_of_a_label_only_where_it_tells_tables_apart() -> None:
    from index.drafting.labels import Labels
    from index.drafting.read import RawColumn, RawTable

    tables = [
        RawTable(name, [RawColumn("id", "INTEGER")], schema=name.rpartition(".")[0])
        for name in ("customers", "sales.order", "hr.staff", "old.staff")
    ]
    labels = Labels(tables)
    assert [" ".join(labels.table_words(t)) for t in tables] == ["customers", "order", "hr staff", "old staff"]


def test_the_only_total_of_what_is_sold_is_revenue(tmp_path: Path) -> None:
    path = tmp_path / "sold.sqlite"
    with sqlite3.connect(path) as base:
        base.executescript(
            "create table orders (order_id integer primary key, order_date date, total real);"
            "create table refunds (refund_id integer primary key, amount real);"
            "insert into orders values (1, '2026-01-02', 10.5), (2, '2026-01-03', 20.25);"
            "insert into refunds values (1, 3.5), (2, 4.5);"
        )
    metrics = {m.name: m for m in draft_catalogue(open_engine(f"sqlite:///{path}")).metrics}
    assert [name for name, metric in metrics.items() if "revenue" in metric.synonyms] == ["total of orders"]
    with sqlite3.connect(path) as base:
        base.execute("alter table orders add column amount real")
        base.execute("update orders set amount = total * 1.5")
    two = draft_catalogue(open_engine(f"sqlite:///{path}")).metrics
    assert not any("revenue" in metric.synonyms for metric in two)
