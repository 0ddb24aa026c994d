"""Syncing sources: what is loaded, what costs nothing, what goes, and what goes wrong."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.engine import open_engine
from index.errors import NotFoundError, StorageError
from index.store.store import Store
from index.store.tables import DataColumn, DataTable
from ingest.progress import Progress
from ingest.sync.sources import SyncReport, sync
from tests.ingest.company import SOURCES, catalogue, dump, open_store, sources, write_company


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_company(tmp_path / "home")
    return tmp_path / "home"


def _sync(home: Path, store: Store, **options: object) -> dict[str, SyncReport]:
    reports = sync(sources(home), store, catalogue(), **options)  # type: ignore[arg-type]
    for report in reports:
        assert report.totals.balanced, report
    return {report.source: report for report in reports}


def test_a_first_sync_loads_every_good_record_and_quarantines_the_others_with_their_reason(home: Path) -> None:
    store = open_store(home)
    reports = _sync(home, store)
    assert all(report.ok for report in reports.values()), reports
    assert store.status().tables == {"accounts": 40, "contacts": 80, "invoices": 800, "tickets": 120}
    assert store.status().documents == 120 + 5 + 40 + 2
    reasons = {(q.source, q.origin): q.reason for q in store.quarantined()}
    assert reasons.pop(("library", "broken.pdf")).startswith("broken.pdf: damaged")
    assert reasons.pop(("support", "tickets.jsonl#121")).startswith("not JSON")
    assert reasons == {
        ("crm", "accounts0.json#3"): "duplicate key A-2: the record at accounts1.json#22 is newer",
        ("crm", "accounts1.json#21"): "missing key account_id",
        ("crm", "contacts.csv#82"): "missing reference: account_id 'A-99999' is not in accounts.account_id",
        ("crm", "contacts.csv#83"): "2 fields where the header has 4",
    }
    assert reports["crm"].totals.unchanged == 1  # the exact duplicate


def test_values_are_typed_and_cleaned(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    rows = store.rows("accounts", ["account_id", "name", "region", "created_on"])
    assert {row[0]: tuple(map(str, row[1:])) for row in rows}["A-4"] == ("Atelier Montagne 4", "APAC", "2024-05-15")
    contacts = store.tables()["contacts"]
    assert [(c.name, c.type) for c in contacts.columns] == [
        ("contact_id", "integer"), ("account_id", "text"), ("full_name", "text"), ("email", "text"),
    ]  # fmt: skip
    assert next(store.rows("contacts", ["full_name"])) == ("Zoë 0",)
    assert {c.name: c.type for c in store.tables()["invoices"].columns} == {
        "invoice_id": "integer", "account_id": "text", "amount": "number", "issued": "date", "updated_at": "datetime",
    }  # fmt: skip
    (mood,) = next(store.rows("tickets", ["sentiment"]))
    assert isinstance(mood, float) and mood < 0


def test_an_unchanged_source_costs_nothing_and_says_so(home: Path) -> None:
    store = open_store(home)
    first = _sync(home, store)
    before = dump(store)
    begun = time.process_time()
    second = _sync(home, store)
    assert time.process_time() - begun < 0.5
    assert dump(store) == before
    for name, report in second.items():
        assert (report.totals.loaded, report.totals.deleted) == (0, 0)
        assert report.totals.read == first[name].totals.read
        assert report.totals.quarantined == first[name].totals.quarantined


def test_five_hundred_unchanged_files_take_under_a_fifth_of_a_second_of_work(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for n in range(500):
        (tmp_path / "notes" / f"{n}.md").write_text(f"# Note {n}\n\nSomething.")
    config = sources(tmp_path, "notes: {kind: files, path: notes}")
    store = open_store(tmp_path)
    sync(config, store, None)
    begun = time.process_time()
    (report,) = sync(config, store, None)
    assert time.process_time() - begun < 0.2
    assert report.totals.unchanged == 500


def test_a_touched_file_with_the_same_content_is_unchanged(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    for path in (home / "crm").iterdir():
        os.utime(path, (1, 1))
    assert _sync(home, store)["crm"].totals.loaded == 0
    assert store.source_state("crm").state["tables"]["contacts"]["files"]["contacts.csv"][1] == 1_000_000_000  # type: ignore[index]


def test_what_is_deleted_at_the_source_disappears(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    (home / "library" / "contracts" / "A-3.md").unlink()
    lines = (home / "support" / "tickets.jsonl").read_text().splitlines()
    (home / "support" / "tickets.jsonl").write_text("\n".join(lines[1:-1]))
    with sqlite3.connect(home / "billing.sqlite") as connection:
        connection.execute("DELETE FROM Invoices WHERE invoice_id < 10")
    connection.close()
    reports = _sync(home, store)
    assert (reports["library"].totals.deleted, reports["support"].totals.deleted) == (1, 1)
    assert reports["billing"].totals.deleted == 10
    assert store.status().tables["invoices"] == 790
    ids = {d.document.doc_id for source in ("library", "support") for d in store.documents(source)}
    assert not ids & {"library:contracts/A-3.md", "support:0"}
    assert not [q for q in store.quarantined("support") if "not JSON" in q.reason]


def test_an_emptied_folder_deletes_nothing_unless_it_is_meant(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    (home / "library").rename(home / "elsewhere")
    report = _sync(home, store)["library"]
    assert report.status == "failed" and "no file or folder" in report.message
    (home / "library").mkdir()
    report = _sync(home, store)["library"]
    assert report.status == "failed" and "nothing was deleted" in report.message and "--full" in report.hint
    assert len(list(store.documents("library"))) == 42
    assert _sync(home, store, full=True)["library"].totals.deleted == 42
    assert list(store.documents("library")) == []


def test_a_failing_source_leaves_the_others_alone(home: Path) -> None:
    store = open_store(home)
    (home / "billing.sqlite").write_bytes(b"this is no database" * 100)
    reports = _sync(home, store)
    assert reports["billing"].status == "failed" and "billing.sqlite" in reports["billing"].message
    assert reports["crm"].ok and store.status().tables["accounts"] == 40
    assert [r.status for r in store.runs("billing")] == ["failed"]
    assert store.source_state("billing").status == "failed"


def test_only_named_sources_are_synced_and_a_wrong_name_gets_the_near_one(home: Path) -> None:
    store = open_store(home)
    assert list(_sync(home, store, only=["crm"])) == ["crm"]
    with pytest.raises(NotFoundError) as error:
        _sync(home, store, only=["crn"])
    assert "'crm'" in error.value.hint


def test_a_late_column_is_added_and_leaves_the_other_rows_as_they_were(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    record = {"Id": "A-500", "Name": "Late", "Region__c": "EMEA", "Tier__c": "Gold"}
    (home / "crm" / "accounts2.json").write_text(json.dumps({"records": [record]}))
    report = _sync(home, store)["crm"]
    assert report.totals.loaded == 1
    assert store.tables()["accounts"].columns[-1].name == "tier"
    assert [tier for (tier,) in store.rows("accounts", ["tier"]) if tier] == ["Gold"]


def test_a_changed_type_makes_the_table_anew(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    path = home / "crm" / "contacts.csv"
    path.write_bytes(path.read_bytes() + b"\r\nX-1;A-1;Xaver;x@example.org")
    _sync(home, store)
    assert store.tables()["contacts"].columns[0].type == "text"
    assert store.status().tables["contacts"] == 81


def test_a_referenced_table_that_changes_is_checked_again(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    record = {"Id": "A-99999", "Name": "Found", "Region__c": "EMEA"}
    (home / "crm" / "accounts2.json").write_text(json.dumps({"records": [record]}))
    _sync(home, store)
    assert store.status().tables["contacts"] == 81


def test_an_unreadable_file_keeps_the_rows_that_it_gave_before(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    (home / "crm" / "accounts1.json").write_text('"not records"')
    report = _sync(home, store)["crm"]
    assert report.ok and report.totals.deleted == 0
    assert store.status().tables["accounts"] == 40
    assert any("not records" in q.reason for q in store.quarantined("crm"))


def test_documents_are_linked_by_key_path_address_and_name(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    found = {d.document.doc_id: d.document for source in ("support", "library") for d in store.documents(source)}
    assert found["library:contracts/A-7.md"].entities == {"account": ("A-7",)}
    assert found["support:mail/3.eml"].entities == {"account": ("A-3",)}
    assert found["support:mail/3.eml"].date == "2026-03-03"
    assert found["support:41"].entities == {"account": ("A-1",)}
    assert found["support:42"].entities == {"account": ("A-2",)}  # account 2 has another name than the text says
    assert found["support:42"].tags == {"support"}


def test_a_new_entity_links_documents_that_did_not_change(home: Path) -> None:
    store = open_store(home)
    (home / "library" / "notes.txt").write_text("Visit\n\nGrand Alpine Stores wants a discount.")
    _sync(home, store)
    before = {c.chunk.chunk_id: c.hash for c in store.read_chunks("none")}
    record = {"Id": "A-700", "Name": "Grand Alpine Stores", "Region__c": "EMEA"}
    (home / "crm" / "accounts2.json").write_text(json.dumps({"records": [record]}))
    report = _sync(home, store)["library"]
    assert report.totals.loaded == 0
    after = {c.chunk.chunk_id: c.hash for c in store.read_chunks("none")}
    assert {name for name in after if after[name] != before.get(name)} == {"library:notes.txt#0"}
    note = next(d.document for d in store.documents("library") if d.document.doc_id == "library:notes.txt")
    assert note.entities == {"account": ("A-700",)}


def test_a_changed_rule_reads_its_files_again(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    config = sources(home)
    changed = config.model_dump(by_alias=True)
    changed["sources"]["library"]["documents"][0]["tags"] = ["legal"]
    reports = sync(type(config).model_validate(changed), store, catalogue())
    assert next(r for r in reports if r.source == "library").totals.loaded == 40
    contract = next(d.document for d in store.documents("library") if d.document.kind == "contract")
    assert contract.tags == {"legal"}


def test_a_dropped_table_goes_with_its_rows(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    config = sources(home)
    trimmed = config.model_dump(by_alias=True)
    del trimmed["sources"]["crm"]["tables"]["contacts"]
    (report,) = sync(type(config).model_validate(trimmed), store, None, only=["crm"])
    assert report.ok and report.totals.deleted == 80
    assert "contacts" not in store.tables()


def test_a_source_that_is_no_longer_configured_is_removed(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    renamed = sources(home, SOURCES.replace("crm:", "salesforce:").replace("library:", "shelf:"))
    reports = {r.source: r for r in sync(renamed, store, catalogue())}
    assert all(r.ok for r in reports.values()) and reports["library"].totals.deleted == 42
    assert store.sources() == ["billing", "salesforce", "shelf", "support"]
    assert store.tables()["accounts"].source == "salesforce"
    sync(sources(home), store, catalogue(), only=["support"])
    assert "shelf" in store.sources()


def test_a_table_of_another_source_fails_this_one_only(home: Path) -> None:
    store = open_store(home)
    _sync(home, store)
    with store.begin() as writer:
        writer.drop_table("tickets")
        writer.put_table(DataTable("tickets", "elsewhere", (DataColumn("a", "text"),)))
    reports = _sync(home, store, full=True)
    assert reports["support"].status == "failed" and "already filled by source" in reports["support"].message
    assert reports["crm"].ok


def test_progress_is_told_for_every_table_and_the_documents(home: Path) -> None:
    told: list[Progress] = []
    _sync(home, open_store(home), progress=told.append)
    assert {(p.source, p.item) for p in told} >= {
        ("crm", "accounts"),
        ("library", "documents"),
        ("billing", "invoices"),
    }
    assert all(p.done <= p.total for p in told if p.total)


def test_without_tables_and_documents_everything_readable_is_taken(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "Order Items.csv").write_text("id,qty\n1,2\n2,3\n")
    (tmp_path / "in" / "deep" / "guide.md").write_text("# Guide\n\nHello.")
    (tmp_path / "in" / "picture.png").write_bytes(b"x")
    store = open_store(tmp_path)
    (report,) = sync(sources(tmp_path, "mine: {kind: files, path: in}"), store, None)
    assert report.ok
    assert store.status().tables == {"order_items": 2}
    (document,) = store.documents("mine")
    assert (document.document.doc_id, document.document.tags) == ("mine:deep/guide.md", {"mine"})


def test_odd_names_and_characters_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text(
        '{"id": 1, "t": "half \\ud800 \\u0000 pair"}\n{"id": null, "t": "\\ud800"}\n'
    )
    (tmp_path / "in" / "lock.json").write_text(json.dumps({f"k{n}": n for n in range(900)}))
    with open(os.fsencode(tmp_path / "in") + b"/caf\xe9.md", "w") as file:  # noqa: PTH123 - bytes as a name
        file.write("# Coffee")
    config = sources(tmp_path, "mine: {kind: files, path: in}")
    store = open_store(tmp_path)
    for _ in range(2):
        (report,) = sync(config, store, None)
        assert report.ok and report.totals.balanced, report.message
    assert sorted(store.rows("a", ["t"])) == [("",), ("half   pair",)]
    assert [q.reason for q in store.quarantined()] == ["mine.lock: 900 columns, and a table has at most 500"]
    assert [d.document.title for d in store.documents("mine")] == ["Coffee"]


def test_json_lines_of_documents_keep_their_own_ids(tmp_path: Path) -> None:
    lines = [
        {"_id": "7", "title": "Wings", "text": "Lift grows."},
        {"_id": "7", "text": "Another."},
        {"text": "No id."},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)))
    config = sources(tmp_path, "c: {kind: files, path: corpus.jsonl, documents: [{files: corpus.jsonl, tags: [c]}]}")
    store = open_store(tmp_path)
    (report,) = sync(config, store, None)
    assert (report.totals.loaded, report.totals.quarantined) == (1, 2)
    (document,) = store.documents("c")
    assert (document.document.doc_id, document.document.text) == ("c:7", "Wings\n\nLift grows.")


def test_a_full_disk_is_one_clear_error_and_leaves_the_last_state(home: Path) -> None:
    store = open_store(home)
    sync(sources(home), store, catalogue(), only=["crm"])
    before = dump(store)
    engine = open_engine(f"sqlite:///{home / 'tower.sqlite'}")
    with engine.connect() as connection:
        pages = connection.scalar(sa.text("PRAGMA page_count")) or 0

    @sa.event.listens_for(engine, "connect")
    def _limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    engine.dispose()
    with pytest.raises(StorageError, match="disk is full"):
        sync(sources(home), Store(engine), catalogue())
    after = dump(open_store(home))
    assert {k: v for k, v in after.items() if "crm" in k} == {k: v for k, v in before.items() if "crm" in k}
    assert all(report.ok for report in _sync(home, open_store(home)).values())
