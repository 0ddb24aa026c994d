"""The draft as a value: subject and paragraphs of cited sentences, addressee, sender, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from query.evidence import Citation, Sentence, Slot
from query.plan import Egress

Block = Literal["paragraph", "bullets", "lines"]


@dataclass(frozen=True)
class Paragraph:
    """Sentences that stand together: run on, as a list, or a line each (a signature)."""

    sentences: tuple[Sentence, ...]
    block: Block = "paragraph"

    def text(self, marks: bool) -> str:
        """The paragraph as Markdown, with `[n]` after each sentence where `marks` is set."""
        parts = [marked(s) if marks else s.text() for s in self.sentences]
        if self.block == "bullets":
            return "\n".join(f"- {part}" for part in parts)
        return "  \n".join(parts) if self.block == "lines" else " ".join(parts)


@dataclass(frozen=True)
class DraftImage:
    """A picture to put into a draft: `path` as the data gives it, what it shows, and the citation of its cell."""

    path: str
    name: str
    key: str
    citation: Citation


@dataclass(frozen=True)
class Attachment:
    """A document that goes with a letter, by reference."""

    doc_id: str
    title: str


@dataclass(frozen=True)
class Draft:
    """One e-mail or description for a person to approve. `citations` are its own, numbered from 1.

    `to` and `sender` are `Name <address>`, empty where the asker may not see them or there is none. `facts` names
    the facts of the entity that it uses; `notices` say what was left out and why; `language` is its template's;
    `egress` is what left for a model that worded it.
    """

    kind: str
    entity: str
    key: str
    subject: Sentence
    body: tuple[Paragraph, ...]
    to: str = ""
    sender: str = ""
    images: tuple[DraftImage, ...] = ()
    citations: tuple[Citation, ...] = ()
    facts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = "en"
    egress: tuple[Egress, ...] = ()

    def sentences(self) -> Iterator[Sentence]:
        """The subject, then every sentence of the body."""
        yield self.subject
        for paragraph in self.body:
            yield from paragraph.sentences

    def markdown(self) -> str:
        """The body as Markdown with `[n]` marks, for the person who approves it."""
        return "\n\n".join(p.text(marks=True) for p in self.body)

    def plain(self) -> str:
        """The body without marks, as the customer would read it."""
        return "\n\n".join(p.text(marks=False) for p in self.body).replace("  \n", "\n")


def marked(sentence: Sentence) -> str:
    """A sentence with the marks of its citations before its final punctuation, each number once."""
    text = sentence.text()
    numbers = dict.fromkeys(p.citation.n for p in sentence.parts if isinstance(p, Slot))
    if not numbers:
        return text
    marks = "".join(f"[{n}]" for n in numbers)
    return f"{text} {marks}"


def renumbered(
    subject: Sentence, body: Sequence[Paragraph], images: Sequence[DraftImage]
) -> tuple[Sentence, tuple[Paragraph, ...], tuple[DraftImage, ...], tuple[Citation, ...]]:
    """The parts of a draft with their citations numbered from 1 as they are met (body first), and those citations."""
    numbers: dict[int, Citation] = {}

    def renumber(citation: Citation) -> Citation:
        if citation.n not in numbers:
            numbers[citation.n] = replace(citation, n=len(numbers) + 1)
        return numbers[citation.n]

    def sentence_of(sentence: Sentence) -> Sentence:
        parts = (p if isinstance(p, str) else replace(p, citation=renumber(p.citation)) for p in sentence.parts)
        return replace(sentence, parts=tuple(parts))

    paragraphs = tuple(replace(p, sentences=tuple(sentence_of(s) for s in p.sentences)) for p in body)
    head = sentence_of(subject)
    pictures = tuple(replace(i, citation=renumber(i.citation)) for i in images)
    return head, paragraphs, pictures, tuple(numbers.values())
