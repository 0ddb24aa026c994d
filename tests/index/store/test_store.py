"""The writing side of the SQL index: tables that evolve, differences, one transaction, the ledger of vectors."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from index.documents import Chunk, Document
from index.engine import open_engine
from index.errors import NotFoundError, SourceError, StorageError
from index.store.store import Store
from index.store.tables import DataColumn, DataRow, DataTable
from index.store.writer import Rejected, RunTotals, SourceState, StoredDocument, chunk_hash

PEOPLE = DataTable("people", "crm", (DataColumn("id", "integer"), DataColumn("name", "text")), ("id",))


def _store(path: Path) -> Store:
    store = Store(open_engine(f"sqlite:///{path / 'tower.sqlite'}"))
    store.create()
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return _store(tmp_path)
    store = Store(open_engine(request.getfixturevalue("postgres").database("store", "")))
    store.create()
    return store


def _put(store: Store, table: DataTable, *rows: DataRow) -> tuple[int, int, int]:
    with store.begin() as writer:
        put = writer.put_table(table)
        writing = writer.rows(put)
        changes = writing.upsert(rows) + writing.delete_missing({row.key for row in rows})
    return changes.loaded, changes.unchanged, changes.deleted


def _row(key: int, name: str | None, origin: str = "crm|a.csv") -> DataRow:
    return DataRow(str(key), origin, (key, name))


def _document(key: str, text: str = "One. Two.", **fields: object) -> StoredDocument:
    document = Document(f"lib:{key}", "lib", "Title", text, frozenset({"open"}), **fields)  # type: ignore[arg-type]
    return StoredDocument(document, (Chunk(f"lib:{key}#0", f"lib:{key}", 0, 0, len(text)),), f"{key}.md")


def test_rows_are_written_as_a_difference(store: Store) -> None:
    assert _put(store, PEOPLE, _row(1, "Ann"), _row(2, "Bob")) == (2, 0, 0)
    assert _put(store, PEOPLE, _row(1, "Ann"), _row(2, "Bo")) == (1, 1, 0)
    assert _put(store, PEOPLE, _row(2, "Bo")) == (0, 1, 1)
    assert list(store.rows("people", ["_key", "name", "nowhere"])) == [("2", "Bo", None)]


def test_a_record_that_moved_to_another_file_says_so(store: Store) -> None:
    _put(store, PEOPLE, _row(1, "Ann"))
    assert _put(store, PEOPLE, _row(1, "Ann", "crm|b.csv")) == (1, 0, 0)
    assert list(store.rows("people", ["_origin"])) == [("crm|b.csv",)]


def test_a_late_column_is_added_in_place(store: Store) -> None:
    _put(store, PEOPLE, _row(1, "Ann"))
    wider = DataTable("people", "crm", (*PEOPLE.columns, DataColumn("since", "date")), ("id",))
    rows = (DataRow("1", "crm|a.csv", (1, "Ann", None)), DataRow("2", "crm|a.csv", (2, "Bob", dt.date(2026, 1, 2))))
    assert _put(store, wider, *rows) == (1, 1, 0)
    assert list(store.rows("people", ["since"])) == [(None,), (dt.date(2026, 1, 2),)]


def test_a_column_that_the_source_lost_stays(store: Store) -> None:
    _put(store, PEOPLE, _row(1, "Ann"))
    with store.begin() as writer:
        kept = writer.put_table(DataTable("people", "crm", (DataColumn("id", "integer"),), ("id",)))
    assert [c.name for c in kept.columns] == ["id", "name"]


def test_a_table_of_another_source_is_refused(store: Store) -> None:
    _put(store, PEOPLE, _row(1, "Ann"))
    with pytest.raises(SourceError, match="already filled by source 'crm'"), store.begin() as writer:
        writer.put_table(DataTable("people", "billing", PEOPLE.columns))
    with pytest.raises(SourceError, match="reserved"), store.begin() as writer:
        writer.put_table(DataTable("_tower_runs", "crm", PEOPLE.columns))


def test_dates_and_times_are_iso_text_in_sqlite_and_values_again_when_read(tmp_path: Path) -> None:
    store = _store(tmp_path)
    columns = (DataColumn("day", "date"), DataColumn("at", "datetime"), DataColumn("ok", "boolean"))
    values = (dt.date(2026, 5, 1), dt.datetime(2026, 5, 1, 9, 30), True)
    _put(store, DataTable("t", "s", columns), DataRow("1", "s|f", values))
    with sqlite3.connect(tmp_path / "tower.sqlite") as connection:
        assert connection.execute("SELECT day, at, ok FROM t").fetchone() == ("2026-05-01", "2026-05-01 09:30:00", 1)
    assert next(store.rows("t", ["day", "at", "ok"])) == values


def test_keys_and_ids_are_indexed(store: Store) -> None:
    columns = (DataColumn("id", "integer"), DataColumn("account_id", "text"), DataColumn("note", "text"))
    _put(store, DataTable("orders", "s", columns, ("id",)))
    found = {index["name"] for index in sa.inspect(store._engine).get_indexes("orders")}
    assert {"ix_orders_id", "ix_orders_account_id"} <= found and "ix_orders_note" not in found


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as writer:
        put = writer.put_table(PEOPLE)
        writer.rows(put).upsert([_row(1, "Ann")])
        writer.put_documents([_document("a")])
        writer.put_state(SourceState("crm", {"x": 1}, "ok"))
        raise ZeroDivisionError
    assert store.tables() == {} and list(store.documents("lib")) == [] and store.source_state("crm").state == {}


def test_documents_are_written_as_a_difference_and_lose_their_chunks_with_them(store: Store) -> None:
    with store.begin() as writer:
        assert writer.put_documents([_document("a"), _document("b")]).loaded == 2
    with store.begin() as writer:
        changes = writer.put_documents([_document("a"), _document("b", "Other.")])
        assert (changes.loaded, changes.unchanged) == (1, 1)
        assert writer.delete_documents(["lib:a", "lib:never"]) == 1
    (held,) = store.documents("lib")
    assert held.document.text == "Other." and [c.chunk_id for c in held.chunks] == ["lib:b#0"]
    assert store.status().chunks == 1


@pytest.mark.parametrize(
    "change",
    [{"tags": frozenset({"other"})}, {"entities": {"account": ("1",)}}, {"date": "2026-01-01"}, {"source": "x"}],
)
def test_the_hash_of_a_chunk_covers_what_the_vector_index_holds(change: dict[str, object]) -> None:
    stored = _document("a")
    fields = {**stored.document.__dict__, **change}
    assert chunk_hash(Document(**fields), stored.chunks[0]) != chunk_hash(stored.document, stored.chunks[0])


def test_quarantine_is_replaced_by_target_and_keeps_when_it_was_first_seen(tmp_path: Path) -> None:
    moments = iter(dt.datetime(2026, 1, n, tzinfo=dt.UTC) for n in range(1, 9))
    store = Store(open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}"), clock=lambda: next(moments))
    store.create()
    with store.begin() as writer:
        writer.put_quarantine("crm", "people", [Rejected("a#1", "bad", "{}"), Rejected("a#2", "bad", "{}")])
    with store.begin() as writer:
        writer.put_quarantine("crm", "people", [Rejected("a#1", "bad", "{}"), Rejected("a#3", "x" * 9, "y" * 9_000)])
        writer.put_quarantine("crm", "document", [Rejected("a#1", "also", "")])
    found = {q.origin: q for q in store.quarantined("crm")}
    assert set(found) == {"a#1", "a#3", "a#1 [document]"}
    assert found["a#1"].seen_at.startswith("2026-01-01") and found["a#3"].seen_at.startswith("2026-01-02")
    assert len(found["a#3"].record) == 4_000


def test_a_run_that_was_cut_off_is_failed_by_the_next(store: Store) -> None:
    store.start_run("crm")
    second = store.start_run("crm")
    with store.begin() as writer:
        writer.put_run(second, "ok", RunTotals(3, 2, 1, 0, 0))
    assert sorted((r.status, r.message) for r in store.runs("crm")) == [("failed", "interrupted"), ("ok", "")]


def test_a_failed_run_keeps_what_is_remembered_of_the_source(store: Store) -> None:
    with store.begin() as writer:
        writer.put_state(SourceState("crm", {"tables": {}}, "ok"))
    store.fail_run(store.start_run("crm"), "crm", RunTotals(), "no such host")
    state = store.source_state("crm")
    assert (state.state, state.status, state.message) == ({"tables": {}}, "failed", "no such host")
    assert state.synced_at


def test_a_source_is_forgotten_with_everything_that_came_from_it(store: Store) -> None:
    _put(store, PEOPLE, _row(1, "Ann"))
    with store.begin() as writer:
        writer.put_documents([_document("a")])
        writer.put_quarantine("crm", "people", [Rejected("a#1", "bad", "{}")])
    store.forget_source("crm")
    store.forget_source("lib")
    status = store.status()
    assert (status.tables, status.documents, status.chunks, status.quarantined) == ({}, 0, 0, 0)


def test_the_ledger_gives_what_a_generation_lacks_and_what_it_must_forget(store: Store) -> None:
    with store.begin() as writer:
        writer.put_documents([_document("a", entities={"account": ("A-1",)}), _document("b")])
    generation = store.create_generation("minilm")
    pending = list(store.read_chunks(generation))
    assert [(p.chunk.chunk_id, p.text, p.entities, p.tags) for p in pending] == [
        ("lib:a#0", "One. Two.", ("account:A-1",), ("open",)), ("lib:b#0", "One. Two.", (), ("open",)),
    ]  # fmt: skip
    store.acknowledge(generation, [(p.chunk.chunk_id, p.hash) for p in pending])
    assert list(store.read_chunks(generation)) == [] and store.count_vectors(generation) == 2
    with store.begin() as writer:
        writer.put_documents([_document("a", "Changed.")])
        writer.delete_documents(["lib:b"])
    assert [p.chunk.chunk_id for p in store.read_chunks(generation)] == ["lib:a#0"]
    assert store.count_pending(generation) == 1 and store.count_pending(generation, ["crm"]) == 0
    assert store.stale_vectors(generation) == ["lib:b#0"]
    store.forget(generation, ["lib:b#0"])
    assert store.stale_vectors(generation) == []


def test_one_generation_is_live_at_a_time(store: Store) -> None:
    first, second = store.create_generation("m"), store.create_generation("m")
    assert store.live_generation() is None
    store.set_generation_status(first, "live")
    store.set_generation_status(second, "live")
    assert {g.generation: g.status for g in store.generations()} == {first: "old", second: "live"}
    store.drop_generation(second)
    assert store.create_generation("m") == second
    with pytest.raises(NotFoundError):
        store.set_generation_status("g9999", "live")


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=3)), max_size=8), max_size=5))
@settings(max_examples=25, deadline=None)
def test_after_any_syncs_the_table_holds_the_last_state(tmp_path_factory: pytest.TempPathFactory, states: list) -> None:  # type: ignore[type-arg]
    store = _store(tmp_path_factory.mktemp("store"))
    for state in states:
        wanted = dict(state)
        _put(store, PEOPLE, *(_row(key, name) for key, name in wanted.items()))
        assert dict(store.rows("people", ["id", "name"])) == wanted  # type: ignore[arg-type]


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    _store(tmp_path)
    with sqlite3.connect(tmp_path / "tower.sqlite") as connection:
        connection.execute("UPDATE _tower_meta SET value = '999' WHERE name = 'schema_version'")
    connection.close()
    with pytest.raises(StorageError, match="schema version 999"):
        _store(tmp_path)


def test_a_damaged_index_and_a_locked_one_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "tower.sqlite").write_bytes(b"nothing of the kind" * 200)
    with pytest.raises(StorageError, match="damaged"):
        _store(tmp_path)
    (tmp_path / "tower.sqlite").unlink()
    store = _store(tmp_path)
    blocker = sqlite3.connect(tmp_path / "tower.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    sa.event.listen(store._engine, "checkout", lambda c, *_: c.execute("PRAGMA busy_timeout = 10"))
    with pytest.raises(StorageError, match="another process"), store.begin():
        pass
    blocker.close()


def test_a_run_writes_until_another_of_its_source_begins(store: Store) -> None:
    first = store.start_run("crm")
    with store.begin() as writer:
        assert writer.holds_run(first)
        writer.put_state(SourceState("crm", {"cursor": 1}, "ok"))
    second = store.start_run("crm")
    with store.begin() as writer:
        assert not writer.holds_run(first) and writer.holds_run(second)
    store.fail_run(first, "crm", RunTotals(), "too late")
    assert store.source_state("crm").status == "ok"
    store.fail_run(second, "crm", RunTotals(), "unreachable")
    held = store.source_state("crm")
    assert (held.status, held.state, held.message) == ("failed", {"cursor": 1}, "unreachable")


def test_a_run_begins_only_when_what_another_is_writing_is_written(store: Store) -> None:
    first = store.start_run("crm")
    began: list[str] = []
    beginning = threading.Thread(target=lambda: began.append(store.start_run("crm")))
    with store.begin() as writer:
        assert writer.holds_run(first)
        beginning.start()
        beginning.join(0.3)
        assert not began
        writer.put_state(SourceState("crm", {"cursor": 2}))
    beginning.join(10)
    assert began and store.source_state("crm").state == {"cursor": 2}
