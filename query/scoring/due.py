"""Which entities a period speaks of for a score: "this quarter" of churn means the renewals due in it."""

from __future__ import annotations

import datetime as dt

from index.catalogue.model import Catalogue, Score
from index.errors import CatalogueError, SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.evidence import TableEvidence
from query.facts import quoted
from query.format import as_date
from query.proof.provenance import parameters_in, with_keys
from query.scoring.features import MOST_ROWS


def due_in_period(
    score: Score, reader: SqlReader, catalogue: Catalogue, scope: Scope, start: dt.date, end: dt.date
) -> frozenset[str]:
    """The keys of the entities due from `start` up to, not including, `end`.

    Raises `CatalogueError` where the score says neither `due_sql` nor a usable `due`, `SqlRejected` where the scope
    does not show what it reads.
    """
    sql = due_query(score, catalogue)
    query = guard(sql, catalogue, scope, dialect=reader.dialect, limit=MOST_ROWS)
    given = {"start": start, "end": end}
    used = [name for name in parameters_in(sql) if name in given]
    rows = reader.read(query, {name: given[name] for name in used}).rows
    if used:
        return frozenset(str(row[0]) for row in rows if row[0] is not None)
    days = ((str(row[0]), as_date(row[1]) if len(row) > 1 else None) for row in rows if row[0] is not None)
    return frozenset(key for key, day in days if day is not None and start <= day < end)


def due_dates(score: Score, reader: SqlReader, catalogue: Catalogue, scope: Scope) -> TableEvidence | None:
    """Keys and due dates of a score's entities as evidence; None where the score has none that it can list, or the
    scope hides them."""
    if not score.due and not score.due_sql:
        return None
    sql = with_keys(due_query(score, catalogue), catalogue)
    if parameters_in(sql):
        return None
    try:
        query = guard(sql, catalogue, scope, dialect=reader.dialect, limit=MOST_ROWS)
    except SqlRejected:
        return None
    rows = reader.read(query)
    if len(rows.columns) < 2:
        return None
    return TableEvidence("due", sql, query.sql, rows, query.tables, "due", score.entity, rows.columns[0])


def due_row(evidence: TableEvidence, key: str, start: dt.date, end: dt.date | None) -> int | None:
    """The row of `evidence` with the earliest date of an entity from `start` up to, not including, `end`."""
    dated = [(as_date(row[1]), at) for at, row in enumerate(evidence.rows.rows) if str(row[0]) == key]
    within = [(day, at) for day, at in dated if day is not None and start <= day and (end is None or day < end)]
    return min(within)[1] if within else None


def due_query(score: Score, catalogue: Catalogue) -> str:
    """The SELECT that gives the keys due: within `:start` and `:end`, or every key with its date behind it."""
    if score.due_sql:
        return score.due_sql
    table, _, column = score.due.partition(".")
    entity = catalogue.entity(score.entity)
    if not column or entity is None:
        raise CatalogueError(
            f"The score {score.name!r} does not say what a period means for it.",
            hint="Set due: table.column, or due_sql: a SELECT with :start and :end, in the catalogue.",
        )
    key = _key_column(table, entity.table, entity.key, catalogue)
    if key is None:
        raise CatalogueError(
            f"The score {score.name!r} is due by {score.due}, but no join leads from {table} to {entity.table}.",
            hint=f"Declare the join of {table} with {entity.table}, or set due_sql.",
        )
    bounds = f"{quoted(column)} >= :start AND {quoted(column)} < :end"
    return f"SELECT DISTINCT {quoted(key)} FROM {quoted(table)} WHERE {bounds}"


def _key_column(table: str, entity_table: str, key: str, catalogue: Catalogue) -> str | None:
    if table == entity_table:
        return key
    return next(
        (
            j.left_columns[0]
            for j in catalogue.joins
            if j.left == table and j.right == entity_table and j.right_columns == (key,)
        ),
        None,
    )
