"""The part of a catalogue that a database can answer: what names a missing table or column is left out, and said.

A source that has not been read yet, or an export that lost a column, must not fail every question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from index.catalogue.data import Problem, check_against
from index.catalogue.model import Catalogue, Entity, Join, Metric, Score, Table
from index.errors import TowerError
from index.scope import Scope


def prune(catalogue: Catalogue, schema: Mapping[str, Sequence[str]]) -> tuple[Catalogue, tuple[Problem, ...]]:
    """`catalogue` without the tables and columns that `schema` does not have, and without what depends on them.

    The problems name each missing table and column, and each metric, term, entity, fact and score that went with it;
    there are none when everything is there, and the catalogue is then the given one.
    """
    missing = tuple(p for p in check_against(catalogue, schema) if p.level == "error")
    if not missing:
        return catalogue, ()
    held = {name.lower(): {c.lower() for c in columns} for name, columns in schema.items()}
    tables = tuple(kept for t in catalogue.tables if (kept := _table(t, held.get(t.name.lower()))) is not None)
    pruner = Pruner(replace(catalogue, tables=tables))
    return pruner.pruned(), (*missing, *pruner.problems)


def _table(table: Table, held: set[str] | None) -> Table | None:
    """The columns of `table` that are held; None when the table, or any column of its key, is not."""
    if held is None or not {c.lower() for c in table.key} <= held:
        return None
    columns = tuple(c for c in table.columns if c.name.lower() in held)
    names = {c.name for c in columns}
    return replace(
        table,
        columns=columns,
        name_column=table.name_column if table.name_column in names else None,
        time_column=table.time_column if table.time_column in names else None,
    )


class Pruner:
    """Leaves out what no longer compiles against the tables that are left."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._scope = Scope.administrator(catalogue, frozenset())
        self.problems: list[Problem] = []

    def pruned(self) -> Catalogue:
        """The catalogue without them; `problems` says what went and why."""
        catalogue = self._catalogue
        entities = tuple(kept for e in catalogue.entities if (kept := self._entity(e)) is not None)
        named = {e.name for e in entities}
        return replace(
            catalogue,
            joins=tuple(j for j in catalogue.joins if self._joins(j)),
            metrics=tuple(m for m in catalogue.metrics if self._keeps(f"metrics.{m.name}", _metric_sql(m), m.time)),
            terms=tuple(
                t for t in catalogue.terms
                if self._keeps(f"terms.{t.name}", f"SELECT 1 AS one FROM {_quoted(t.table)} WHERE {t.where}")
            ),
            entities=entities,
            scores=tuple(held for s in catalogue.scores if (held := self._score(s, named)) is not None),
        )  # fmt: skip

    def _entity(self, entity: Entity) -> Entity | None:
        path = f"entities.{entity.name}"
        columns = f"{_quoted(entity.key)}, {_quoted(entity.name_column)}"
        if not self._keeps(path, f"SELECT {columns} FROM {_quoted(entity.table)}"):
            return None
        return replace(entity, facts=tuple(f for f in entity.facts if self._keeps(f"{path}.facts.{f.name}", f.sql)))

    def _score(self, score: Score, entities: set[str]) -> Score | None:
        path = f"scores.{score.name}"
        parts = [score.population, score.outcome or score.event, *filter(None, [score.due_sql])]
        if score.entity not in entities or not all(self._keeps(path, sql) for sql in parts):
            return None
        return replace(
            score, features=tuple(f for f in score.features if self._keeps(f"{path}.features.{f.name}", f.sql))
        )

    def _joins(self, join: Join) -> bool:
        sides = ((join.left, join.left_columns), (join.right, join.right_columns))
        return all((found := self._catalogue.table(t)) and all(map(found.column, columns)) for t, columns in sides)

    def _keeps(self, path: str, sql: str, place: str = "") -> bool:
        from index.guard.guard import guard

        table, _, column = place.partition(".")
        found = self._catalogue.table(table) if place else None
        if place and (found is None or found.column(column) is None):
            self.problems.append(Problem("error", path, f"left out: there is no {place}"))
            return False
        try:
            guard(sql, self._catalogue, self._scope)
        except TowerError as error:
            self.problems.append(Problem("error", path, f"left out: {error.message}"))
            return False
        return True


def _metric_sql(metric: Metric) -> str:
    return f"SELECT {metric.sql} AS value FROM {_quoted(metric.table)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
