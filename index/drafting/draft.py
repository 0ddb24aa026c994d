"""Drafting a catalogue from a database: types, keys, joins, roles, labels, values, and first metrics and entities.

It is a draft: `tower init` writes it for people to review. `tower ask --sql-url` uses it as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from index.catalogue.model import Catalogue, Column, ColumnType, Join, Table
from index.drafting.columns import (
    column_role,
    column_type,
    is_person,
    name_columns,
    reads_like_persons,
    sensitivity,
    time_column,
)
from index.drafting.guess import guess_entities, guess_metrics
from index.drafting.joins import INCLUDED, find_joins, short_key
from index.drafting.labels import Labels
from index.drafting.naming import singular, words
from index.drafting.read import RawColumn, RawTable, Reader
from index.errors import StorageError

_KEY_ENDINGS = ("id", "code", "number", "key", "no", "identifier", "uuid")
_VALUE_SYNONYMS: Mapping[frozenset[str], Mapping[str, tuple[str, ...]]] = {
    frozenset({"f", "m"}): {"f": ("female", "woman", "women"), "m": ("male", "man", "men")},
    frozenset({"n", "y"}): {"n": ("no",), "y": ("yes",)},
}
_MAX_TEXT = 80


def draft_catalogue(
    engine: Engine,
    *,
    tables: Sequence[str] | None = None,
    today: dt.date | None = None,
    keys: Mapping[str, Sequence[str]] | None = None,
) -> Catalogue:
    """A catalogue of the database behind `engine`, from its schema and a look at its values.

    `tables` narrows it (views may be named; otherwise they are left out unless there is no table); `keys` gives the
    key columns of tables that declare none. System tables and binary columns are left out. Raises `NotFoundError`
    for an unknown table, `StorageError` when the database cannot be read or holds no table.
    """
    with Reader(engine) as reader:
        raw = reader.tables(tables, keys or {})
        if not raw:
            raise StorageError("the database holds no table that could be asked", hint="check the URL")
        labels = Labels(raw)
        types = _types(raw)
        for table in raw:
            if not table.key:
                table.key = _infer_key(reader, table, types, {words(t.name) for t in raw if t is not table})
        for table in raw:
            if not table.key:
                table.key = _shared_key(reader, table, types, [t for t in raw if t is not table])
        joins = find_joins(reader, raw, types, labels)
        drafted = tuple(_table(reader, table, types, joins, labels) for table in raw)
    catalogue = Catalogue(tuple(t for t in drafted if t.columns), joins, today=today)
    catalogue = replace(catalogue, entities=guess_entities(catalogue))
    return replace(catalogue, metrics=guess_metrics(catalogue))


def _types(tables: Sequence[RawTable]) -> dict[tuple[str, str], ColumnType]:
    found = {(t.name, c.name): column_type(c, t.types.get(c.name)) for t in tables for c in t.columns}
    return {place: kind for place, kind in found.items() if kind is not None}


def _infer_key(
    reader: Reader,
    table: RawTable,
    types: Mapping[tuple[str, str], ColumnType],
    others: AbstractSet[tuple[str, ...]],
) -> tuple[str, ...]:
    """A single column that reads like a key and has no value twice; nothing when there is none.

    A column named after another table (`others` are the words of their names) is a reference, also where the few rows
    there are happen to differ in it.
    """
    own = singular(words(table.name)[-1])
    foreign = {tuple(map(singular, name)) for name in others}

    def rank(column: RawColumn) -> int:
        named = words(column.name)
        if short_key(table.name, column.name):
            return 3
        if named[-1] not in _KEY_ENDINGS or tuple(map(singular, named[:-1])) in foreign:
            return 0
        return 3 if own in map(singular, named[:-1]) or len(named) == 1 else 2 if column is table.columns[0] else 1

    candidates = [c for c in table.columns if types.get((table.name, c.name)) in ("integer", "text") and rank(c)]
    for column in sorted(candidates, key=rank, reverse=True)[:3]:
        if len(set(column.sample)) == len(column.sample) > 0 and reader.distinct(table, [column.name]):
            return (column.name,)
    return ()


def _shared_key(
    reader: Reader,
    table: RawTable,
    types: Mapping[tuple[str, str], ColumnType],
    others: Sequence[RawTable],
) -> tuple[str, ...]:
    """The first column, where no value is there twice and a column of the same name in another table, which repeats
    them, holds only values of it: `city_name` of a table of cities."""
    first = table.columns[0] if table.columns else None
    if first is None or types.get((table.name, first.name)) not in ("integer", "text"):
        return ()
    named = tuple(map(singular, words(first.name)[:-1]))
    if not named or named in {tuple(map(singular, words(o.name))) for o in others}:
        return ()
    same = [(o, c) for o in others if (c := o.column(first.name)) and (c.name,) != o.key]
    if not same or not reader.distinct(table, [first.name]):
        return ()
    for other, column in same:
        repeats = len(set(column.sample)) < len(column.sample)
        if repeats and (reader.included(other, column.name, table, first.name) or 0.0) >= INCLUDED:
            return (first.name,)
    return ()


def _table(
    reader: Reader,
    table: RawTable,
    types: Mapping[tuple[str, str], ColumnType],
    joins: Sequence[Join],
    labels: Labels,
) -> Table:
    references = {c for j in joins if j.left == table.name for c in j.left_columns}
    own = labels.table_words(table)
    kept = [c for c in table.columns if (table.name, c.name) in types]
    named = {c.name: labels.column_words(table, c.name) for c in kept}
    roles = {
        c.name: column_role(
            named[c.name],
            types[table.name, c.name],
            c.sample[:50],
            key=c.name in table.key and c.name not in references,
            reference=c.name in references,
        )
        for c in kept
    }
    names = name_columns(own, [(c.name, named[c.name], types[table.name, c.name], roles[c.name]) for c in kept])
    roles.update(dict.fromkeys(names, "name"))
    person = is_person(own, list(named.values())) or any(
        reads_like_persons(c.sample) for c in kept if c.name in names and types[table.name, c.name] == "text"
    )
    ranged = [c.name for c in kept if types[table.name, c.name] not in ("text", "boolean")]
    spans = reader.ranges(table, ranged) if table.rows else {}
    columns: list[Column] = []
    for column in kept:
        role, kind = roles[column.name], types[table.name, column.name]
        care = sensitivity(named[column.name], role, person=person, name_part=column.name in names)
        values = () if care == "secret" or role == "text" or kind != "text" else _values(reader, table, column)
        low, high = spans.get(column.name, (None, None))
        columns.append(
            Column(
                name=column.name,
                type=kind,
                label=" ".join(named[column.name]),
                role=role,
                sensitivity=care,
                values=values,
                value_synonyms=_synonyms(values),
                minimum=None if care == "secret" else _bound(low),
                maximum=None if care == "secret" else _bound(high),
            )
        )
    return Table(
        name=table.name,
        label=" ".join(own),
        columns=tuple(columns),
        source=table.source,
        key=tuple(c for c in table.key if c in named),
        name_column=names[0] if names else None,
        time_column=time_column([(c.name, named[c.name], roles[c.name]) for c in kept]),
        rows=table.rows,
    )


def _values(reader: Reader, table: RawTable, column: RawColumn) -> tuple[str, ...]:
    if not column.sample or max(len(str(v)) for v in column.sample) > _MAX_TEXT:
        return ()
    values = reader.values(table, column.name)
    return tuple(sorted({str(v) for v in values or () if 0 < len(str(v)) <= _MAX_TEXT}))


def _synonyms(values: Sequence[str]) -> dict[str, tuple[str, ...]]:
    known = _VALUE_SYNONYMS.get(frozenset(v.lower() for v in values), {})
    return {v: known[v.lower()] for v in values if v.lower() in known}


def _bound(value: Any) -> float | str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float | str) else str(value)
