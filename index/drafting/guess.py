"""First guesses of entities (what records are about) and metrics (what is added up) from a drafted catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.catalogue.model import Catalogue, Column, Entity, Fact, Metric, Table
from index.drafting.naming import singular

_MONEY = frozenset({"amount", "total", "revenue", "sales", "payment", "subtotal"})
_SALES = ("sales", "turnover")
_LIFE = frozenset("hire hired birth founded opened joined since launch launched start established created".split())
_SOLD = ("order", "sale", "invoice", "booking", "payment")  # tables of what is sold, the first that there is counts
_PEOPLE = frozenset({"contact", "person", "people", "member", "user"})
_ONE_EACH = frozenset({"average", "rate", "percent", "per", "max", "min", "number"})


def guess_entities(catalogue: Catalogue) -> tuple[Entity, ...]:
    """An entity for every table that others look rows up in and whose rows have a name and a single key."""
    looked_up = {join.right for join in catalogue.joins if join.left != join.right}
    entities: dict[str, Entity] = {}
    for table in catalogue.tables:
        if table.name in looked_up and table.name_column and len(table.key) == 1:
            name = _singular(table.label)
            entity = Entity(name, table.name, table.key[0], table.name_column)
            entities.setdefault(name, _with_contact(entity, catalogue))
    return tuple(entities.values())


def _with_contact(entity: Entity, catalogue: Catalogue) -> Entity:
    """`entity` with whom to write to: the first person of a table of contacts that refer to it, else the address that
    its own row holds (its name may be a company's, and is no person to greet)."""
    for join in catalogue.joins:
        people = catalogue.table(join.left)
        if join.right != entity.table or join.right_columns != (entity.key,) or people is None:
            continue
        email = _email(people)
        if email and people.name_column and singular(people.label.split()[-1]) in _PEOPLE:
            shown = f"{_quote(people.name_column)} AS name, {_quote(email)} AS email"
            where = f"{_quote(join.left_columns[0])} = :key"
            order = f" ORDER BY {', '.join(map(_quote, people.key))}" if people.key else ""
            return _contacted(entity, f"SELECT {shown} FROM {_quote(people.name)} WHERE {where}{order} LIMIT 1")
    own = catalogue.table(entity.table)
    email = _email(own) if own is not None else ""
    if not email:
        return entity
    sql = f"SELECT {_quote(email)} AS email FROM {_quote(entity.table)} WHERE {_quote(entity.key)} = :key"
    return _contacted(entity, sql)


def _contacted(entity: Entity, sql: str) -> Entity:
    return replace(entity, facts=(Fact("contact", "Contact", sql),), contact="contact")


def _email(table: Table) -> str:
    return next((column.name for column in table.columns if column.role == "email"), "")


def guess_metrics(catalogue: Catalogue) -> tuple[Metric, ...]:
    """Revenue where quantity and unit price stand side by side, and a total for each column of money; the only total
    of what is sold is revenue too where nothing else is."""
    metrics: dict[str, Metric] = {}
    for table in catalogue.tables:
        revenue = _revenue(catalogue, table)
        if revenue is not None:
            metrics.setdefault(revenue.name, revenue)
    for table in catalogue.tables:
        for column in table.columns:
            words = set(column.label.split())
            if column.role != "measure" or not words & _MONEY or words & _ONE_EACH:
                continue
            name = column.label if column.label.startswith("total") else f"total {column.label}"
            if name in metrics or len(words) == 1:
                name = f"{name} of {table.label}"
            time = _time(catalogue, table)
            metrics.setdefault(name, Metric(name, name, table.name, f"SUM({_quote(column.name)})", time))
    return _with_revenue(catalogue, tuple(metrics.values()))


def _with_revenue(catalogue: Catalogue, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    """The metrics with one of them called revenue as well, where none is: the only total of what is sold."""
    if any({"revenue", *_SALES} & set(m.name.split()) for m in metrics):
        return metrics
    for sold in _SOLD:
        tables = {t.name for t in catalogue.tables if singular(t.label.split()[-1]) == sold}
        totals = [m for m in metrics if m.table in tables]
        if totals:
            named = replace(totals[0], synonyms=("revenue", *_SALES))
            return tuple(named if m is totals[0] else m for m in metrics) if len(totals) == 1 else metrics
    return metrics


def _revenue(catalogue: Catalogue, table: Table) -> Metric | None:
    quantity = _measure(table, ("quantity",), ("quantity ordered",), ("order quantity",))
    price = _measure(table, ("unit price",), ("price",), ("price each",), ("unit cost",), ("sale price",))
    if quantity is None or price is None:
        return None
    sql = f"{_quote(price.name)} * {_quote(quantity.name)}"
    discount = _measure(table, ("discount",), ("discount percent",))
    if discount is not None and isinstance(discount.maximum, int | float):
        share = _quote(discount.name) if discount.maximum <= 1 else f"{_quote(discount.name)} / 100.0"
        sql += f" * (1 - {share})"
    return Metric("revenue", "revenue", table.name, f"SUM({sql})", _time(catalogue, table), synonyms=_SALES)


def _measure(table: Table, *labels: Sequence[str]) -> Column | None:
    for label in labels:
        for column in table.columns:
            if column.label == label[0] and column.type in ("integer", "number"):
                return column
    return None


def _time(catalogue: Catalogue, table: Table) -> str:
    """The date of a row: its own, or that of the one row it belongs to (an order line's order)."""
    if table.time_column:
        return f"{table.name}.{table.time_column}"
    for join in catalogue.joins:
        parent = catalogue.table(join.right) if join.left == table.name else None
        if parent is not None and parent.time_column and not _of_life(parent, parent.time_column):
            return f"{parent.name}.{parent.time_column}"
    return ""


def _of_life(table: Table, name: str) -> bool:
    """True for a date such as hired or founded, which does not date the rows that refer to its table."""
    column = table.column(name)
    return column is None or bool(set(column.label.split()) & _LIFE)


def _singular(label: str) -> str:
    head, _, last = label.rpartition(" ")
    return f"{head} {singular(last)}".strip()


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
