"""Reading passages from the driver itself: the same rows, and the same failures, on each engine."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from index.documents import Chunk, Document
from index.engine import open_engine
from index.errors import StorageError
from index.reading import _BATCH, SqlDocuments
from index.scope import Principal, Scope
from index.store.store import Store
from index.store.writer import StoredDocument

SCOPE = Scope(Principal("emma"), {}, frozenset({"public"}))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    if request.param == "sqlite":
        return open_engine(f"sqlite:///{tmp_path_factory.mktemp('reading') / 'tower.db'}")
    return open_engine(request.getfixturevalue("postgres").database("reading", ""))


def _document(number: int) -> StoredDocument:
    tag = "public" if number % 2 else "secret"
    document = Document(f"d:{number}", "d", f"Zoë's {number}%", f"Begin: text {number}", frozenset({tag}))
    return StoredDocument(document, (Chunk(f"d:{number}#0", f"d:{number}", 0, 7, len(document.text)),), "")


def test_passages_are_cut_out_for_whom_they_are_visible(engine: sa.Engine) -> None:
    store = Store(engine)
    store.create()
    with store.begin() as writer:
        writer.put_documents(_document(number) for number in range(_BATCH + 20))
    documents = SqlDocuments(engine)
    ids = [f"d:{number}#0" for number in range(_BATCH + 20)]
    for asked in (ids[:1], ids[:9], [*ids[:9], "d:none#0", "'; --"], ids):
        found = documents.chunks(asked, SCOPE)
        visible = [chunk_id for number, chunk_id in enumerate(ids[: len(asked)]) if number % 2]
        assert sorted(found) == sorted(one for one in visible if one in asked)
    one = documents.chunks(ids[:2], SCOPE)["d:1#0"]
    assert (one.text, one.start, one.document.title, one.alike) == ("text 1", 7, "Zoë's 1%", None)
    assert documents.chunks([], SCOPE) == {} == documents.chunks(ids[:2], Scope.nothing("nobody"))


def test_what_the_database_says_is_told_in_our_words(engine: sa.Engine) -> None:
    with pytest.raises(StorageError, match="it has not been set up"):
        SqlDocuments(engine).chunks(["d:1#0"], SCOPE)
    Store(engine).create()
    assert SqlDocuments(engine).chunks(["d:1#0"], SCOPE) == {}
