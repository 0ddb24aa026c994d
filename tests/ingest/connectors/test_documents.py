"""LlamaIndex readers and object stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest
from llama_index.core import Document
from llama_index.core.readers.base import BaseReader

from ingest.config import load_sources
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store

PAGES: dict[str, str] = {}


class Pages(BaseReader):
    """A reader as LlamaHub's are: documents with random ids, and metadata that says where from."""

    def __init__(self, prefix: str, token: str = "") -> None:
        if token == "bad-token-value":
            raise ValueError(f"the token {token} is wrong")
        self.prefix = prefix

    def load_data(self, limit: int = 100) -> list[Document]:  # type: ignore[override]
        return [Document(text=self.prefix + text, metadata={"url": url}) for url, text in list(PAGES.items())[:limit]]


def _sync(mapping: dict[str, Any], home: Path, store: Any = None, **options: Any) -> SyncReport:
    (report,) = sync(load_sources({"it": mapping}, home, {}), store or open_store(home), None, **options)
    return report


READER = {"kind": "reader", "class": f"{__name__}.Pages", "arguments": {"prefix": "page "}}


def test_the_documents_of_any_reader_are_read_and_kept_in_step(tmp_path: Path) -> None:
    PAGES.clear()
    PAGES.update({f"https://example.com/{n}": f"about boots {n}" for n in range(5)})
    store = open_store(tmp_path)
    assert _sync(READER, tmp_path, store).ok
    assert next(d.document.text for d in store.documents("it")) == "page about boots 0"
    assert _sync(READER, tmp_path, store).totals.loaded == 0
    del PAGES["https://example.com/3"]
    assert _sync(READER, tmp_path, store).totals.deleted == 1
    assert len(list(store.documents("it"))) == 4


def test_a_reader_that_is_not_there_or_fails_is_told_without_its_secrets(tmp_path: Path) -> None:
    gone = _sync({"kind": "reader", "class": "nowhere.Reader"}, tmp_path)
    assert "no reader" in gone.message and "installed" in gone.hint
    bad = _sync({**READER, "secret_arguments": {"token": "bad-token-value"}}, tmp_path)
    assert not bad.ok and "[secret]" in bad.message and "bad-token-value" not in str(bad)


@pytest.fixture
def bucket() -> Any:
    store = fsspec.filesystem("memory")
    store.pipe({f"/bucket/notes/{n}.md": f"# Note {n}\n\nBoots.".encode() for n in range(4)})
    store.pipe("/bucket/accounts.csv", b"id,name\n1,a\n2,b\n")
    yield store
    store.rm("/bucket", recursive=True)


def test_an_object_store_is_read_like_a_folder_and_fetched_only_where_it_changed(tmp_path: Path, bucket: Any) -> None:
    mapping = {"kind": "files", "path": "memory://bucket"}
    store = open_store(tmp_path)
    assert _sync(mapping, tmp_path, store).ok
    assert store.status().tables == {"accounts": 2} and store.status().documents == 4
    first = next(iter(store.documents("it")))
    assert first.document.uri == "memory://bucket/notes/0.md"
    before = (tmp_path / "objects/it/notes/1.md").stat().st_mtime_ns
    bucket.rm("/bucket/notes/0.md")
    bucket.pipe("/bucket/accounts.csv", b"id,name\n1,a\n2,c\n3,d\n")
    report = _sync(mapping, tmp_path, store)
    assert (report.totals.loaded, report.totals.deleted) == (2, 1)
    assert (tmp_path / "objects/it/notes/1.md").stat().st_mtime_ns == before


def test_an_empty_bucket_deletes_nothing(tmp_path: Path, bucket: Any) -> None:
    mapping = {"kind": "files", "path": "memory://bucket"}
    store = open_store(tmp_path)
    _sync(mapping, tmp_path, store)
    bucket.rm("/bucket", recursive=True)
    bucket.makedirs("/bucket", exist_ok=True)
    report = _sync(mapping, tmp_path, store)
    assert "nothing was deleted" in report.message and store.status().documents == 4
    assert _sync(mapping, tmp_path, store, full=True).totals.deleted >= 4
    bucket.pipe("/bucket/x.md", b"# X")
