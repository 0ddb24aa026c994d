"""Answers and drafts about what is no longer there: what was deleted at its source is not to live on in them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from index.catalogue.model import Catalogue
from index.store import schema
from index.store.base import StoreBase
from index.store.schema import KEY
from index.store.tables import DataTable, batches, sql_table, stored_tables

CHECKED = "outdated:checked"
Place = tuple[str, str]  # a table and the key of a row; DOCUMENT and an id; SAID and `column=value` of a condition
DOCUMENT, SAID = "", "="


class Outdated(StoreBase):
    """Removes what Tower made of records and documents that were deleted since."""

    def is_due(self) -> bool:
        """True where a sync deleted something after the last `remove`, or that was cut off."""
        with self._reading() as connection:
            checked = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == CHECKED)) or ""
            return _last_deletion(connection) > checked

    def remove(self, catalogue: Catalogue) -> dict[str, int]:
        """Remove answers, turns and drafts that cite, list or are about a record or document that is not there; how
        many. Records of tables that the index does not hold are taken to be there."""
        with self._transaction() as connection:
            last = _last_deletion(connection)
            tables = stored_tables(connection)
            cited = {
                kind: {made: set(places) for made, places in _cited(connection, table, catalogue)}
                for kind, table in (("answers", schema.answers), ("drafts", schema.drafts))
            }
            wanted = {place for made in cited.values() for places in made.values() for place in places}
            gone = _missing(connection, tables, catalogue, wanted)
            old = {kind: [m for m, places in made.items() if places & gone] for kind, made in cited.items()}
            for column, ids in (
                (schema.answers.c.id, old["answers"]),
                (schema.turns.c.answer_id, old["answers"]),
                (schema.feedback.c.answer_id, old["answers"]),
                (schema.drafts.c.id, old["drafts"]),
                (schema.sights.c.id, [*old["answers"], *old["drafts"]]),
            ):
                for part in batches(ids):
                    connection.execute(sa.delete(column.table).where(column.in_(part)))
            connection.execute(sa.delete(schema.meta).where(schema.meta.c.name == CHECKED))
            connection.execute(sa.insert(schema.meta).values(name=CHECKED, value=last))
        return {kind: len(ids) for kind, ids in old.items()}


def _last_deletion(connection: sa.Connection) -> str:
    """What tells one state of deletions from the next: each run that deleted, and how much."""
    runs = schema.runs
    latest = sa.select(runs.c.started_at, runs.c.run_id, runs.c.deleted).where(runs.c.deleted > 0)
    row = connection.execute(latest.order_by(runs.c.started_at.desc(), runs.c.run_id).limit(1)).one_or_none()
    return "" if row is None else f"{row.started_at} {row.run_id} {row.deleted:012d}"


def _cited(connection: sa.Connection, table: sa.Table, catalogue: Catalogue) -> Iterator[tuple[str, Iterator[Place]]]:
    for made, body in connection.execute(sa.select(table.c.id, table.c.body).execution_options(yield_per=200)):
        yield made, _places(json.loads(body), catalogue)


def _places(value: Any, catalogue: Catalogue) -> Iterator[Place]:
    """The records and documents that a part of an answer leads to."""
    if isinstance(value, Mapping):
        key = value.get("key")
        for text in (value.get("text"), value.get("sql")):
            if isinstance(text, str) and text.upper().startswith(("SELECT ", "WITH ")):
                yield from ((SAID, said) for said in _conditions(text, catalogue))
        if isinstance(doc_id := value.get("doc_id"), str):
            yield DOCUMENT, doc_id
        if isinstance(key, str | int) and isinstance(name := value.get("entity"), str):
            entity = catalogue.entity(name)
            table = catalogue.table(entity.table) if entity is not None else None
            if entity is not None and table is not None and table.key == (entity.key,):
                yield entity.table, str(key)
        elif isinstance(key, str | int) and isinstance(cited := value.get("table"), str):
            yield cited, str(key)
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _places(part, catalogue)


def _conditions(sql: str, catalogue: Catalogue) -> Iterator[str]:
    """The names and keys of entities that a query asks for, as `column=value`."""
    from sqlglot import errors, exp, parse_one

    columns = {column for entity in catalogue.entities for column in (entity.key, entity.name_column)}
    try:
        tree = parse_one(sql)
    except errors.SqlglotError:
        return
    for one in tree.find_all(exp.EQ, exp.In):
        if isinstance(one.this, exp.Column) and one.this.name in columns:
            for value in (one.args.get("expression"), *one.expressions):
                if isinstance(value, exp.Literal):
                    yield f"{one.this.name}={value.this}"


def _is_said(connection: sa.Connection, tables: Mapping[str, DataTable], catalogue: Catalogue, said: str) -> bool:
    """True where an entity has that name or key, or none of those that could is held."""
    name, _, value = said.partition("=")
    asked = False
    for entity in catalogue.entities:
        held = tables.get(entity.table)
        if held is None or name not in (entity.key, entity.name_column) or name not in {c.name for c in held.columns}:
            continue
        asked = True
        column = sa.cast(sql_table(held).c[name], sa.String)
        if connection.scalar(sa.select(sa.literal(1)).where(sa.exists().where(column == value))):
            return True
    return not asked


def _missing(
    connection: sa.Connection, tables: Mapping[str, DataTable], catalogue: Catalogue, wanted: set[Place]
) -> set[Place]:
    by_table: dict[str, list[str]] = defaultdict(list)
    for table, key in wanted:
        by_table[table].append(key)
    missing = {(SAID, said) for said in by_table.pop(SAID, ()) if not _is_said(connection, tables, catalogue, said)}
    for table, keys in by_table.items():
        column = schema.documents.c.doc_id if table == DOCUMENT else _key_column(tables, catalogue, table)
        if column is None:
            continue
        there: set[str] = set()
        for part in batches(keys):
            there.update(connection.scalars(sa.select(column).where(column.in_(part))))
        missing |= {(table, key) for key in keys if key not in there}
    return missing


def _key_column(tables: Mapping[str, DataTable], catalogue: Catalogue, table: str) -> sa.Column[Any] | None:
    """The column that citations of a table name rows by; None where it is not the one that rows are held by."""
    held, described = tables.get(table), catalogue.table(table)
    if held is None or described is None or len(held.key) != 1 or described.key != held.key:
        return None
    return sql_table(held).c[KEY]
