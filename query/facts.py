"""What is known about one entity: the catalogue's facts, run through the guard for the asker's scope."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue, Entity, Fact
from index.errors import NotFoundError, SqlRejected
from index.guard.guard import GuardedQuery, guard
from index.scope import Scope
from index.sql import Rows, SqlReader, Value
from query.evidence import TableEvidence
from query.proof.provenance import parameters_in, with_keys

MOST_ROWS = 50
"""Rows read of one fact; a fact is something to know at a glance."""
OWN_ROW = "record"
"""The name of the fact that holds the entity's own row where the catalogue declares no facts."""


@dataclass(frozen=True)
class _Prepared:
    """A fact that this scope may read: its SQL with row keys added, and what the guard made of it."""

    fact: Fact
    sql: str
    query: GuardedQuery
    parameters: tuple[str, ...]


@dataclass
class FactReader:
    """Reads the facts of entities for one scope on one day; guards each fact once, however many keys are read."""

    reader: SqlReader
    catalogue: Catalogue
    scope: Scope
    today: dt.date
    _prepared: dict[str, tuple[_Prepared, ...]] = field(default_factory=dict)

    def facts(self, entity: str, key: str) -> dict[str, TableEvidence]:
        """The facts of one entity by name, in the catalogue's order; a fact that the scope hides is absent.

        A fact without rows is there, with no rows. Raises `NotFoundError` for an entity the catalogue does not have.
        """
        return {item.fact.name: self._read(item, entity, key) for item in self._facts_of(entity)}

    def labels(self, entity: str) -> dict[str, str]:
        """The label of each readable fact by name."""
        return {item.fact.name: item.fact.label for item in self._facts_of(entity)}

    def _read(self, item: _Prepared, entity: str, key: str) -> TableEvidence:
        given = {"key": typed_key(self.catalogue, entity, key), "today": self.today}
        parameters: dict[str, Value] = {name: given[name] for name in item.parameters}
        return TableEvidence(
            id=f"{item.fact.name}:{key}",
            text=item.sql,
            sql=item.query.sql,
            rows=self.reader.read(item.query, parameters),
            tables=item.query.tables,
            purpose="fact",
            parameters=tuple(parameters.items()),
        )

    def _facts_of(self, name: str) -> tuple[_Prepared, ...]:
        if name not in self._prepared:
            entity = self.catalogue.entity(name)
            if entity is None:
                known = ", ".join(e.name for e in self.catalogue.entities) or "none"
                raise NotFoundError(f"The catalogue has no entity {name!r}.", hint=f"Entities are: {known}.")
            declared = entity.facts
            if all(fact.name in (entity.contact, entity.owner) for fact in declared):  # nothing about the entity itself
                declared = (*declared, *fallback_facts(self.catalogue, entity, self.scope))
            found = (self._prepare(fact) for fact in declared if fact.sql.strip())
            self._prepared[name] = tuple(item for item in found if item)
        return self._prepared[name]

    def _prepare(self, fact: Fact) -> _Prepared | None:
        allowed = {"key", "today"}
        for sql in dict.fromkeys((with_keys(fact.sql, self.catalogue), fact.sql)):
            names = parameters_in(sql)
            if not set(names) <= allowed:
                return None
            try:
                query = guard(sql, self.catalogue, self.scope, dialect=self.reader.dialect, limit=MOST_ROWS)
            except SqlRejected:
                continue  # hidden from this scope: with its keys, or altogether
            return _Prepared(fact, sql, query, names)
        return None


def typed_key(catalogue: Catalogue, entity: str, key: str) -> Value:
    """An entity's key as the type of its column: a whole number where the column holds whole numbers."""
    found = catalogue.entity(entity)
    table = catalogue.table(found.table) if found else None
    column = table.column(found.key) if table and found else None
    if column and column.type == "integer" and key.lstrip("-").isdigit():
        return int(key)
    return key


def fallback_facts(catalogue: Catalogue, entity: Entity, scope: Scope) -> tuple[Fact, ...]:
    """Facts for an entity that declares none: its own row, and how many rows of each directly joined table it has."""
    table = catalogue.table(entity.table)
    shown = scope.tables.get(entity.table)
    if table is None or shown is None:
        return ()
    columns = [c for c in table.columns if c.name in shown.columns and c.role != "text"]
    listed = ", ".join(f"t.{quoted(c.name)}" for c in columns)
    own = f"SELECT {listed} FROM {quoted(table.name)} AS t WHERE t.{quoted(entity.key)} = :key"
    facts = [Fact(OWN_ROW, table.label, own)]
    for join in catalogue.joins:
        other = catalogue.table(join.left)
        if join.right != entity.table or join.right_columns != (entity.key,) or other is None:
            continue
        label = f"Number of {other.label.lower()}"
        sql = f"SELECT COUNT(*) AS count FROM {quoted(other.name)} AS t WHERE t.{quoted(join.left_columns[0])} = :key"
        facts.append(Fact(f"{other.name}_count", label, sql))
    return tuple(facts)


def quoted(name: str) -> str:
    """A name as a SQL identifier, in quotes where it needs them."""
    return name if name.isidentifier() and name.isascii() else '"' + name.replace('"', '""') + '"'


def value_of(facts: Mapping[str, TableEvidence], fact: str, column: str, row: int = 0) -> Value:
    """One value of a fact, or None where the fact, the column or the row is not there."""
    rows: Rows | None = facts[fact].rows if fact in facts else None
    if rows is None or column not in rows.columns or row >= len(rows.rows):
        return None
    return rows.rows[row][rows.columns.index(column)]
