"""Rows that were read once: equal queries give them again, and what must not be remembered is not."""

import pytest

from index import remembered
from index.catalogue.model import Catalogue, Column, Table
from index.errors import StorageError
from index.guard.guard import GuardedQuery, guard
from index.remembered import LONGEST, RememberingReader
from index.scope import Scope
from index.sql import Rows

CATALOGUE = Catalogue((Table("notes", "notes", (Column("id", "integer", "id"), Column("day", "date", "day"))),))
EVERYTHING = Scope.administrator(CATALOGUE, frozenset())


class Counting:
    """Gives `rows` and counts how often it was read."""

    dialect = "sqlite"

    def __init__(self, rows: Rows | None) -> None:
        self.rows, self.read_times = rows, 0

    def read(self, query: GuardedQuery, parameters: object = None) -> Rows:
        self.read_times += 1
        if self.rows is None:
            raise StorageError("gone")
        return self.rows

    def accepts(self, query: GuardedQuery) -> bool:
        return True


def query(sql: str, limit: int = 10) -> GuardedQuery:
    return guard(sql, CATALOGUE, EVERYTHING, limit=limit)


def test_an_equal_query_is_read_once() -> None:
    inner = Counting(Rows(("id",), ((1,),)))
    reader = RememberingReader(inner).of("ann")
    for _ in range(3):
        assert reader.read(query("SELECT id FROM notes")).rows == ((1,),)
    reader.read(query("SELECT id FROM notes", limit=5))
    reader.read(query("SELECT id FROM notes WHERE id = :key"), {"key": 1})
    reader.read(query("SELECT id FROM notes WHERE id = :key"), {"key": 2})
    assert inner.read_times == 4


@pytest.mark.parametrize("asked", ["date('now')", "datetime()", "date( )", "strftime('%Y')"])
def test_what_asks_for_the_time_is_read_each_time(asked: str) -> None:
    inner = Counting(Rows(("id",), ((1,),)))
    reader = RememberingReader(inner).of("ann")
    for _ in range(2):
        reader.read(query(f"SELECT id FROM notes WHERE day = {asked}"))
    assert inner.read_times == 2


def test_a_failure_and_a_long_result_are_not_remembered() -> None:
    failing = Counting(None)
    reader = RememberingReader(failing).of("ann")
    for _ in range(2):
        with pytest.raises(StorageError):
            reader.read(query("SELECT id FROM notes"))
    assert failing.read_times == 2
    long = Counting(Rows(("id",), tuple((n,) for n in range(LONGEST + 1))))
    reader = RememberingReader(long).of("ann")
    for _ in range(2):
        reader.read(query("SELECT id FROM notes"))
    assert long.read_times == 2


def test_what_one_asker_read_is_not_quicker_for_another() -> None:
    inner = Counting(Rows(("id",), ((1,),)))
    memory = RememberingReader(inner)
    for asker in ("ann", "ben", "ann", "ben"):
        assert memory.of(asker).read(query("SELECT id FROM notes")).rows == ((1,),)
    assert inner.read_times == 2 and memory.of("ann").accepts(query("SELECT id FROM notes"))


def test_the_oldest_go_when_it_holds_much() -> None:
    inner = Counting(Rows(("id",), tuple((n,) for n in range(LONGEST - 10))))
    memory = RememberingReader(inner)
    reader = memory.of("ann")
    for number in range(30):
        reader.read(query(f"SELECT id FROM notes WHERE id > {number}"))
    assert memory._cells <= 500_000 and len(memory._held) < 12
    reader.read(query("SELECT id FROM notes WHERE id > 29"))
    assert inner.read_times == 30


def test_many_small_results_weigh_what_their_queries_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_CELLS", 1_000)
    memory = RememberingReader(Counting(Rows(("id",), ((1,),))))
    reader = memory.of("ann")
    long = " AND ".join(f"id > {number}" for number in range(100))  # some 1,000 characters for two cells
    for number in range(200):
        reader.read(query(f"SELECT id FROM notes WHERE id < {number} AND {long}"))
    assert 5 < len(memory._held) < 100
