"""What a scope shows of each table as the query of a view, for a database that is to refuse the rest by itself."""

from __future__ import annotations

from dataclasses import dataclass

from index.errors import PolicyError
from index.guard.dialects import render
from index.guard.resolve import Resolver
from index.guard.visible import Visible, VisibleTable, selection

_DIALECT = "postgres"


@dataclass(frozen=True)
class View:
    """One table as a scope shows it: visible columns, masks, and the rows for which `query` asks. `filtered` is True
    where it leaves rows out."""

    table: str
    query: str
    filtered: bool


def views_of(shown: Visible) -> tuple[View, ...]:
    """A view for each visible table; none for one whose row rule does not hold, which nobody may read then."""
    return tuple(view for table in shown.tables.values() if (view := _view(shown, table)) is not None)


def _view(shown: Visible, table: VisibleTable) -> View | None:
    try:
        inner, rule, _ = Resolver(shown, _DIALECT, "_g", "").filter_of(table)
    except PolicyError:
        return None
    tree = selection(table, table.columns.values(), rule, inner, _DIALECT)
    return View(table.name, render(tree, _DIALECT), bool(table.rows))
