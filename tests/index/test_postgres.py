"""What stands under the guard on PostgreSQL: one statement, a read-only transaction, a time limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlDatabase
from scripts.scratch_postgres import ScratchServer

SCRIPT = "CREATE TABLE n (x int PRIMARY KEY); INSERT INTO n SELECT generate_series(1, 3000);"


@pytest.fixture(scope="module")
def database(postgres: ScratchServer) -> Iterator[SqlDatabase]:
    engine = open_engine(postgres.database("small", SCRIPT), read_only=True)
    yield SqlDatabase(engine, timeout_s=0.5)
    engine.dispose()


def test_several_statements_in_one_text_are_refused_by_the_server_itself(database: SqlDatabase) -> None:
    with database.engine.connect() as connection, pytest.raises(SQLAlchemyError, match="multiple commands"):
        connection.exec_driver_sql("SELECT 1; DROP TABLE n")


def test_a_query_that_takes_too_long_is_stopped(database: SqlDatabase) -> None:
    catalogue = draft_catalogue(database.engine)
    sql = "SELECT COUNT(*) FROM n a, n b, n c WHERE a.x + b.x > c.x"
    query = guard(sql, catalogue, Scope.administrator(catalogue, frozenset()), dialect="postgres")
    with pytest.raises(SqlRejected, match=r"longer than 0\.5 s"):
        database.read(query)


def test_a_read_runs_in_a_transaction_that_cannot_write(database: SqlDatabase) -> None:
    catalogue = draft_catalogue(database.engine)
    seen: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    query = guard("SELECT MAX(x) FROM n", catalogue, Scope.administrator(catalogue, frozenset()), dialect="postgres")
    assert database.read(query).rows == ((3000,),)
    assert seen[0] == "SET TRANSACTION READ ONLY"
    assert seen[1].startswith("SET LOCAL statement_timeout")


def test_the_engine_says_what_it_would_not_run(database: SqlDatabase) -> None:
    catalogue = draft_catalogue(database.engine)
    scope = Scope.administrator(catalogue, frozenset())
    assert database.accepts(guard("SELECT x FROM n", catalogue, scope, dialect="postgres"))
    assert not database.accepts(guard("SELECT x FROM n WHERE x = 'a'", catalogue, scope, dialect="postgres"))
