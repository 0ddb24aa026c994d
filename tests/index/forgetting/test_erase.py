"""What of the SQL index goes with a customer, what stays, and what is kept out; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from index.catalogue.model import Catalogue, Column, Entity, Join, Table
from index.documents import Chunk, Document
from index.engine import open_engine
from index.errors import NotFoundError, UsageError
from index.forgetting.erase import Eraser
from index.store import schema
from index.store.store import Store
from index.store.tables import DataColumn, DataRow, DataTable
from index.store.writer import Rejected, SourceState, StoredDocument

COLUMNS = {
    "accounts": "account_id name parent_id",
    "accounts_history": "account_id name parent_id",
    "contacts": "contact_id account_id name",
    "orders": "order_id account_id",
    "lines": "line_id order_id",
    "calls": "call_id account_id contact_id text",
    "debtors": "debtor_id company",
    "invoices": "invoice_id debtor_id",
    "customer_links": "table_name record_key entity",
}
ROWS = {
    "accounts": [("K-9001", "Quill Mountain", None), ("K-9002", "Rowan Trail", "K-9001")],
    "accounts_history": [("K-9001", "Quill Mtn", None)],
    "contacts": [("C1", "K-9001", "Ida Quillfeld"), ("C2", "K-9002", "Ben Ash")],
    "orders": [("O1", "K-9001"), ("O2", "K-9002")],
    "lines": [("L1", "O1"), ("L2", "O2")],
    "calls": [
        ("T1", "K-9001", "C1", "hello"), ("T2", "K-9002", "C1", "asked about Quill Mountain twice"),
        ("T3", None, "C1", "no account"),
    ],
    "debtors": [("77", "Quill Mountain GmbH"), ("78", "Rowan Trail")],
    "invoices": [("I1", "77"), ("I2", "78")],
    "customer_links": [
        ("accounts", "K-9001", "accounts:K-9001"), ("debtors", "77", "accounts:K-9001"),
        ("accounts", "K-9002", "accounts:K-9002"), ("debtors", "78", "accounts:K-9002"),
    ],
}  # fmt: skip
KEYS = {"accounts": 1, "accounts_history": 1, "customer_links": 2}
PERSONAL = {("contacts", "name"), ("debtors", "company")}


def _table(name: str) -> DataTable:
    columns = tuple(DataColumn(column, "text") for column in COLUMNS[name].split())
    return DataTable(name, "crm", columns, tuple(c.name for c in columns[: KEYS.get(name, 1)]))


CATALOGUE = Catalogue(
    tuple(
        Table(
            name, name,
            tuple(
                Column(c, "text", c, sensitivity="personal" if (name, c) in PERSONAL else "internal")
                for c in COLUMNS[name].split()
            ),
        )
        for name in COLUMNS if "_" not in name
    ),
    joins=(
        Join("contacts", ("account_id",), "accounts", ("account_id",)),
        Join("orders", ("account_id",), "accounts", ("account_id",)),
        Join("calls", ("account_id",), "accounts", ("account_id",)),
        Join("calls", ("contact_id",), "contacts", ("contact_id",)),
        Join("lines", ("order_id",), "orders", ("order_id",)),
        Join("invoices", ("debtor_id",), "debtors", ("debtor_id",)),
        Join("accounts", ("parent_id",), "accounts", ("account_id",)),
    ),
    entities=(Entity("account", "accounts", "account_id", "name"), Entity("contact", "contacts", "contact_id", "name")),
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path}/tower.sqlite")
    else:
        made = open_engine(request.getfixturevalue("postgres").database("forget", ""))
    yield made
    made.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    store = Store(engine)
    store.create()
    _write(store)
    with store.begin() as writer:
        graves = {"tables": {"contacts": {"graves": {"C1": "2026-01-01", "C9": "2026-01-01"}}}}
        writer.put_state(SourceState("crm", graves, "ok"))
        writer.put_quarantine("crm", "orders", [
            Rejected("o#1", "bad", json.dumps({"order_id": "O7", "account_id": "K-9001"})),
            Rejected("o#2", "bad", json.dumps({"order_id": "O8", "account_id": "K-9002"})),
        ])  # fmt: skip
    return store


def _write(store: Store) -> None:
    """What a sync of all tables and documents would do."""
    with store.begin() as writer:
        for name, rows in ROWS.items():
            table = writer.put_table(_table(name))
            ready = [DataRow("|".join(map(str, row[: KEYS.get(name, 1)])), "crm|x", row) for row in rows]
            writer.rows(table).upsert(ready)
        writer.put_documents([
            _document("note", "A note", account=("K-9001",)),
            _document("person", "A person", contact=("C1",)),
            _document("names", "We saw quill  mountain today"),
            _document("stays", "Quills of a mountain bird", account=("K-9002",)),
        ])  # fmt: skip


def _document(key: str, text: str, **entities: tuple[str, ...]) -> StoredDocument:
    document = Document(f"lib:{key}", "lib", "Title", text, frozenset({"open"}), entities=entities)
    return StoredDocument(document, (Chunk(f"lib:{key}#0", f"lib:{key}", 0, 0, len(text)),), key)


def _keys(store: Store) -> dict[str, list[str]]:
    return {name: [str(row[0]) for row in store.rows(name, ["_key"])] for name in ROWS}


LEFT = {
    "accounts": ["K-9002"],
    "accounts_history": [],
    "contacts": ["C2"],
    "orders": ["O2"],
    "lines": ["L2"],
    "calls": ["T2"],
    "debtors": ["78"],
    "invoices": ["I2"],
    "customer_links": ["accounts|K-9002", "debtors|78"],
}


def test_everything_keyed_to_it_goes_and_what_is_of_others_stays(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    subject = eraser.subject(CATALOGUE, "K-9001")
    looked = eraser.look(CATALOGUE, subject).counts()
    erased = eraser.erase(CATALOGUE, subject)
    assert {name: count for name, count in erased.counts.items() if count} == {n: c for n, c in looked.items() if c}
    assert _keys(store) == LEFT
    assert [d.document.doc_id for d in store.documents("lib")] == ["lib:stays"]
    assert list(store.rows("accounts", ["parent_id"])) == [(None,)]
    assert list(store.rows("calls", ["text"])) == [("asked about ██████████████ twice",)]
    assert [record.origin for record in store.quarantined()] == ["o#2"]
    assert store.source_state("crm").state == {"tables": {"contacts": {"graves": {"C9": "2026-01-01"}}}}
    assert not any(eraser.look(CATALOGUE, subject).counts().values())


def test_a_sync_of_the_same_again_changes_nothing(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    eraser.erase(CATALOGUE, eraser.subject(CATALOGUE, "K-9001"))
    for again in (store, Store(engine)):  # also one that was open before, and one that is opened later
        _write(again)
        assert _keys(store) == LEFT
        assert [d.document.doc_id for d in store.documents("lib")] == ["lib:stays"]
        assert list(store.rows("accounts", ["parent_id"])) == [(None,)]


def test_a_row_that_comes_to_belong_to_it_goes(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    eraser.erase(CATALOGUE, eraser.subject(CATALOGUE, "K-9001"))
    with store.begin() as writer:
        table = writer.table("orders")
        assert table is not None
        changes = writer.upserter(table).upsert([DataRow("O2", "crm|x", ("O2", "K-9001"))])
        assert (changes.loaded, changes.unchanged) == (0, 1)
        lacking = writer.upserter(table).missing({"O1", "O9"})
    assert _keys(store)["orders"] == [] and lacking == {"O9"}


def test_what_is_remembered_is_not_personal(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    erased = eraser.erase(CATALOGUE, eraser.subject(CATALOGUE, "K-9001"))
    with engine.connect() as connection:
        held = connection.execute(sa.select(schema.forgotten)).all()
        told = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == "forgotten"))
    text = f"{held} {told}"
    assert len(held) > 10 and not re.search(r"\b9001\b|Quill|quill|Ida", text)
    assert {"K-9001", "Quill Mountain", "Ida Quillfeld", "Quill Mountain GmbH"} == set(erased.texts)


def test_two_are_forgotten_and_one_is_let_in_again(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    first, second = (eraser.subject(CATALOGUE, key) for key in ("K-9001", "K-9002"))
    eraser.erase(CATALOGUE, first)
    eraser.erase(CATALOGUE, second)
    assert _keys(store)["accounts"] == []
    eraser.lift(first)
    _write(store)
    assert _keys(store)["accounts"] == ["K-9001"] and _keys(store)["lines"] == ["L1"]


def test_whom_is_meant_must_be_clear(store: Store, engine: sa.Engine) -> None:
    eraser = Eraser(engine)
    with store.begin() as writer:
        table = writer.table("contacts")
        assert table is not None
        writer.rows(table).upsert([DataRow("K-9001", "crm|x", ("K-9001", "K-9002", "Same Key"))])
    with pytest.raises(UsageError, match="several"):
        eraser.subject(CATALOGUE, "K-9001")
    assert eraser.subject(CATALOGUE, "contact:K-9001").place == "contact:K-9001"
    with pytest.raises(NotFoundError):
        eraser.subject(CATALOGUE, "account:none")
