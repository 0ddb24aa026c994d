"""Does a catalogue hold together: names that exist, and SQL that reads what the catalogue lists."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from index.catalogue.model import Catalogue, Entity, Score, Table
from index.catalogue.node import near
from index.errors import CatalogueError, SqlRejected
from index.guard.guard import GuardedQuery, guard
from index.guard.rules import parse
from index.scope import Scope


def check_catalogue(catalogue: Catalogue, where: str = "catalogue") -> None:
    """Raise `CatalogueError` for the first thing that does not hold; the message names its YAML path."""
    _Check(catalogue, where).run()


class _Check:
    def __init__(self, catalogue: Catalogue, where: str) -> None:
        self.catalogue = catalogue
        self.where = where
        self.scope = Scope.administrator(catalogue, frozenset())

    def run(self) -> None:
        for table in self.catalogue.tables:
            self._table(table)
        for at, join in enumerate(self.catalogue.joins):
            self._columns(f"joins[{at}].from", join.left, join.left_columns)
            self._columns(f"joins[{at}].to", join.right, join.right_columns)
        for metric in self.catalogue.metrics:
            path = f"metrics.{metric.name}"
            self._find(f"{path}.table", metric.table)
            self._aggregate(f"{path}.sql", metric.table, metric.sql)
            self._place(f"{path}.time", metric.time)
        for term in self.catalogue.terms:
            self._find(f"terms.{term.name}.table", term.table)
            self._sql(f"terms.{term.name}.where", f"SELECT 1 FROM {_quote(term.table)} WHERE ({term.where})")
        for entity in self.catalogue.entities:
            self._entity(entity)
        for score in self.catalogue.scores:
            self._score(score)

    def _table(self, table: Table) -> None:
        path = f"tables.{table.name}"
        if table.name.startswith("_tower_"):
            raise self._error(path, "names that start with _tower_ are Tower's own")
        folded = [c.name.lower() for c in table.columns]
        for name in folded:
            if folded.count(name) > 1:
                raise self._error(f"{path}.columns", f"{name!r} is there twice: SQL does not tell case apart")
        if sum(t.name.lower() == table.name.lower() for t in self.catalogue.tables) > 1:
            raise self._error(path, "there are two tables of this name: SQL does not tell case apart")
        self._columns(f"{path}.key", table.name, table.key)
        self._columns(f"{path}.name_column", table.name, [table.name_column] if table.name_column else [])
        self._columns(f"{path}.time_column", table.name, [table.time_column] if table.time_column else [])

    def _entity(self, entity: Entity) -> None:
        path = f"entities.{entity.name}"
        self._columns(f"{path}.key", entity.table, [entity.key], table_path=f"{path}.table")
        self._columns(f"{path}.name_column", entity.table, [entity.name_column])
        for fact in entity.facts:
            self._sql(f"{path}.facts.{fact.name}.sql", fact.sql)
        for key, name in (("contact", entity.contact), ("owner", entity.owner)):
            if name and entity.fact(name) is None:
                raise self._missing(f"{path}.{key}", "fact", name, (f.name for f in entity.facts))

    def _score(self, score: Score) -> None:
        path = f"scores.{score.name}"
        if self.catalogue.entity(score.entity) is None:
            raise self._missing(f"{path}.entity", "entity", score.entity, (e.name for e in self.catalogue.entities))
        self._sql(f"{path}.population", score.population, columns=1)
        self._sql(f"{path}.{'outcome' if score.outcome else 'event'}", score.outcome or score.event, columns=2)
        self._place(f"{path}.due", score.due)
        if score.due_sql:
            self._sql(f"{path}.due_sql", score.due_sql)
        for feature in score.features:
            self._sql(f"{path}.features.{feature.name}.sql", feature.sql, columns=2)
            if feature.evidence:
                self._sql(f"{path}.features.{feature.name}.evidence", feature.evidence)
            if feature.evidence_table:
                self._find(f"{path}.features.{feature.name}.evidence_table", feature.evidence_table)

    def _aggregate(self, path: str, table: str, sql: str) -> None:
        text = f"SELECT {sql} FROM {_quote(table)}"
        query = self._sql(path, text)
        if len(query.columns) != 1:
            raise self._error(path, "a metric is one expression")
        if parse(text, "sqlite").find(exp.AggFunc) is None and "total(" not in sql.lower():
            raise self._error(path, "a metric is an aggregate", hint="for example SUM(amount) or COUNT(*)")

    def _sql(self, path: str, sql: str, *, columns: int = 0) -> GuardedQuery:
        try:
            query = guard(sql, self.catalogue, self.scope)
        except SqlRejected as error:
            raise CatalogueError(f"{self.where}: {path}: {error.message}", hint=error.hint) from error
        if columns and len(query.columns) != columns:
            raise self._error(path, f"selects {len(query.columns)} columns; it must select {columns}")
        return query

    def _place(self, path: str, place: str) -> None:
        if place:
            table, _, column = place.rpartition(".")
            if not table:
                raise self._error(path, f"{place!r} is not a column", hint='write it as "table.column"')
            self._columns(path, table, [column])

    def _columns(self, path: str, table: str, names: Iterable[str], *, table_path: str = "") -> None:
        found = self._find(table_path or path, table)
        for name in names:
            if found.column(name) is None:
                raise self._missing(path, f"column in {table}", name, (c.name for c in found.columns))

    def _find(self, path: str, table: str) -> Table:
        found = self.catalogue.table(table)
        if found is None:
            raise self._missing(path, "table", table, (t.name for t in self.catalogue.tables))
        return found

    def _missing(self, path: str, kind: str, name: str, among: Iterable[str]) -> CatalogueError:
        return self._error(path, f"there is no {kind} {name!r}", hint=near(name, among))

    def _error(self, path: str, message: str, *, hint: str = "") -> CatalogueError:
        return CatalogueError(f"{self.where}: {path}: {message}", hint=hint)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
