"""A small company to sync: a database, structured files with dirt in them, and documents of every kind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import yaml

from index.catalogue.model import Catalogue, Column, Entity, Join, Table
from index.engine import open_engine
from index.store.store import Store
from ingest.config import SourcesConfig, load_sources

SOURCES = """
crm:
  kind: files
  path: crm
  tables:
    contacts:
      files: contacts.csv
      key: contact_id
      reference: {account_id: accounts.account_id}
    accounts:
      files: "accounts*.json"
      key: account_id
      rename: {Id: account_id}
support:
  kind: files
  path: support
  tables:
    tickets:
      files: "*.jsonl"
      key: ticket_id
      derive:
        sentiment: {with: sentiment, of: [subject, body]}
      documents: {id: ticket_id, title: subject, text: [subject, body], date: created_at, tags: [support],
                  entities: {account: account_id}}
  documents:
    - {files: "mail/*.eml", kind: email, tags: [support], entities: {account: "{contact_email}"}}
library:
  kind: files
  path: library
  documents:
    - {files: "contracts/*.md", kind: contract, tags: [contracts], entities: {account: "contracts/(?P<key>A-[0-9]+)"}}
    - {files: "**/*", kind: other, tags: [library]}
billing:
  kind: sql
  url: sqlite:///billing.sqlite
  tables:
    invoices: {from: Invoices, key: invoice_id, cursor: updated_at}
"""


def write_company(home: Path, accounts: int = 40) -> None:
    """Write the exports of the company under `home`."""
    _write_crm(home / "crm", accounts)
    _write_support(home / "support", accounts)
    _write_library(home / "library", accounts)
    write_billing(home / "billing.sqlite", accounts)


def _write_crm(folder: Path, accounts: int) -> None:
    folder.mkdir(parents=True)
    records: list[dict[str, Any]] = [
        {
            "attributes": {"type": "Account"},
            "Id": f"A-{n}",
            "Name": f"Northern Gear {n}" if n % 2 else f"Atelier Montagne {n}",
            "Region__c": ("EMEA", "APAC", "NA")[n % 3],
            "CreatedOn": f"2024-0{n % 9 + 1}-15" if n % 4 else f"15.0{n % 9 + 1}.2024",
        }
        for n in range(accounts)
    ]
    records += [dict(records[0]), {**records[1], "Id": None}, {**records[2], "Name": "Renamed"}]
    half = len(records) // 2
    for page, part in enumerate((records[:half], records[half:])):
        (folder / f"accounts{page}.json").write_text(json.dumps({"records": part}))
    lines = ["contact_id;account_id;full_name;email"]
    lines += [f"{n};A-{n % accounts};Zoë {n};zoe{n}@example.org" for n in range(accounts * 2)]
    lines += ["9001;A-99999;Nobody;nobody@example.org", "9002;A-1"]
    (folder / "contacts.csv").write_bytes("\r\n".join(lines).encode("cp1252"))


def _write_support(folder: Path, accounts: int) -> None:
    (folder / "mail").mkdir(parents=True)
    rows = [
        {
            "ticket_id": n,
            "account_id": f"A-{n % accounts}",
            "subject": f"Broken zip {n}",
            "body": "The zip is terrible. " * 5 + f"Please replace it, says Northern Gear {n % accounts}.",
            "created_at": f"2025-03-{n % 28 + 1:02d}T10:00:00Z",
        }
        for n in range(accounts * 3)
    ]
    text = "\n".join(json.dumps(row) for row in rows) + '\n{"ticket_id": 7777, "subj\n'
    (folder / "tickets.jsonl").write_text(text)
    for n in range(5):
        (folder / "mail" / f"{n}.eml").write_text(
            f"From: zoe{n}@example.org\nTo: us@example.com\nSubject: Order {n}\n"
            "Date: Tue, 3 Mar 2026 10:00:00 +0100\n\nWhere is my order?\n"
        )


def _write_library(folder: Path, accounts: int) -> None:
    (folder / "contracts").mkdir(parents=True)
    for n in range(accounts):
        body = "\n\n".join(f"## Section {s}\n\nThe term {s} is {n + s} days. " * 3 for s in range(12))
        (folder / "contracts" / f"A-{n}.md").write_text(f"# Contract of account {n}\n\n{body}\n")
    (folder / "care.html").write_text("<html><title>Care</title><body><h1>Washing</h1><p>Cold water.</p></body></html>")
    (folder / "notes.txt").write_bytes("Besuch bei Müller\r\n\r\nAlles gut.".encode("cp1252"))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")


def write_billing(path: Path, accounts: int) -> None:
    """Write the billing database."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE Invoices (InvoiceId INTEGER PRIMARY KEY, AccountId TEXT, Amount DECIMAL(10,2), Issued DATE, "
            "Scan BLOB, UpdatedAt TEXT)".replace("InvoiceId", "invoice_id").replace("UpdatedAt", "updated_at")
        )
        rows = [
            (
                n,
                f"A-{n % accounts}",
                n * 1.5,
                f"2025-01-{n % 28 + 1:02d}",
                b"\x00",
                f"2025-02-{n % 28 + 1:02d} 08:00:00",
            )
            for n in range(accounts * 20)
        ]
        connection.executemany("INSERT INTO Invoices VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def sources(home: Path, text: str = SOURCES) -> SourcesConfig:
    """The company's sources, or those in `text`."""
    return load_sources(yaml.safe_load(text), home, {})


def open_store(home: Path) -> Store:
    """A store in `home`, with its tables."""
    store = Store(open_engine(f"sqlite:///{home / 'tower.sqlite'}"))
    store.create()
    return store


def catalogue() -> Catalogue:
    """Accounts as an entity, with the contacts' addresses."""
    accounts = Table("accounts", "Accounts", (Column("account_id", "text", "Id"), Column("name", "text", "Name")))
    contacts = Table("contacts", "Contacts", (Column("email", "text", "E-mail", role="email"),))
    join = Join("contacts", ("account_id",), "accounts", ("account_id",))
    return Catalogue((accounts, contacts), (join,), entities=(Entity("account", "accounts", "account_id", "name"),))


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a store holds, but for run ids and times of the clock."""
    held: dict[str, list[tuple[Any, ...]]] = {}
    for name, table in store.tables().items():
        columns = [c.name for c in table.columns]
        held[name] = [(tuple(columns),), *store.rows(name, ["_key", "_hash", "_origin", *columns])]
    for source in ("crm", "support", "library", "billing"):
        held[f"documents of {source}"] = [(d.document, d.chunks, d.origin) for d in store.documents(source)]
        held[f"state of {source}"] = [(json.dumps(store.source_state(source).state, sort_keys=True),)]
    held["quarantine"] = [(q.source, q.origin, q.target, q.reason, q.record) for q in store.quarantined()]
    held["chunk hashes"] = [(c.chunk.chunk_id, c.hash, c.text) for c in store.read_chunks("none")]
    return held
