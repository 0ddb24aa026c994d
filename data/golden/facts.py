"""The clean truth in a form that questions are answered from: joined rows, periods, and small counting helpers.

Plain Python over the generator's own rows: no SQL, no database, nothing of the service, so that an error there cannot
hide in the expectations here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from data.generator.world import Row, World

Key = Callable[[Row], Any]
Cells = list[list[Any]]


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    def has(self, value: dt.date | dt.datetime | None) -> bool:
        """Whether a date (or the day of a time) lies in the period; None never does."""
        if value is None:
            return False
        day = value.date() if isinstance(value, dt.datetime) else value
        return self.first <= day <= self.last


YEAR_2024 = Period(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
YEAR_2025 = Period(dt.date(2025, 1, 1), dt.date(2025, 12, 31))
YEAR_2026 = Period(dt.date(2026, 1, 1), dt.date(2026, 12, 31))
Q1_2025 = Period(dt.date(2025, 1, 1), dt.date(2025, 3, 31))
Q1_2026 = Period(dt.date(2026, 1, 1), dt.date(2026, 3, 31))
Q2_2026 = Period(dt.date(2026, 4, 1), dt.date(2026, 6, 30))
Q3_2026 = Period(dt.date(2026, 7, 1), dt.date(2026, 9, 30))
MARCH_2026 = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31))
APRIL_2026 = Period(dt.date(2026, 4, 1), dt.date(2026, 4, 30))
JUNE_2026 = Period(dt.date(2026, 6, 1), dt.date(2026, 6, 30))
LAST_12_MONTHS = Period(dt.date(2025, 5, 19), dt.date(2026, 5, 18))
LAST_12_CALENDAR_MONTHS = Period(dt.date(2025, 5, 1), dt.date(2026, 4, 30))


@dataclass
class Facts:
    """The truth's tables, each row joined with the account, order, product or person it belongs to.

    A joined row carries `account`, `order`, `product`, `owner` or `agent`: the row of that record.
    """

    world: World
    rows: Mapping[str, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        tables = self.world.tables
        users = {u["user_id"]: u for u in tables["users"]}
        accounts = {a["account_id"]: {**a, "owner": users[a["owner_id"]]} for a in tables["accounts"]}
        orders = {o["order_id"]: {**o, "account": accounts[o["account_id"]]} for o in tables["orders"]}
        products = {p["product_id"]: p for p in tables["products"]}

        def own(table: str, **more: Key) -> list[Row]:
            extra = {"account": lambda r: accounts[r["account_id"]], **more}
            return [{**r, **{name: find(r) for name, find in extra.items()}} for r in tables[table]]

        self.rows = {
            "accounts": list(accounts.values()),
            "users": tables["users"],
            "products": tables["products"],
            "contacts": own("contacts"),
            "renewals": own("renewals"),
            "contracts": own("contracts"),
            "invoices": own("invoices"),
            "payments": own("payments"),
            "usage": own("usage"),
            "orders": list(orders.values()),
            "opportunities": own("opportunities", owner=lambda r: users[r["owner_id"]]),
            "tickets": own(
                "tickets", agent=lambda r: users[r["agent_id"]], product=lambda r: products.get(r["product_id"])
            ),
            "product_views": own("product_views", product=lambda r: products[r["product_id"]]),
            "order_lines": [
                {
                    **r,
                    "order": orders[r["order_id"]],
                    "account": orders[r["order_id"]]["account"],
                    "product": products[r["product_id"]],
                }
                for r in tables["order_lines"]
            ],
        }

    def all(self, table: str, keep: Callable[[Row], bool] = lambda r: True) -> list[Row]:
        """The rows of a table for which `keep` holds."""
        return [r for r in self.rows[table] if keep(r)]

    def sold(self, period: Period, keep: Callable[[Row], bool] = lambda r: True) -> list[Row]:
        """Order lines whose order was placed in `period`."""
        return self.all("order_lines", lambda r: period.has(r["order"]["order_date"]) and keep(r))


def total(rows: Iterable[Row], column: str) -> float:
    """The sum of a column, to the cent."""
    return float(round(sum(r[column] for r in rows), 2))


def mean(rows: Iterable[Row], column: str) -> float:
    """The mean of a column over the rows that have a value, to four places; the rows must not be empty."""
    values = [r[column] for r in rows if r[column] is not None]
    return float(round(sum(values) / len(values), 4))


def groups(rows: Iterable[Row], key: Key) -> dict[Any, list[Row]]:
    """Rows by `key`."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def tally(rows: Iterable[Row], key: Key) -> Cells:
    """[key, number of rows] for every key, in the order of the keys."""
    return [[k, len(v)] for k, v in sorted(groups(rows, key).items())]


def sums(rows: Iterable[Row], key: Key, column: str) -> Cells:
    """[key, sum of column] for every key, in the order of the keys."""
    return [[k, total(v, column)] for k, v in sorted(groups(rows, key).items())]


def means(rows: Iterable[Row], key: Key, column: str) -> Cells:
    """[key, mean of column] for every key that has a value, in the order of the keys."""
    known = [r for r in rows if r[column] is not None]
    return [[k, mean(v, column)] for k, v in sorted(groups(known, key).items())]


def top(cells: Cells, count: int) -> Cells:
    """The `count` rows with the highest last cell, highest first. Raises ValueError when the cut or the order would
    depend on chance (equal values), because then the question has no single answer."""
    ranked = sorted(cells, key=lambda c: c[-1], reverse=True)
    values = [c[-1] for c in ranked[: count + 1]]
    if len(set(values)) < len(values):
        raise ValueError(f"equal values decide the top {count}: {ranked[: count + 1]}")
    return ranked[:count]


def month(day: dt.date | dt.datetime) -> str:
    """The month as `2026-04`."""
    return f"{day:%Y-%m}"
