"""The catalogue against the data: what is missing, what is hidden, and the values and ranges that planning uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index.catalogue.model import Catalogue, Column, Table
from index.catalogue.node import near
from index.errors import TowerError
from index.scope import Scope
from index.sql import SqlReader, Value

MAX_VALUES = 200
MAX_LENGTH = 80
_VALUED = {"dimension", "name", "flag", "reference", "key"}
_RANGED = {"integer", "number", "date", "datetime"}


@dataclass(frozen=True)
class Problem:
    """A difference between catalogue and database. `error`: a question could fail on it; `hidden`: it is in the
    database but nobody can ask about it until the catalogue lists it."""

    level: Literal["error", "hidden"]
    path: str
    message: str
    hint: str = ""


def check_against(catalogue: Catalogue, schema: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Compare with a database: `schema` maps its tables to their columns (`index.drafting.draft.database_schema`)."""
    problems: list[Problem] = []
    present = {name.lower(): (name, {c.lower(): c for c in columns}) for name, columns in schema.items()}
    for table in catalogue.tables:
        found = present.get(table.name.lower())
        path = f"tables.{table.name}"
        if found is None:
            problems.append(Problem("error", path, "the database has no such table", near(table.name, schema)))
            continue
        columns = found[1]
        for column in table.columns:
            if column.name.lower() not in columns:
                hint = near(column.name, columns.values())
                problems.append(Problem("error", f"{path}.columns.{column.name}", "the table has no such column", hint))
        listed = {c.name.lower() for c in table.columns}
        for name in columns.values():
            if name.lower() not in listed and not name.startswith("_"):
                problems.append(Problem("hidden", f"{path}.columns.{name}", "is not listed, so it is hidden"))
    listed = {t.name.lower() for t in catalogue.tables}
    for name, _ in present.values():
        if name.lower() not in listed and not name.startswith(("_tower_", "sqlite_")):
            problems.append(Problem("hidden", f"tables.{name}", "is not listed, so it is hidden"))
    return problems


def enrich(catalogue: Catalogue, reader: SqlReader, scope: Scope) -> Catalogue:
    """The catalogue with values of text columns (where there are at most 200), ranges and row counts, read within
    `scope`. What the file itself says stays; a table that cannot be read stays as it is."""
    return replace(catalogue, tables=tuple(_enriched(t, catalogue, reader, scope) for t in catalogue.tables))


def _enriched(table: Table, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> Table:
    from index.guard.guard import guard

    shown = scope.tables.get(table.name)
    visible = [c for c in table.columns if shown is not None and shown.columns.get(c.name) == "visible"]
    if not visible:
        return table
    ranged = [c for c in visible if c.type in _RANGED and c.sensitivity != "secret" and c.minimum is c.maximum is None]
    parts = "".join(f", MIN({_quote(c.name)}), MAX({_quote(c.name)})" for c in ranged)

    def read(sql: str, limit: int) -> list[tuple[Value, ...]]:
        query = guard(sql, catalogue, scope, dialect=reader.dialect, limit=limit)
        return list(reader.read(query).rows)

    try:
        first = read(f"SELECT COUNT(*){parts} FROM {_quote(table.name)}", 1)[0]
        ranges = {c.name: (first[1 + 2 * at], first[2 + 2 * at]) for at, c in enumerate(ranged)}
        values = {
            c.name: _values(read(_distinct(table, c), MAX_VALUES + 1))
            for c in visible
            if c.type == "text" and c.role in _VALUED and not c.values and c.sensitivity != "secret"
        }
    except TowerError:
        return table
    columns = tuple(_filled(c, values.get(c.name, ()), ranges.get(c.name, (None, None))) for c in table.columns)
    return replace(table, columns=columns, rows=int(str(first[0])))


def _distinct(table: Table, column: Column) -> str:
    name = _quote(column.name)
    # Without ORDER BY the engine stops at the limit; a column of many values costs a glance.
    return f"SELECT DISTINCT {name} FROM {_quote(table.name)} WHERE {name} IS NOT NULL"


def _values(rows: list[tuple[Value, ...]]) -> tuple[str, ...]:
    values = [str(row[0]) for row in rows]
    few = len(values) <= MAX_VALUES and all(len(v) <= MAX_LENGTH for v in values)
    return tuple(sorted(v for v in values if v.strip())) if few else ()


def _filled(column: Column, values: tuple[str, ...], span: tuple[Value, Value]) -> Column:
    low, high = (v if isinstance(v, int | float | str) or v is None else str(v) for v in span)
    return replace(
        column,
        values=column.values or values,
        minimum=column.minimum if column.minimum is not None else low,
        maximum=column.maximum if column.maximum is not None else high,
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
