"""Are the parts well that questions need: the records can be read, the vector engine can count its points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from index.errors import TowerError
from index.scope import Scope

if TYPE_CHECKING:
    from index.catalogue.model import Catalogue
    from index.sql import SqlDatabase


def health(catalogue: Catalogue, reader: SqlDatabase, count_passages: Callable[[], None]) -> dict[str, str]:
    """What is wrong with `records` and `passages`; empty texts where they are well."""
    return {"records": _fault(lambda: _read_something(catalogue, reader)), "passages": _fault(count_passages)}


def _read_something(catalogue: Catalogue, reader: SqlDatabase) -> None:
    from index.guard.guard import guard

    table = next(iter(catalogue.tables), None)
    read = f'SELECT 1 FROM "{table.name}" LIMIT 1' if table is not None else "SELECT 1"
    shown = Scope.administrator(catalogue, frozenset())
    reader.read(guard(read, catalogue, shown, dialect=reader.dialect))


def _fault(check: Callable[[], None]) -> str:
    try:
        check()
    except TowerError as error:
        return error.message
    return ""
