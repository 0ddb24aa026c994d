"""Metrics that a catalogue does not write down but its columns make plain: revenue from price and quantity."""

from __future__ import annotations

from dataclasses import replace

from index.catalogue.model import Catalogue, Column, Metric, Table
from query.text2sql.tokens import stem, stems_of

_REVENUE = frozenset(stem(w) for w in ("revenue", "sales", "turnover"))
_SYNONYMS = ("sales", "turnover", "sales revenue", "total sales", "sales volume", "earnings")


def with_derived_metrics(catalogue: Catalogue) -> Catalogue:
    """`catalogue` with a revenue metric where it has none and one table holds quantities and prices."""
    if any(_REVENUE & set(stems_of(text)) for m in catalogue.metrics for text in (m.name, m.label, *m.synonyms)):
        return catalogue
    found = [(table, sql) for table in catalogue.tables if (sql := _revenue(table))]
    if len(found) != 1:
        return catalogue
    table, sql = found[0]
    metric = Metric("revenue", "Revenue", table.name, sql, _time(catalogue, table), synonyms=_SYNONYMS)
    return replace(catalogue, metrics=(*catalogue.metrics, metric))


def _revenue(table: Table) -> str:
    """SUM(price * quantity * (1 - discount)) over columns of `table`, or an empty text."""
    quantity = _column(table, ("quantity",))
    price = _column(table, ("price",)) or _column(table, ("unit", "price"))
    if quantity is None or price is None or table.name_column is not None:
        return ""
    discount = _column(table, ("discount",))
    fraction = discount is not None and isinstance(discount.maximum, int | float) and 0 <= discount.maximum <= 1
    reduced = f" * (1 - {_quoted(discount.name)})" if discount is not None and fraction else ""
    return f"SUM({_quoted(price.name)} * {_quoted(quantity.name)}{reduced})"


def _column(table: Table, words: tuple[str, ...]) -> Column | None:
    stems = {stem(w) for w in words}
    numbers = (c for c in table.columns if c.type in ("integer", "number") and c.role not in ("key", "reference"))
    return next((c for c in numbers if stems <= set(stems_of(c.label)) | set(stems_of(c.name))), None)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _time(catalogue: Catalogue, table: Table) -> str:
    """The date of the table, or of a table that it looks up: `table.column`, or an empty text."""
    if table.time_column:
        return f"{table.name}.{table.time_column}"
    for join in catalogue.joins:
        right = catalogue.table(join.right) if join.left == table.name else None
        if right is not None and right.time_column:
            return f"{right.name}.{right.time_column}"
    return ""
