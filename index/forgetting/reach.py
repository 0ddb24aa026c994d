"""What belongs to a customer: its own row, the rows of every table that are keyed to it, and the texts that name it.

Joins of the catalogue are followed from the one that is looked up to those that look it up: from an account to its
orders, from an order to its lines. A row that names another customer of its own is not taken for a detour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from index.catalogue.model import Catalogue, Entity
from index.forgetting.marks import Mark, mark_of
from index.forgetting.suppression import Rule, cell_text
from index.store.schema import KEY
from index.store.tables import DataTable, batches, sql_table

LINKS = ("table_name", "record_key", "entity")  # the columns of a table of resolved entities
HISTORY = "_history"
_GENERIC = frozenset({"id", "key", "name", "code", "number", "uuid"})


@dataclass
class Reach:
    """`rows` are keys (`_key`) by table; `cells` are `(space, value)` that other rows refer to these by; `subjects` are
    `entity:key` of every entity that goes; `rules` say by which cells more of them would be known; `texts` are the
    `marks` as they are written."""

    entity: str
    key: str
    rows: dict[str, list[str]] = field(default_factory=dict)
    cells: set[tuple[str, str]] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    rules: dict[str, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    marks: set[Mark] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def reach(
    connection: sa.Connection, tables: Mapping[str, DataTable], catalogue: Catalogue, entity: Entity, key: str
) -> Reach:
    """What belongs to the entity with that key, as it stands in the database now."""
    walk = _Walk(connection, tables, catalogue, entity, key)
    walk.run()
    found = walk.found
    for text, alone in _names(connection, tables, catalogue, entity, found):
        if (mark := mark_of(text, alone=alone)) is not None:
            found.marks.add(mark)
            found.texts.add(text)
    return found


class _Walk:
    def __init__(
        self,
        connection: sa.Connection,
        tables: Mapping[str, DataTable],
        catalogue: Catalogue,
        entity: Entity,
        key: str,
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._catalogue = catalogue
        self._entity = entity
        self._space = f"{entity.table}.{entity.key}"
        self._direct = _direct_columns(tables, catalogue, entity)
        self.found = Reach(entity.name, key, subjects={f"{entity.name}:{key}"}, cells={(self._space, key)})

    def run(self) -> None:
        """Follow the joins until nothing new comes."""
        found, entity = self.found, self._entity
        self._rule(entity.table, Rule((entity.key,), self._space, direct=True))
        waiting = self._take(entity.table, (entity.key,), [found.key])
        for table, columns in self._direct.items():
            for column in columns:
                blank = table == entity.table
                self._rule(table, Rule((column,), self._space, direct=not blank, blank=blank))
                if not blank:
                    waiting += self._take(table, (column,), [found.key])
        waiting += self._linked()
        while waiting:
            table, keys = waiting.pop()
            waiting += self._followed(table, keys)

    def _followed(self, table: str, keys: Sequence[str]) -> list[tuple[str, list[str]]]:
        """The rows that refer to these rows."""
        more: list[tuple[str, list[str]]] = []
        for other in self._catalogue.entities:
            if other.table == table:
                self.found.subjects.update(f"{other.name}:{v}" for v in self._values(table, (other.key,), keys))
        for join in self._catalogue.joins:
            if join.right != table or join.left == self._entity.table or join.left not in self._tables:
                continue
            values = self._values(table, join.right_columns, keys)
            space = f"{table}.{','.join(join.right_columns)}"
            self.found.cells.update((space, value) for value in values)
            direct = table == self._entity.table and join.right_columns == (self._entity.key,)
            self._rule(join.left, Rule(join.left_columns, space, direct=direct))
            more += self._take(join.left, join.left_columns, values)
        return more

    def _take(self, table: str, columns: Sequence[str], values: Sequence[str]) -> list[tuple[str, list[str]]]:
        """The rows of a table and of its history with one of `values` in `columns`, as far as they are new."""
        taken: list[tuple[str, list[str]]] = []
        for name in (table, table + HISTORY):
            held = self._tables.get(name)
            if held is None:
                continue
            built, known = sql_table(held), set(self.found.rows.get(name, ()))
            if any(column not in built.c for column in columns):
                continue
            new = [row for row in self._keys(built, columns, values, name) if row not in known]
            if new:
                self.found.rows.setdefault(name, []).extend(new)
                if name == table:
                    taken.append((name, new))
        return taken

    def _keys(self, built: sa.Table, columns: Sequence[str], values: Sequence[str], name: str) -> list[str]:
        """The keys of rows that refer to `values`, but for those that name another customer of their own."""
        table = name.removesuffix(HISTORY)
        own = [c for c in self._direct.get(table, ()) if c in built.c and table != self._entity.table]
        wanted = set(values)
        first = built.c[columns[0]]
        found: list[str] = []
        for part in batches(sorted({value.partition("|")[0] if len(columns) > 1 else value for value in wanted})):
            query = sa.select(built.c[KEY], *(built.c[c] for c in columns), *(built.c[c] for c in own))
            for key, *cells in self._connection.execute(query.where(_as_text(first).in_(part))):
                said = "|".join(cell_text(cell) for cell in cells[: len(columns)])
                others = [cell_text(cell) for cell in cells[len(columns) :] if cell not in (None, "")]
                if said in wanted and (not others or self.found.key in others):
                    found.append(str(key))
        return found

    def _values(self, table: str, columns: Sequence[str], keys: Sequence[str]) -> list[str]:
        built = sql_table(self._tables[table])
        if any(column not in built.c for column in columns):
            return []
        values: dict[str, None] = {}
        for part in batches(keys):
            query = sa.select(*(built.c[c] for c in columns)).where(built.c[KEY].in_(part))
            for row in self._connection.execute(query):
                if all(cell not in (None, "") for cell in row):
                    values["|".join(cell_text(cell) for cell in row)] = None
        return list(values)

    def _linked(self) -> list[tuple[str, list[str]]]:
        """The records of other systems that were found to speak of the same entity."""
        mine = {(table, key) for table, keys in self.found.rows.items() for key in keys}
        taken: list[tuple[str, list[str]]] = []
        for held in [t for t in self._tables.values() if {c.name for c in t.columns}.issuperset(LINKS)]:
            built = sql_table(held)
            rows = list(self._connection.execute(sa.select(built.c[KEY], *(built.c[c] for c in LINKS))))
            groups = {group for _, table, key, group in rows if (table, key) in mine}
            for own, table, key, group in rows:
                if group not in groups:
                    continue
                self.found.rows.setdefault(held.name, []).append(str(own))
                if (table, key) not in mine and table in self._tables:
                    self.found.rows.setdefault(table, []).append(str(key))
                    taken.append((table, [str(key)]))
        return taken

    def _rule(self, table: str, rule: Rule) -> None:
        if rule not in self.found.rules[table]:
            self.found.rules[table].append(rule)


def _direct_columns(tables: Mapping[str, DataTable], catalogue: Catalogue, entity: Entity) -> dict[str, list[str]]:
    """The columns of each table that hold keys of the entity: by a join, or named as such a column is elsewhere."""
    found: dict[str, list[str]] = defaultdict(list)
    for join in catalogue.joins:
        if join.right == entity.table and join.right_columns == (entity.key,) and join.left in tables:
            found[join.left].append(join.left_columns[0])
    names = {entity.key} - _GENERIC
    for table in tables.values():
        joined = {join.left_columns[0] for join in catalogue.joins if join.left == table.name}
        for column in table.columns:
            if table.name != entity.table and column.name in names - joined and not table.name.endswith(HISTORY):
                found[table.name].append(column.name)
    return {table: list(dict.fromkeys(columns)) for table, columns in found.items()}


def _names(
    connection: sa.Connection, tables: Mapping[str, DataTable], catalogue: Catalogue, entity: Entity, found: Reach
) -> Iterator[tuple[str, bool]]:
    """What names the customer or its people, and nobody who stays; with True where a single word may do so."""
    yield found.key, False
    for name, keys in found.rows.items():
        described = catalogue.table(name)
        if described is None or name not in tables:
            continue
        built = sql_table(tables[name])
        for column in described.columns:
            named = name == entity.table and column.name == entity.name_column
            if column.name in built.c and (named or column.role == "email" or column.sensitivity == "personal"):
                for text in _only_here(connection, built, column.name, keys):
                    yield text, named


def _only_here(connection: sa.Connection, built: sa.Table, column: str, keys: Sequence[str]) -> list[str]:
    """The values of these rows that no other row of the table has."""
    held: dict[Any, int] = defaultdict(int)
    for part in batches(keys):
        for (value,) in connection.execute(sa.select(built.c[column]).where(built.c[KEY].in_(part))):
            if isinstance(value, str) and value.strip():
                held[value] += 1
    only: list[str] = []
    for part in batches(list(held)):
        query = sa.select(built.c[column], sa.func.count()).where(built.c[column].in_(part)).group_by(built.c[column])
        only += [value for value, count in connection.execute(query) if count <= held[value]]
    return only


def _as_text(column: sa.Column[Any]) -> Any:
    """A column of a key as text; keys are texts as a rule, and then its index serves."""
    if isinstance(column.type, sa.Text | sa.String):
        return column
    return sa.cast(sa.cast(column, sa.BigInteger) if isinstance(column.type, sa.Float) else column, sa.String)
