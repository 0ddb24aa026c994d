"""A very small company for tests of the query side: six accounts with renewals, usage, tickets, products and views."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue, Column, ColumnType, Entity, Fact, Join, Role, Table
from index.documents import Passage
from index.guard.guard import GuardedQuery
from index.scope import Scope
from index.sql import Rows, Value
from index.vectors.gateway import Narrow

TODAY = dt.date(2026, 5, 18)
TAGS = frozenset({"playbooks", "products"})


@dataclass
class MemoryReader:
    """A `SqlReader` over an in-memory SQLite database."""

    connection: sqlite3.Connection
    dialect: str = "sqlite"
    reads: list[str] = field(default_factory=list)

    def accepts(self, query: GuardedQuery) -> bool:
        """SQLite accepts what the guard lets through."""
        return True

    def read(self, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        """Run the query; days are bound as ISO text, as the columns hold them."""
        given = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in (parameters or {}).items()}
        self.reads.append(query.sql)
        cursor = self.connection.execute(query.sql, given)
        rows = cursor.fetchall()
        names = tuple(d[0] for d in cursor.description)
        return Rows(names, tuple(tuple(r) for r in rows[: query.limit]), len(rows) > query.limit)


def column(name: str, type_: ColumnType = "text", role: Role = "dimension", unit: str = "") -> Column:
    """A column labelled by its name."""
    return Column(name, type_, name.replace("_", " "), role=role, unit=unit)


TABLES = (
    Table("accounts", "Accounts", (
        column("account_id", role="key"), column("name", role="name"), column("contact_name"),
        column("contact_email", role="email"), column("owner_name"), column("owner_email", role="email"),
        column("seats", "integer", "measure"), column("customer_since", "date", "time"),
    ), source="crm", key=("account_id",), name_column="name", time_column="customer_since"),
    Table("renewals", "Renewals", (
        column("renewal_id", role="key"), column("account_id", role="reference"),
        column("renewal_date", "date", "time"),
        column("amount", "number", "measure", "EUR"),
    ), source="crm", key=("renewal_id",), time_column="renewal_date"),
    Table("usage", "Usage", (
        column("usage_id", "integer", "key"), column("account_id", role="reference"), column("day", "date", "time"),
        column("logins", "integer", "measure"),
    ), source="portal", key=("usage_id",), time_column="day"),
    Table("tickets", "Tickets", (
        column("ticket_id", role="key"), column("account_id", role="reference"), column("subject", role="text"),
        column("status"), column("created_at", "date", "time"),
    ), source="support", key=("ticket_id",), time_column="created_at"),
    Table("products", "Products", (
        column("sku", role="key"), column("product_name", role="name"), column("category"),
        column("list_price", "number", "measure", "EUR"), column("picture", role="image"), column("season"),
    ), source="shop", key=("sku",), name_column="product_name"),
    Table("product_views", "Product views", (
        column("view_id", "integer", "key"), column("account_id", role="reference"), column("sku", role="reference"),
        column("viewed_at", "date", "time"),
    ), source="portal", key=("view_id",), time_column="viewed_at"),
)  # fmt: skip

JOINS = (
    *(Join(t, ("account_id",), "accounts", ("account_id",)) for t in ("renewals", "usage", "tickets")),
    Join("product_views", ("sku",), "products", ("sku",)),
)

ACCOUNT_FACTS = (
    Fact("account", "Account", "SELECT account_id, name, seats, customer_since FROM accounts WHERE account_id = :key"),
    Fact("contact", "Contact", "SELECT contact_name AS name, contact_email AS email FROM accounts "
                               "WHERE account_id = :key"),
    Fact("owner", "Account owner", "SELECT owner_name AS name, owner_email AS email FROM accounts "
                                   "WHERE account_id = :key"),
    Fact("renewal", "Next renewal", "SELECT renewal_date, amount FROM renewals WHERE account_id = :key "
                                    "AND renewal_date >= :today ORDER BY renewal_date LIMIT 1"),
    Fact("usage", "Portal logins in 90 days", "SELECT SUM(logins) AS logins FROM usage WHERE account_id = :key "
                                              "AND day > date(:today, '-90 days') AND day <= :today"),
    Fact("open_tickets", "Open tickets", "SELECT ticket_id, subject, created_at FROM tickets "
                                         "WHERE account_id = :key AND status <> 'Closed' ORDER BY created_at"),
    Fact("viewed", "Products looked at", "SELECT p.sku, p.product_name, p.category, p.picture, v.viewed_at "
                                         "FROM product_views AS v JOIN products AS p ON p.sku = v.sku "
                                         "WHERE v.account_id = :key ORDER BY v.viewed_at DESC LIMIT 3"),
)  # fmt: skip
PRODUCT_FACTS = (
    Fact("product", "Product", "SELECT sku, product_name, category, list_price, picture, season FROM products "
                               "WHERE sku = :key"),
)  # fmt: skip

CATALOGUE = Catalogue(
    TABLES,
    JOINS,
    entities=(
        Entity("account", "accounts", "account_id", "name", ("customer",), ACCOUNT_FACTS, "contact", "owner"),
        Entity("product", "products", "sku", "product_name", facts=PRODUCT_FACTS),
    ),
    company="Testwerk",
    currency="EUR",
    today=TODAY,
)

ACCOUNTS = (
    ("A1", "Nordwand Handels GmbH", "Lena Vogt", "lena@nordwand.example", "Ines Haller", "ines@testwerk.example", 40),
    ("A2", "Fjellpunkt AS", "Dr. Ola Berg", "ola@fjellpunkt.example", "Ines Haller", "ines@testwerk.example", 25),
    ("A3", "Ridgeline Supply", "Maya Stone", "maya@ridgeline.example", "Tom Reyes", "tom@testwerk.example", 12),
)


def database() -> sqlite3.Connection:
    """The database of the company, in memory."""
    made = sqlite3.connect(":memory:", check_same_thread=False)
    for table in TABLES:
        made.execute(f"CREATE TABLE {table.name} ({', '.join(f'{c.name} {_sql_type(c.type)}' for c in table.columns)})")
    made.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, '2021-03-01')",
        ACCOUNTS,
    )
    made.executemany(
        "INSERT INTO renewals VALUES (?, ?, ?, ?)",
        [("R1", "A1", "2026-06-30", 120000.0), ("R2", "A2", "2026-09-15", 64500.5), ("R3", "A3", "2026-06-01", 8000.0)],
    )
    usage = [
        (account, (TODAY - dt.timedelta(days=7 * week)).isoformat(), logins)
        for account, series in (("A1", (2, 3, 5, 9, 14, 20)), ("A2", (11, 10, 12, 11, 10, 12)), ("A3", (4, 4, 4, 4)))
        for week, logins in enumerate(series)
    ]
    made.executemany("INSERT INTO usage (account_id, day, logins, usage_id) VALUES (?, ?, ?, ?)",
                     [(*row, at) for at, row in enumerate(usage)])  # fmt: skip
    made.executemany(
        "INSERT INTO tickets VALUES (?, ?, ?, ?, ?)",
        [("T1", "A1", "Export of orders fails", "Open", "2026-05-02"),
         ("T2", "A1", "Invoice copy", "Closed", "2026-03-02"), ("T3", "A2", "Wrong colour", "Open", "2026-05-10")],
    )  # fmt: skip
    made.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?)",
        [("SKU-1", "Cirrus Tent", "Tents", 389.0, "pictures/SKU-1.png", "Summer 2026"),
         ("SKU-2", "Larch Boot", "Footwear", 219.5, "pictures/SKU-2.png", "Winter 2025")],
    )  # fmt: skip
    made.executemany(
        "INSERT INTO product_views VALUES (?, ?, ?, ?)",
        [(1, "A1", "SKU-1", "2026-05-11"), (2, "A1", "SKU-2", "2026-05-12"), (3, "A2", "SKU-2", "2026-05-03")],
    )
    return made


def _sql_type(type_: ColumnType) -> str:
    return {"integer": "INTEGER", "number": "REAL"}.get(type_, "TEXT")


def reader() -> MemoryReader:
    """A reader over a fresh copy of the company's database."""
    return MemoryReader(database())


def administrator() -> Scope:
    """The Scope that sees everything."""
    return Scope.administrator(CATALOGUE, TAGS)


PLAYBOOK = """# Keeping customers

## Falling portal use

When logins fall for a month, act within the week.

- Offer a free working session of 45 minutes on the portal's order lists.
- Escalate the account to the head of sales when usage has halved.

## Unresolved tickets

- Assign a named engineer to every open ticket within one working day.
- Send a written status of the open tickets every Friday.

## Upcoming renewal

- Propose a renewal call at least 30 days before the term ends.
"""
WARRANTY = """# Warranty terms

Tents are covered against defects in material and workmanship for 5 years from the date of delivery.
Footwear is covered for 2 years. Wear of the sole is not a defect.
"""
SHEET = """# Cirrus Tent

The Cirrus Tent weighs 1.9 kg and pitches in under four minutes. Its fly is made of recycled ripstop nylon.
"""
DOCUMENTS = {
    "library:playbooks/retention.md": PLAYBOOK,
    "library:warranty/terms.md": WARRANTY,
    "library:products/SKU-1.md": SHEET,
}


@dataclass
class WordPassages:
    """A passage index over `DOCUMENTS` that ranks sections by shared words; enough to be found by."""

    documents: Mapping[str, str] = field(default_factory=lambda: dict(DOCUMENTS))
    entities: Mapping[str, Mapping[str, tuple[str, ...]]] = field(
        default_factory=lambda: {"library:products/SKU-1.md": {"product": ("SKU-1",)}}
    )
    asked: list[str] = field(default_factory=list)

    def search(self, query: str, scope: Scope, *, k: int, narrow: Narrow | None = None) -> tuple[Passage, ...]:
        """The `k` sections that share most words with `query`, within `narrow`."""
        self.asked.append(query)
        words = {w.strip(".,").lower() for w in query.split() if len(w) > 3}
        found = [p for p in self._sections() if self._within(p, narrow)]
        ranked = sorted(found, key=lambda p: (-len(words & _words(p.text)), p.chunk_id))
        return tuple(p for p in ranked if words & _words(p.text))[:k]

    def text(self, doc_id: str) -> str | None:
        """A document's stored text."""
        return self.documents.get(doc_id)

    def _sections(self) -> Sequence[Passage]:
        made = []
        for doc_id, text in self.documents.items():
            starts = [i for i in range(len(text)) if text.startswith("#", i) and (i == 0 or text[i - 1] == "\n")]
            for at, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
                about = self.entities.get(doc_id, {})
                made.append(Passage(f"{doc_id}#{at}", doc_id, "library", doc_id, text[start:end], start, end, 0.5, 0.5,
                                    entities=about))  # fmt: skip
        return made

    @staticmethod
    def _within(passage: Passage, narrow: Narrow | None) -> bool:
        if narrow is None or narrow.entities is None:
            return True
        mine = {f"{e}:{k}" for e, keys in passage.entities.items() for k in keys}
        return bool(mine & set(narrow.entities))


def _words(text: str) -> set[str]:
    return {w.strip(".,#-").lower() for w in text.split()}
