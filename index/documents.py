"""Documents, chunks and passages: values that move between ingest, the two indices and the query side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RELEVANT = 0.2  # the score below which a passage is likely to be there by chance; docs/decisions/0016
ABOUT = 0.5  # the cosine from which it is not: among a few documents every word is common, and scores are low


@dataclass(frozen=True)
class Section:
    """A heading or a page that begins at character `start` of the document's text."""

    start: int
    title: str = ""
    level: int = 0
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """One document as stored. Offsets everywhere are characters into `text`.

    `doc_id` is `source:id at the source` (a file's id is its path under the source's folder).
    `entities` says what it is about: entity name to keys. `tags` is what policy looks at; untagged is invisible.
    `date` is ISO (`2026-05-01`), from the source where it has one.
    """

    doc_id: str
    source: str
    title: str
    text: str
    tags: frozenset[str]
    uri: str = ""
    kind: str = ""
    date: str = ""
    entities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chunk:
    """`document.text[start:end]`, with the heading path and page it stands under.

    `chunk_id` is `doc_id#ordinal`; `context` is the title and headings put before the text when it is embedded.
    """

    chunk_id: str
    doc_id: str
    ordinal: int
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    context: str = ""


SENDER = "sender"  # the key of a document's meta that says who sent it in


@dataclass(frozen=True)
class Passage:
    """A chunk found for a query. `text` is the stored text between `start` and `end`; `score` is in 0..1.

    `relevance` is the dense cosine similarity of query and passage, comparable across questions. `author` is what a
    document says of itself, `sender` who sent it in from outside: an e-mail's address, the author of a row.
    """

    chunk_id: str
    doc_id: str
    source: str
    title: str
    text: str
    start: int
    end: int
    score: float
    relevance: float
    heading: str = ""
    page: int | None = None
    date: str = ""
    uri: str = ""
    entities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    author: str = ""
    sender: str = ""

    @property
    def likely(self) -> bool:
        """False for a passage that is likely to be there by chance."""
        return self.score >= RELEVANT or self.relevance >= ABOUT
