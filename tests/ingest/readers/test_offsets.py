"""Every chunk, section and quote is the stored text between its offsets, whatever the format."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.documents import Document
from index.store.writer import StoredDocument
from ingest.chunking import CHUNK_CHARACTERS, chunk
from ingest.readers import ParsedDocument
from ingest.readers.base import FileData
from ingest.readers.formats import parse_parts
from ingest.readers.pool import ReaderPool
from tests.evals import DOCUMENTS, REASON
from tests.ingest.company import open_store
from tests.ingest.readers.samples import WRITERS

_WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=12)
_LINES = st.lists(_WORDS, min_size=1, max_size=60).map(" ".join)
_TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(_WORDS, min_size=width, max_size=width), min_size=1, max_size=12)
)


def check_offsets(parsed: ParsedDocument) -> None:
    """Sections begin where their titles stand; chunks cut the text in order, and lose only white space."""
    text = parsed.text
    last = -1
    for section in parsed.sections:
        assert text.startswith(section.title, section.start) and last <= section.start <= len(text)
        last = section.start
    document = Document("s:d", "s", parsed.title, text, frozenset(), sections=parsed.sections)
    end = 0
    for piece in chunk(document):
        assert end <= piece.start < piece.end <= len(text) and piece.end - piece.start <= CHUNK_CHARACTERS
        assert not text[end : piece.start].strip()
        quote = text[piece.start : piece.end]
        assert quote.strip() == quote and text.find(quote, piece.start) == piece.start
        end = piece.end
    assert not text[end:].strip()
    assert text == text.encode("utf-8").decode("utf-8") and "\r" not in text and "\x00" not in text


@pytest.mark.parametrize("suffix", sorted(WRITERS))
@given(title=_LINES, paragraphs=st.lists(_LINES, max_size=8), table=_TABLES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_offsets_are_exact_in_every_format(
    suffix: str, title: str, paragraphs: list[str], table: list[list[str]]
) -> None:
    try:
        data = WRITERS[suffix](title, paragraphs, table)
    except ValueError:  # a library does not write what Excel or XML may not hold
        return
    for part in parse_parts(FileData(f"a{suffix}", data)):
        if part.document is not None:
            check_offsets(part.document)
        else:
            assert part.reason


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_every_format_gives_its_words_and_its_table(suffix: str) -> None:
    paragraphs = ["The notice period is ninety days before the end of the term.", "Cold water only, says the label."]
    table = [["Class", "Years"], ["Tents", "three"], ["Packs", "seven"]]
    data = WRITERS[suffix]("Warranty terms", paragraphs, table)
    (part,) = parse_parts(FileData(f"a{suffix}", data))
    assert part.document is not None, part.reason
    text = part.document.text
    if suffix not in (".csv", ".json"):
        assert "ninety days before the end" in " ".join(text.split()) and "Warranty terms" in text
        assert part.document.meta["language"] == "en"
    if suffix not in (".rtf", ".rss", ".txt"):
        assert re.search(r"\| Class \| Years \|\n(\| --- )+\|\n\| Tents \| three \|", text), text


@pytest.mark.skipif(DOCUMENTS is None, reason=REASON)
def test_offsets_are_exact_in_all_the_parser_test_files(tmp_path: Path) -> None:
    assert DOCUMENTS is not None
    folders = [DOCUMENTS / name for name in ("docs_docling", "docs_markitdown")]
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    store, read = open_store(tmp_path), 0
    with ReaderPool() as readers:
        for path, reading in zip(paths, readers.read_all(paths), strict=True):
            for number, part in enumerate(reading.parts):
                if part.document is None:
                    assert part.reason and (part.place or path.name) in part.reason
                    continue
                check_offsets(part.document)
                read += 1
                name = f"files:{path.name}/{number}/{read}"
                document = Document(name, "files", part.document.title, part.document.text, frozenset({"all"}),
                                    sections=part.document.sections, meta=part.document.meta)  # fmt: skip
                with store.begin() as writer:
                    writer.put_documents([StoredDocument(document, chunk(document), name)])
    assert read > 120
    held = {stored.document.doc_id: stored.document.text for stored in store.documents("files")}
    for pending in store.read_chunks(""):  # as a citation cuts it, in the database
        start, end = pending.chunk.start, pending.chunk.end
        assert pending.text == held[pending.chunk.doc_id][start:end]
