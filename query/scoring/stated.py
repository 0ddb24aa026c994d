"""What people record of what a score measures, and where the two differ."""

from __future__ import annotations

from index.catalogue.model import Catalogue, Score
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.evidence import TableEvidence
from query.facts import quoted
from query.scoring.features import MOST_ROWS


def stated_values(score: Score, reader: SqlReader, catalogue: Catalogue, scope: Scope) -> TableEvidence | None:
    """Keys and recorded values of a score's entities as evidence; None where the score names no such column, or the
    scope hides it."""
    entity = catalogue.entity(score.entity)
    if score.stated is None or entity is None:
        return None
    columns = f"{quoted(entity.key)}, {quoted(score.stated.column)}"
    sql = f"SELECT {columns} FROM {quoted(entity.table)}"
    try:
        query = guard(sql, catalogue, scope, dialect=reader.dialect, limit=MOST_ROWS)
    except SqlRejected:
        return None
    rows = reader.read(query)
    return TableEvidence("stated", sql, query.sql, rows, query.tables, "stated", score.entity, rows.columns[0])


def contradicting_row(evidence: TableEvidence, score: Score, key: str, probability: float) -> int | None:
    """The row of `evidence` whose value says low of an entity at risk, or high of one that is not."""
    if score.stated is None:
        return None
    differing = score.stated.low if probability >= score.threshold else score.stated.high
    said = frozenset(value.casefold() for value in differing)
    for at, row in enumerate(evidence.rows.rows):
        if str(row[0]) == key:
            return at if str(row[1]).casefold() in said else None
    return None
