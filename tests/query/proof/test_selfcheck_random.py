"""The same checks as properties, over random catalogues with random rows: seeds are fixed, a failure prints its own."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from index.catalogue.model import Catalogue
from index.drafting.draft import draft_catalogue
from index.engine import open_engine
from index.guard.guard import guard
from index.scope import Principal, Scope, TableScope
from index.sql import Rows, SqlDatabase
from query.proof.fan_out import structure
from query.proof.selfcheck import SelfCheck
from query.text2sql.planner import TableQuestionPlanner

NOUNS = ["region", "shop", "sale", "parcel", "visit", "machine", "garden", "boat"]
COLOURS = ["red", "green", "blue", "grey"]


@dataclass
class World:
    """A chain of tables, each row of one belonging to at most one row of the table before."""

    names: list[str]
    catalogue: Catalogue
    reader: SqlDatabase
    scope: Scope

    def rows(self, sql: str, scope: Scope | None = None) -> Rows:
        return self.reader.read(guard(sql, self.catalogue, scope or self.scope))

    def one(self, sql: str, scope: Scope | None = None) -> float:
        return float(str(self.rows(sql, scope).rows[0][0] or 0))


def make(seed: int, folder: Path) -> World:
    chance = random.Random(seed)
    names = chance.sample(NOUNS, chance.randint(2, 4))
    path = folder / f"{seed}.sqlite"
    connection = sqlite3.connect(path)
    sizes = [chance.randint(3, 12) * (at + 1) for at in range(len(names))]
    for at, name in enumerate(names):
        parent = f", {names[at - 1]}_id INTEGER REFERENCES {names[at - 1]}({names[at - 1]}_id)" if at else ""
        connection.execute(
            f"CREATE TABLE {name} ({name}_id INTEGER PRIMARY KEY, name TEXT, colour TEXT, amount INTEGER{parent})"
        )
        for key in range(1, sizes[at] + 1):
            row = [key, f"{name} {key}", chance.choice(COLOURS), chance.randint(1, 50)]
            if at:
                row.append(chance.choice([None, *range(1, sizes[at - 1] + 1)]))
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    connection.close()
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    catalogue = draft_catalogue(engine)
    return World(names, catalogue, SqlDatabase(engine), Scope.administrator(catalogue, frozenset()))


@pytest.fixture(scope="module", params=range(12), ids=lambda seed: f"seed {seed}")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make(request.param, tmp_path_factory.mktemp("worlds"))


def pairs(world: World) -> list[tuple[str, str]]:
    """(one, many) of every join of the chain."""
    return list(zip(world.names, world.names[1:], strict=False))


def test_partition_sums_equal_totals_or_it_is_said(world: World) -> None:
    check = SelfCheck(world.catalogue, world.reader, world.scope)
    for one, many in pairs(world):
        for measure in (f"SUM({many}.amount)", "COUNT(*)"):
            joined = f"FROM {many} JOIN {one} ON {one}.{one}_id = {many}.{one}_id"
            sql = f"SELECT {one}.colour, {measure} {joined} GROUP BY {one}.colour"
            rows = world.rows(sql)
            parts = sum(float(str(row[1])) for row in rows.rows)
            whole = world.one(f"SELECT {measure} FROM {many}")
            assert bool(check.notices(sql, rows)) == (parts != whole), sql
            own = world.rows(f"SELECT colour, {measure} FROM {many} GROUP BY colour")
            assert sum(float(str(row[1])) for row in own.rows) == whole


def test_a_fan_out_is_told_exactly_where_it_repeats_rows(world: World) -> None:
    check = SelfCheck(world.catalogue, world.reader, world.scope)
    for one, many in pairs(world):
        joined = f"FROM {one} JOIN {many} ON {many}.{one}_id = {one}.{one}_id"
        sql = f"SELECT SUM({one}.amount) {joined}"
        repeated = world.one(f"SELECT COUNT(*) {joined}") > world.one(f"SELECT COUNT(DISTINCT {one}.{one}_id) {joined}")
        assert bool(check.notices(sql, world.rows(sql))) == repeated, sql
        sound = f"SELECT SUM({many}.amount) {joined}"
        found = structure(sound, world.catalogue, "sqlite")
        assert found is not None and found.fan_outs() == []


def test_a_removed_filter_never_shrinks_a_count(world: World) -> None:
    planner = TableQuestionPlanner(world.catalogue, world.reader, world.scope)
    asked = 0
    for name in world.names:
        every = planner.plan(f"How many {name}s are there?")
        assert every
        whole = world.one(every[0].sql)
        for colour in COLOURS:
            some = planner.plan(f"How many {name}s with colour {colour} are there?")
            if some and some[0].sql.startswith("SELECT COUNT"):
                asked += 1
                assert world.one(some[0].sql) <= whole, some[0].sql
    assert asked


def test_a_narrower_scope_never_shows_more(world: World) -> None:
    for name in world.names:
        columns = {c.name: "visible" for c in world.catalogue.table(name).columns}  # type: ignore[union-attr]
        narrow = Scope(Principal("ann"), {name: TableScope(columns, "colour <> 'red'")}, frozenset())  # type: ignore[arg-type]
        for sql in (f"SELECT COUNT(*) FROM {name}", f"SELECT COUNT(*) FROM {name} WHERE amount > 10"):
            assert world.one(sql, narrow) <= world.one(sql)
