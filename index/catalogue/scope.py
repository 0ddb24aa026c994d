"""The part of a catalogue that one scope shows: what planning may know of, and say, for one asker.

Nothing else reaches the planner, so that no name, value, range or row count of what is hidden can show in an answer,
a suggestion or a question back.
"""

from __future__ import annotations

from dataclasses import replace

from index.catalogue.data import enrich
from index.catalogue.model import Catalogue, Column, Score, Table
from index.catalogue.prune import Pruner
from index.errors import TowerError
from index.guard.guard import guard
from index.scope import Scope, TableScope
from index.sql import SqlReader


def narrow(catalogue: Catalogue, scope: Scope, reader: SqlReader) -> Catalogue:
    """`catalogue` with the tables, columns, joins, metrics, terms, facts and scores that `scope` can read.

    The values and ranges of tables of which the scope shows only some rows, and of masked columns, are left out and
    read again within the scope. Its `whole` is the given catalogue; one of which everything is visible stays itself.
    """
    if _everything(catalogue, scope):
        return catalogue
    tables = tuple(
        shown for t in catalogue.tables if t.name in scope.tables and (shown := _table(t, scope.tables[t.name])).columns
    )
    readable = Pruner(replace(catalogue, tables=tables)).pruned()
    clear = replace(catalogue, tables=tuple(_clear(t, scope.tables[t.name]) for t in tables))
    certain = Pruner(clear).pruned()
    entities = {e.name for e in readable.entities}
    narrowed = replace(
        readable,
        joins=certain.joins,  # the mask of a key joins nothing, and what it would measure is no measure
        metrics=certain.metrics,
        terms=certain.terms,
        scores=tuple(s for s in catalogue.scores if s.entity in entities and _scored(s, clear)),
        whole=catalogue,
    )
    return enrich(narrowed, reader, scope)


def _everything(catalogue: Catalogue, scope: Scope) -> bool:
    return all(
        (shown := scope.tables.get(table.name)) is not None
        and not shown.rows
        and all(shown.columns.get(c.name) == "visible" for c in table.columns)
        for table in catalogue.tables
    )


def _table(table: Table, shown: TableScope) -> Table:
    """The visible and masked columns; what was read of rows that may be hidden is forgotten."""
    columns = tuple(
        _forgotten(c) if shown.rows or level == "masked" else c
        for c in table.columns
        if (level := shown.columns.get(c.name)) is not None
    )
    names = {c.name for c in columns}
    return replace(
        table,
        columns=columns,
        key=table.key if names.issuperset(table.key) else (),
        name_column=table.name_column if table.name_column in names else None,
        time_column=table.time_column if table.time_column in names else None,
        rows=0 if shown.rows else table.rows,
    )


def _forgotten(column: Column) -> Column:
    return replace(column, values=(), minimum=None, maximum=None)


def _clear(table: Table, shown: TableScope) -> Table:
    """The columns that are not masked."""
    return replace(table, columns=tuple(c for c in table.columns if shown.columns[c.name] == "visible"))


def _scored(score: Score, clear: Catalogue) -> bool:
    """True when the scope can read whom a score is of and when they are due; a hidden feature only counts as average,
    so features stay."""
    needed = [score.population, *filter(None, [score.due_sql]), *_due(score)]
    scope = Scope.administrator(clear, frozenset())
    try:
        for sql in needed:
            guard(sql, clear, scope)
    except TowerError:
        return False
    return True


def _due(score: Score) -> list[str]:
    table, _, column = score.due.partition(".")
    return [f'SELECT "{column}" FROM "{table}"'] if score.due else []


def without_hidden_values(catalogue: Catalogue, scope: Scope) -> Catalogue:
    """Every table and column of `catalogue`, but what their data holds (values, ranges, counts) only where `scope`
    shows all of it: the column in the clear, and every row."""
    tables = []
    for table in catalogue.tables:
        shown = scope.tables.get(table.name)
        whole = shown is not None and not shown.rows
        clear = {name for name, level in shown.columns.items() if level == "visible"} if shown and whole else set()
        columns = tuple(
            c if c.name in clear else replace(c, values=(), minimum=None, maximum=None) for c in table.columns
        )
        tables.append(replace(table, columns=columns, rows=table.rows if whole else 0))
    return replace(catalogue, tables=tuple(tables))
