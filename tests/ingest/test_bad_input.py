"""What a source must survive: files that cannot be read, links that go round, names with anything in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.errors import SourceError, StorageError
from index.store.store import Store
from ingest.progress import Progress, SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store, sources
from tests.ingest.readers import hostile

NOTES = "notes: {kind: files, path: notes, documents: [{files: '**/*', tags: [all]}]}"


def ingest(home: Path, store: Store | None = None, text: str = NOTES) -> SyncReport:
    (report,) = sync(sources(home, text), store or open_store(home), None)
    return report


def documents(home: Path) -> list[str]:
    return [stored.document.doc_id for stored in open_store(home).documents("notes")]


def quarantine(home: Path) -> dict[str, str]:
    return {record.origin: record.reason for record in open_store(home).quarantined()}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "fine.md").write_text("# Fine\n\nWords.")
    return folder


def test_files_that_hurt_land_in_quarantine_and_the_others_are_read(notes: Path, tmp_path: Path) -> None:
    hostile.sparse(notes / "large.pdf")
    (notes / "laughs.docx").write_bytes(hostile.billion_laughs())
    (notes / "empty.md").write_bytes(b"")
    (notes / "deep.ipynb").write_bytes(hostile.deep_json())
    report = ingest(tmp_path)
    assert report.ok and report.totals.balanced
    assert documents(tmp_path) == ["notes:fine.md"]
    reasons = quarantine(tmp_path)
    assert set(reasons) == {"large.pdf", "laughs.docx", "empty.md", "deep.ipynb"}
    assert all(
        (reason.startswith(name) and reason.endswith(")")) or "no text" in reason for name, reason in reasons.items()
    )
    again = ingest(tmp_path)
    assert again.totals.loaded == 0 and again.totals.balanced


def test_an_archive_gives_a_document_a_member(notes: Path, tmp_path: Path) -> None:
    (notes / "old.zip").write_bytes(hostile.zip_of(a__md=b"# One", b__txt=b"Two.", c__zip=b"PK", d__png=b"x"))
    report = ingest(tmp_path)
    assert report.totals.loaded == 3 and report.totals.balanced
    assert documents(tmp_path) == ["notes:fine.md", "notes:old.zip/a.md", "notes:old.zip/b.txt"]
    assert set(quarantine(tmp_path)) == {"old.zip#c.zip", "old.zip#d.png"}
    (notes / "old.zip").write_bytes(hostile.zip_of(b__txt=b"Two."))
    assert ingest(tmp_path).totals.deleted == 1
    assert documents(tmp_path) == ["notes:fine.md", "notes:old.zip/b.txt"] and quarantine(tmp_path) == {}


@pytest.mark.parametrize(
    "name", ["C# notes.md", "a#b#c.md", "new\nline.md", "ünï çödé ☃.md", "semi;'\"quote.md", "#.md"]
)
def test_a_name_may_hold_anything(notes: Path, tmp_path: Path, name: str) -> None:
    (notes / name).write_text("# One")
    assert ingest(tmp_path).totals.loaded == 2
    (notes / name).write_text("# Two")
    changed = ingest(tmp_path)
    assert (changed.totals.loaded, changed.totals.quarantined) == (1, 0)
    assert f"notes:{name}" in documents(tmp_path)
    (notes / name).unlink()
    assert ingest(tmp_path).totals.deleted == 1


def test_a_name_that_is_no_text_is_read(notes: Path, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(notes) + b"/\xff\xfe.md")).write_text("# Odd")
    assert ingest(tmp_path).totals.loaded == 2
    assert "notes:\ufffd\ufffd.md" in documents(tmp_path)


def test_links_that_go_round_or_nowhere_are_left_out(notes: Path, tmp_path: Path) -> None:
    (notes / "self").symlink_to(notes / "self")
    (notes / "up").symlink_to(notes)
    (notes / "one").symlink_to(notes / "two")
    (notes / "two").symlink_to(notes / "one")
    (notes / "gone.md").symlink_to(notes / "nowhere.md")
    assert ingest(tmp_path).ok
    assert documents(tmp_path) == ["notes:fine.md"]


def test_a_pipe_in_the_folder_does_not_stop_it(notes: Path, tmp_path: Path) -> None:
    os.mkfifo(notes / "pipe.md")
    assert ingest(tmp_path).ok and documents(tmp_path) == ["notes:fine.md"]


def test_a_wrong_path_is_a_failed_source_with_a_hint(tmp_path: Path) -> None:
    report = ingest(tmp_path)
    assert report.status == "failed" and "no file or folder at" in report.message and "mounted" in report.hint


def test_a_file_that_cannot_be_opened_keeps_what_it_said_before(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(tmp_path)

    def refuse(path: Path) -> str:
        raise SourceError(f"{path.name}: cannot be read: Permission denied")

    (notes / "fine.md").write_text("# Changed")
    monkeypatch.setattr("ingest.files.sha256", refuse)
    report = ingest(tmp_path)
    assert report.ok and "Permission denied" in report.warnings[0] and report.totals.balanced
    assert documents(tmp_path) == ["notes:fine.md"] and "Permission denied" in quarantine(tmp_path)["fine.md"]
    monkeypatch.undo()
    assert ingest(tmp_path).totals.loaded == 1 and quarantine(tmp_path) == {}


def test_a_full_disk_ends_the_sync_and_leaves_whole_documents_only(notes: Path, tmp_path: Path) -> None:
    for number in range(300):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\n" + f"Words of note {number}. " * 60)
    store = open_store(tmp_path)
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0

    @sa.event.listens_for(store._engine, "connect")
    def fill(raw: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        raw.cursor().execute(f"PRAGMA max_page_count = {pages + 120}")

    store._engine.dispose()
    with pytest.raises(StorageError, match="full") as caught:
        ingest(tmp_path, store)
    assert caught.value.hint
    held = list(open_store(tmp_path).documents("notes"))
    assert all(stored.chunks and stored.chunks[-1].end == len(stored.document.text) for stored in held)
    assert len(held) % 100 in (0, 1)  # whole batches
    assert ingest(tmp_path).ok and len(documents(tmp_path)) == 301


def test_ctrl_c_ends_the_sync_its_readers_and_nothing_else(notes: Path, tmp_path: Path) -> None:
    for number in range(250):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\nWords.")

    def interrupt(progress: Progress) -> None:
        if progress.done == 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(sources(tmp_path, NOTES), open_store(tmp_path), None, progress=interrupt)
    assert len(documents(tmp_path)) == 100  # the batch that was done
    report = ingest(tmp_path)
    assert (report.totals.unchanged, report.totals.loaded) == (100, 151)
