"""Does a feature read the future? Its value on a past day must not change when later rows are taken away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from index.catalogue.model import Catalogue, Feature, Score
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.facts import quoted
from query.format import as_date
from query.proof.provenance import literal
from query.scoring.features import FeatureReader


def leaking_features(
    score: Score, days: Sequence[dt.date], catalogue: Catalogue, reader: SqlReader, scope: Scope, today: dt.date
) -> tuple[Feature, ...]:
    """The features whose values on one of `days` depend on rows dated after it.

    Tables whose time column reaches beyond `today` hold plans (renewals, terms) that are known in advance; their
    rows stay.
    """
    logs = _logs(catalogue, reader, scope, today)
    leaking = []
    for feature in score.features:
        for day in days:
            then = FeatureReader(reader, catalogue, _until(scope, logs, day)).values(feature, day)
            if then != FeatureReader(reader, catalogue, scope).values(feature, day):
                leaking.append(feature)
                break
    return tuple(leaking)


def _until(scope: Scope, logs: dict[str, str], day: dt.date) -> Scope:
    """`scope` as it would have been at the end of `day`: without later rows of the tables that log what happened."""
    tables = dict(scope.tables)
    for name, column in logs.items():
        before = f"{quoted(column)} < {literal(day + dt.timedelta(days=1))}"
        rows = f"({tables[name].rows}) AND {before}" if tables[name].rows else before
        tables[name] = replace(tables[name], rows=rows)
    return replace(scope, tables=tables)


def _logs(catalogue: Catalogue, reader: SqlReader, scope: Scope, today: dt.date) -> dict[str, str]:
    """The time column of every table that logs what happened, by table name."""
    found = {}
    for table in catalogue.tables:
        shown = scope.tables.get(table.name)
        if not table.time_column or shown is None or table.time_column not in shown.columns:
            continue
        sql = f"SELECT MAX({quoted(table.time_column)}) AS latest FROM {quoted(table.name)}"
        rows = reader.read(guard(sql, catalogue, scope, dialect=reader.dialect, limit=1)).rows
        latest = as_date(rows[0][0]) if rows else None
        if latest is not None and latest <= today:
            found[table.name] = table.time_column
    return found
