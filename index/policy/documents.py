"""What the documents of a scope may be about, where documents follow rows: keys read through the guard."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from index.catalogue.model import Catalogue
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader

MOST_KEYS = 1_000_000


def with_subjects(scope: Scope, catalogue: Catalogue, reader: SqlReader, subjects: Collection[str]) -> Scope:
    """`scope` with `about` filled in: of `subjects` (all that documents are about, as `entity:key`) those whose entity
    does not follow rows, or whose row the scope shows."""
    if not scope.follows:
        return scope
    shown = {name: _keys(name, scope, catalogue, reader) for name in scope.follows}
    about = set()
    for subject in subjects:
        entity, _, key = subject.partition(":")
        if entity not in shown or key in shown[entity]:
            about.add(subject)
    return replace(scope, about=frozenset(about))


def _keys(name: str, scope: Scope, catalogue: Catalogue, reader: SqlReader) -> frozenset[str]:
    """The keys of an entity that the scope shows; none where its table or key is hidden or masked."""
    entity = catalogue.entity(name)
    table = scope.tables.get(entity.table) if entity else None
    if entity is None or table is None or table.columns.get(entity.key) != "visible":
        return frozenset()
    key, source = (part.replace('"', '""') for part in (entity.key, entity.table))
    try:
        query = guard(f'SELECT "{key}" FROM "{source}"', catalogue, scope, dialect=reader.dialect, limit=MOST_KEYS)
    except SqlRejected:
        return frozenset()
    return frozenset(str(row[0]) for row in reader.read(query).rows if row[0] is not None)
