"""Search from question to passages: the SQL index has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.documents import RELEVANT
from index.engine import open_engine
from index.errors import NotFoundError
from index.reading import SqlDocuments
from index.scope import Scope
from index.search.passages import PassageIndex
from index.store.schema import chunks, documents
from index.store.store import Store
from index.vectors.gateway import Narrow
from index.vectors.memory import MemoryGateway
from ingest.indexing import index_vectors
from tests.index.shelf import WordEmbedder, document, put, reader, remove, store_at

PUBLIC = reader("public")


class Library:
    """A stored and indexed library, with the parts that a test may disturb."""

    def __init__(self, home: Path) -> None:
        self.store: Store = store_at(home)
        self.engine = open_engine(f"sqlite:///{home / 'tower.sqlite'}")
        self.gateway = MemoryGateway()
        self.embedder = WordEmbedder()
        self.index = PassageIndex(self.gateway, self.embedder, SqlDocuments(self.engine))
        put(
            self.store,
            document(
                "library:warranty.md",
                "Tents carry a warranty of five years from the day of sale.",
                "Poles that break in a storm are replaced without charge.",
                "Café prices: 12 € – “quoted” 𝒳 text with odd characters before the offsets of what follows.",
                date="2026-01-10",
                entities={"product": ("P-1", "P-2")},
            ),
            document("library:returns.md", "Boots may be sent back within thirty days.", date="2026-03-01"),
            document("hr:salaries.md", "The warranty clerk earns a salary.", source="hr", tags=frozenset({"secret"})),
        )
        self.refresh()

    def refresh(self) -> None:
        index_vectors(self.store, self.gateway, self.embedder, "g0001")

    def ids(self, query: str, scope: Scope = PUBLIC, narrow: Narrow | None = None) -> list[str]:
        return [p.chunk_id for p in self.index.search(query, scope, narrow=narrow or Narrow())]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    built = Library(tmp_path)
    yield built
    built.engine.dispose()


def test_the_best_passage_comes_first_with_its_place_in_the_stored_text(library: Library) -> None:
    first, *rest = library.index.search("how long is the warranty of tents", PUBLIC)
    assert first.chunk_id == "library:warranty.md#0"
    assert first.title == "Library:Warranty.Md" and first.heading == "Part 0" and first.date == "2026-01-10"
    assert first.entities == {"product": ("P-1", "P-2")}
    assert 0 < first.relevance <= 1 and RELEVANT < first.score < 1
    assert all(0 <= passage.score <= first.score for passage in rest)


def test_every_passage_is_the_stored_text_at_its_offsets(library: Library) -> None:
    documents_of = SqlDocuments(library.engine)
    for passage in library.index.search("prices storm thirty warranty", PUBLIC, k=20):
        assert passage.text == documents_of.document(passage.doc_id, PUBLIC).text[passage.start : passage.end]
        assert passage.text == documents_of.text(passage.doc_id, passage.start, passage.end, PUBLIC)


def test_other_scopes_see_other_passages(library: Library) -> None:
    assert "hr:salaries.md#0" not in library.ids("warranty clerk salary")
    assert library.ids("warranty clerk salary", reader("secret")) == ["hr:salaries.md#0"]
    assert library.ids("warranty", Scope.nothing("nobody")) == []


def test_a_narrowing_to_entities_documents_and_time_holds(library: Library) -> None:
    assert library.ids("warranty", narrow=Narrow(entities=("product:P-2",)))[0] == "library:warranty.md#0"
    assert library.ids("warranty", narrow=Narrow(entities=("product:P",))) == []
    assert library.ids("warranty", narrow=Narrow(doc_ids=("library:returns.md",))) == ["library:returns.md#0"]
    assert library.ids("warranty", narrow=Narrow(since="2026-02-01")) == ["library:returns.md#0"]


def test_one_document_does_not_take_every_place(library: Library) -> None:
    found = library.index.search("warranty storm prices", PUBLIC, k=8, per_document=1)
    assert [p.doc_id for p in found] == ["library:warranty.md", "library:returns.md"]


def test_what_says_the_same_again_is_left_out_unless_asked_for(library: Library) -> None:
    text = "Tents carry a warranty of five years from the day of sale, and poles that break are replaced at no charge."
    put(library.store, document("library:a.md", text), document("library:b.md", text + " Ask us."))
    put(library.store, document("library:c.md", text, tags=frozenset({"secret"})))
    library.refresh()
    copies = {"library:a.md", "library:b.md", "library:c.md"}

    def found(scope: Scope, *, repeats: bool) -> list[str]:
        hits = library.index.search("warranty of tents", scope, repeats=repeats)
        return [hit.doc_id for hit in hits if hit.doc_id in copies]

    assert set(found(PUBLIC, repeats=True)) == {"library:a.md", "library:b.md"}
    assert len(found(PUBLIC, repeats=False)) == 1
    assert found(reader("secret"), repeats=False) == ["library:c.md"]  # a copy that is not seen takes nobody's place


def test_a_blank_question_finds_nothing(library: Library) -> None:
    assert library.ids("  \n") == []
    assert library.index.search("warranty", PUBLIC, k=0) == ()


def test_a_passage_that_changed_since_it_was_indexed_is_left_out(library: Library) -> None:
    put(library.store, document("library:returns.md", "Boots may not be sent back.", date="2026-03-01"))
    assert "library:returns.md#0" not in library.ids("boots sent back")
    library.refresh()
    assert library.ids("boots sent back")[0] == "library:returns.md#0"


def test_a_removed_document_is_not_found_even_before_the_vectors_know(library: Library) -> None:
    remove(library.store, "library:returns.md")
    assert "library:returns.md#0" not in library.ids("boots sent back")


def test_tags_are_checked_against_the_stored_document_too(library: Library) -> None:
    with library.engine.begin() as connection:
        connection.execute(sa.update(documents).where(documents.c.source == "library").values(tags='["secret"]'))
    assert library.ids("warranty of tents") == []


def test_an_invisible_document_is_as_missing_as_one_that_is_not_there(library: Library) -> None:
    read = SqlDocuments(library.engine)
    messages = set()
    for doc_id in ("hr:salaries.md", "hr:none.md"):
        with pytest.raises(NotFoundError) as error:
            read.document(doc_id, PUBLIC)
        messages.add(error.value.message.replace(doc_id, "?"))
        with pytest.raises(NotFoundError):
            read.text(doc_id, 0, 5, PUBLIC)
    assert len(messages) == 1
    assert read.chunks(["hr:salaries.md#0", "library:returns.md#0"], PUBLIC).keys() == {"library:returns.md#0"}
    assert read.chunks(["library:returns.md#0"], Scope.nothing("nobody")) == {}


def test_hits_of_changed_chunks_do_not_shorten_the_answer(library: Library) -> None:
    put(library.store, document("library:many.md", *[f"Warranty clause number {n} of tents." for n in range(40)]))
    library.refresh()
    with library.engine.begin() as connection:
        stale = chunks.c.chunk_id.like("library:many.md#%")
        connection.execute(sa.update(chunks).where(stale).values(hash="changed"))
    assert "library:warranty.md#0" in library.ids("warranty of tents clause number")
