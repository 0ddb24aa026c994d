"""A small workspace with two regions, notes and tickets about customers, and a policy: for tests of governance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from api.cli import main

TODAY = "2026-05-18"
REGIONS = ("EMEA", "APAC")
ACCOUNTS = [
    ("A1", "Ann & Co", "EMEA", "SMB", "Active", 12), ("A2", "Bergfreunde", "EMEA", "Enterprise", "Active", 40),
    ("A3", "Cumbre Norte", "EMEA", "SMB", "Churned", 7), ("A4", "Dahlia Sport", "EMEA", "Enterprise", "Active", 25),
    ("B1", "Kumo Outfitters", "APAC", "SMB", "Active", 9), ("B2", "Lotus Trail", "APAC", "Enterprise", "Paused", 61),
    ("B3", "Bergwind Pacific", "APAC", "Midmarket", "Active", 33), ("B4", "Orchid Alpine", "APAC", "SMB", "Active", 5),
]  # fmt: skip
PRODUCTS = [
    ("P1", "Cirrus Tent", "Tents", 389.0),
    ("P2", "Larch Boot", "Footwear", 219.5),
    ("P3", "Alder Stove", "Cooking", 89.0),
]
NOTES = {
    "A1": "The customer asked for a longer payment term and praised the tent.",
    "A2": "Delivery of boots was late twice; the customer threatens to leave for a competitor.",
    "B1": "The customer wants a bamboo edition of the stove and asked about zanzibar distribution.",
    "B2": "Confidential: merger talks of the customer, payment term under dispute.",
}
HANDBOOK = """# Payment terms

Customers pay within thirty days. A longer payment term needs the approval of the finance team.
"""
SOURCES = """
version: 1
sources:
  crm:
    kind: files
    path: files/crm
    tables:
      accounts: {files: "accounts.csv", key: [account_id], types: {seats: integer}}
      contacts: {files: "contacts.csv", key: [contact_id]}
      orders: {files: "orders.csv", key: [order_id], types: {amount: number, ordered_on: date}}
      products: {files: "products.csv", key: [product_id], types: {list_price: number}}
  notes:
    kind: files
    path: files/notes
    documents:
      - {files: "*.md", kind: note, tags: [notes], entities: {account: "(?P<key>[AB][0-9]+)"}}
  handbook:
    kind: files
    path: files/handbook
    documents:
      - {files: "*.md", kind: policy, tags: [handbook]}
"""
CATALOGUE = f"""
company: Testwerk
currency: EUR
today: {TODAY}
tables:
  accounts:
    label: Accounts
    synonyms: [customers, customer, account]
    source: crm
    key: [account_id]
    name_column: name
    columns:
      account_id: {{type: text, role: key}}
      name: {{type: text, role: name}}
      region: {{type: text, label: Region}}
      segment: {{type: text, label: Segment}}
      status: {{type: text, label: Status}}
      seats: {{type: integer, role: measure, label: Seats}}
  contacts:
    label: Contacts
    synonyms: [contact]
    source: crm
    key: [contact_id]
    columns:
      contact_id: {{type: text, role: key}}
      account_id: {{type: text, role: reference}}
      name: {{type: text, role: name, sensitivity: personal}}
      email: {{type: text, role: email, sensitivity: personal}}
      pin: {{type: text, sensitivity: secret}}
  orders:
    label: Orders
    source: crm
    key: [order_id]
    time_column: ordered_on
    columns:
      order_id: {{type: text, role: key}}
      account_id: {{type: text, role: reference}}
      product_id: {{type: text, role: reference}}
      ordered_on: {{type: date, role: time}}
      amount: {{type: number, role: measure, unit: EUR, label: Amount}}
  products:
    label: Products
    source: crm
    key: [product_id]
    name_column: name
    columns:
      product_id: {{type: text, role: key}}
      name: {{type: text, role: name}}
      category: {{type: text, label: Category}}
      list_price: {{type: number, role: measure, unit: EUR, label: List price}}
joins:
  - {{from: contacts.account_id, to: accounts.account_id}}
  - {{from: orders.account_id, to: accounts.account_id}}
  - {{from: orders.product_id, to: products.product_id}}
metrics:
  revenue: {{table: orders, sql: SUM(amount), time: orders.ordered_on, unit: EUR, synonyms: [sales, turnover]}}
entities:
  account:
    table: accounts
    key: account_id
    name_column: name
    synonyms: [customer]
    facts:
      account: SELECT account_id, name, segment, seats FROM accounts WHERE account_id = :key
      contact: SELECT name, email FROM contacts WHERE account_id = :key LIMIT 1
      last_order: >-
        SELECT order_id, ordered_on, amount FROM orders WHERE account_id = :key ORDER BY ordered_on DESC LIMIT 1
    contact: contact
  product: {{table: products, key: product_id, name_column: name}}
"""
POLICY = """
version: 1
users:
  root: {roles: [administrator]}
  emma: {groups: [sales], attributes: {region: EMEA}}
  akira: {groups: [sales], attributes: {region: APAC}}
  clerk: {roles: [clerk]}
  ivy: {roles: []}
groups:
  sales: {roles: [regional, reader]}
roles:
  administrator: {tables: "*", documents: "*", actions: "*"}
  regional:
    tables:
      accounts: {columns: "*", rows: "region = {region}"}
      contacts:
        columns: {"*": visible, name: visible}
        rows: account_id IN (SELECT account_id FROM accounts WHERE region = {region})
      orders: {columns: "*", rows: "account_id IN (SELECT account_id FROM accounts WHERE region = {region})"}
      products: "*"
    documents: [notes]
    entities: {account: rows}
    actions: [ask, sql, drafts]
  reader: {documents: [handbook]}
  clerk:
    tables:
      accounts: [account_id, name]
      products: [product_id, name, category]
    documents: [handbook]
    actions: [ask]
"""


def orders() -> list[tuple[str, str, str, str, float]]:
    """Three orders a customer over twelve months; amounts in quarters, which floats add exactly."""
    found = []
    for at, (account, *_) in enumerate(ACCOUNTS):
        for turn in range(3):
            product = PRODUCTS[(at + turn) % 3][0]
            day = f"2025-{1 + (at * 3 + turn * 4) % 12:02d}-{10 + at:02d}" if turn else f"2026-0{1 + at % 4}-1{at}"
            found.append((f"O{at}{turn}", account, product, day, 100.0 * (at + 1) + 25.25 * turn))
    return found


def build(home: Path, *, policy: str = POLICY, regions: tuple[str, ...] = REGIONS, more: str = "") -> Path:
    """A workspace in `home` with the customers of `regions` only, and everything that belongs to them; ingested.
    `more` stands in tower.yaml behind the rest."""
    kept = {row[0] for row in ACCOUNTS if row[2] in regions}
    crm, notes, handbook = (home / "files" / name for name in ("crm", "notes", "handbook"))
    for folder in (crm, notes, handbook):
        folder.mkdir(parents=True)
    _csv(crm / "accounts.csv", "account_id,name,region,segment,status,seats", [r for r in ACCOUNTS if r[0] in kept])
    people = [(f"C{r[0]}", r[0], f"Person {r[0]}", f"{r[0].lower()}@mail.example", f"pin-{r[0]}") for r in ACCOUNTS]
    _csv(crm / "contacts.csv", "contact_id,account_id,name,email,pin", [p for p in people if p[1] in kept])
    _csv(crm / "orders.csv", "order_id,account_id,product_id,ordered_on,amount", [o for o in orders() if o[1] in kept])
    _csv(crm / "products.csv", "product_id,name,category,list_price", PRODUCTS)
    for account, text in NOTES.items():
        if account in kept:
            (notes / f"{account}.md").write_text(f"# Visit note\n\n{text}\n", encoding="utf-8")
    (handbook / "payment.md").write_text(HANDBOOK, encoding="utf-8")
    (home / "tower.yaml").write_text(SOURCES + more, encoding="utf-8")
    (home / "catalogue.yaml").write_text(CATALOGUE, encoding="utf-8")
    assert main(["ingest", "--home", str(home)]) == 0
    (home / "policy.yaml").write_text(policy, encoding="utf-8")
    return home


def _csv(path: Path, head: str, rows: Iterable[Sequence[object]]) -> None:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
