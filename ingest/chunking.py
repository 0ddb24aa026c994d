"""Cutting documents into chunks along their structure, with exact offsets.

Every chunk is `text[start:end]`. The chunks of a document do not overlap, stand in order, and between them only white
space is left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.documents import Chunk, Document, Section

CHUNK_CHARACTERS = 800  # about 180 tokens of MiniLM, which sees 256
SMALL_CHARACTERS = 300
HEADER_CHARACTERS = 300  # of a table's header, repeated before each part of it
CHUNKING_VERSION = "2"

_ABBREVIATIONS = frozenset(
    ["mr", "mrs", "ms", "dr", "prof", "st", "no", "nr", "art", "sec", "fig", "vs", "etc", "inc", "ltd", "co", "corp",
     "e.g", "i.e", "approx", "dept", "est", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
     "nov", "dec", "p", "pp", "vol", "cf", "al", "z.b", "bzw", "ca", "tel"]
)  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？]\s*|\n(?=\s*(?:[-*•|]|\d{1,3}[.)])\s)")


@dataclass(frozen=True)
class _Piece:
    start: int
    end: int
    heading: tuple[str, ...]
    page: int | None

    @property
    def length(self) -> int:
        return self.end - self.start


def chunk(document: Document, size: int = CHUNK_CHARACTERS) -> tuple[Chunk, ...]:
    """The chunks of a document, each of at most `size` characters.

    Sections are never mixed with a page of another number; small neighbouring sections are put together; a sentence
    is split only where it alone is too long.
    """
    pieces: list[_Piece] = []
    for start, end, heading, page in _sections(document):
        pieces += [_Piece(a, b, heading, page) for a, b in _cut(document.text, start, end, size)]
    merged = _merge(_glue_headings(document.text, pieces, size), size)
    return tuple(_chunk(document, number, piece) for number, piece in enumerate(merged))


def _chunk(document: Document, number: int, piece: _Piece) -> Chunk:
    name, heading = f"{document.doc_id}#{number}", " > ".join(piece.heading)
    context = " > ".join(dict.fromkeys(part for part in (document.title, *piece.heading) if part))
    if header := _header_above(document.text, piece.start):
        context = f"{context}\n{header}" if context else header
    return Chunk(name, document.doc_id, number, piece.start, piece.end, heading, piece.page, context)


def _header_above(text: str, start: int) -> str:
    """The header of the table that a chunk begins in the middle of; empty for every other chunk.

    The chunk itself stays what the text says: the header goes before it when it is embedded.
    """
    if not text.startswith("|", start):
        return ""
    begin = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    if not text.startswith("|", begin):
        found = text.find("\n|", begin, start)
        begin = found + 1 if found >= 0 else start
    if begin == start:
        return ""
    first, _, rest = text[begin:start].partition("\n")
    ruled = rest.startswith("| ---") or rest.startswith("|---")
    return first[:HEADER_CHARACTERS] if ruled or not rest else ""


def sentence_ends(text: str) -> list[int]:
    """The offsets behind each sentence of `text` (behind the white space that follows it), the last one included."""
    ends: list[int] = []
    for found in _SENTENCE_END.finditer(text):
        if found.group().startswith(".") and not _is_sentence_end(text, found.start(), found.end()):
            continue
        ends.append(found.end())
    if not ends or ends[-1] != len(text):
        ends.append(len(text))
    return ends


def _is_sentence_end(text: str, dot: int, after: int) -> bool:
    word = re.split(r"[\s(\[\"']", text[max(0, dot - 20) : dot])[-1].lower()
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return "\n" in text[dot:after] and text[dot:after].count("\n") > 1
    return not text[after : after + 1].islower()


def _sections(document: Document) -> Iterator[tuple[int, int, tuple[str, ...], int | None]]:
    """`(start, end, heading path, page)` of every stretch of the text."""
    text = document.text
    starts = [s for s in document.sections if 0 <= s.start <= len(text)]
    if not starts or starts[0].start > 0:
        starts.insert(0, Section(0))
    path: list[tuple[int, str]] = []
    page: int | None = None
    for number, section in enumerate(starts):
        page = section.page if section.page is not None else page
        if section.title:
            path = [entry for entry in path if entry[0] < section.level] + [(section.level, section.title)]
        end = starts[number + 1].start if number + 1 < len(starts) else len(text)
        if end > section.start:
            yield section.start, end, tuple(title for _, title in path), page


def _cut(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    """The stretch `start:end` in parts of at most `size`, at the best places there are."""
    start, end = _strip(text, start, end)
    if end - start <= size:
        return [(start, end)] if end > start else []
    blocks = _split_at(text, start, end, r"\n\s*\n")
    units: list[tuple[int, int]] = []
    for a, b in blocks:
        units += [(a, b)] if b - a <= size else _cut_block(text, a, b, size)
    return _pack(units, size)


def _cut_block(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    block = text[start:end]
    if block.startswith("|"):
        rows: list[tuple[int, int]] = []
        for a, b in _split_at(text, start, end, r"\n"):
            rows += [(a, b)] if b - a <= size else _cut_words(text, a, b, size)
        return _pack(rows, size, hard=True)
    ends = sentence_ends(block)
    sentences: list[tuple[int, int]] = []
    for a, b in zip([0, *ends[:-1]], ends, strict=True):
        first, last = _strip(text, start + a, start + b)
        if last - first <= size:
            sentences += [(first, last)] if last > first else []
        else:
            lines = _split_at(text, first, last, r"\n")
            for line in lines if len(lines) > 1 else [(first, last)]:
                sentences += [line] if line[1] - line[0] <= size else _cut_words(text, *line, size)
    return _pack(sentences, size, hard=True)


def _cut_words(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    parts: list[tuple[int, int]] = []
    while end - start > size:
        space = text.rfind(" ", start + size // 2, start + size)
        stop = space if space > start else start + size
        parts.append(_strip(text, start, stop))
        start, _ = _strip(text, stop, end)
    return [*parts, (start, end)] if end > start else parts


def _split_at(text: str, start: int, end: int, pattern: str) -> list[tuple[int, int]]:
    parts: list[tuple[int, int]] = []
    position = start
    for found in re.compile(pattern).finditer(text, start, end):
        parts.append(_strip(text, position, found.start()))
        position = found.end()
    parts.append(_strip(text, position, end))
    return [(a, b) for a, b in parts if b > a]


def _pack(units: Sequence[tuple[int, int]], size: int, *, hard: bool = False) -> list[tuple[int, int]]:
    """Neighbouring units together as long as they fit, in parts of about equal length.

    Unless `hard`, a unit that would leave a short rest is not torn from the part before it for evenness alone.
    """
    if not units:
        return []
    total = units[-1][1] - units[0][0]
    goal = min(size, max(size // 2, -(-total // max(1, -(-total // size))) + 40)) if hard else size
    parts = [units[0]]
    for start, end in units[1:]:
        first, last = parts[-1]
        if end - first <= size and last - first < goal:
            parts[-1] = (first, end)
        else:
            parts.append((start, end))
    return parts


def _glue_headings(text: str, pieces: Sequence[_Piece], size: int) -> list[_Piece]:
    """A heading with nothing under it goes with the first piece below it, whose path holds it."""
    glued: list[_Piece] = []
    for piece in reversed(pieces):
        below = glued[-1] if glued else None
        if (
            below is not None
            and piece.heading
            and text[piece.start : piece.end].lstrip("# ") == piece.heading[-1]
            and below.heading[: len(piece.heading)] == piece.heading
            and below.page == piece.page
            and below.end - piece.start <= size
        ):
            glued[-1] = _Piece(piece.start, below.end, below.heading, below.page)
        else:
            glued.append(piece)
    return glued[::-1]


def _merge(pieces: Sequence[_Piece], size: int) -> list[_Piece]:
    """Small neighbours on one page together; what they have in common is their heading."""
    merged: list[_Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.page == piece.page
            and piece.end - last.start <= size
            and min(last.length, piece.length) <= SMALL_CHARACTERS
        ):
            merged[-1] = _Piece(last.start, piece.end, _common(last.heading, piece.heading), last.page)
        else:
            merged.append(piece)
    return merged


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    if left == right[: len(left)]:
        return left  # a heading and what stands under it
    shared: list[str] = []
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        shared.append(a)
    return tuple(shared)


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def section_at(sections: Sequence[Section], offset: int) -> Section | None:
    """The section that the character at `offset` stands in, or None before the first."""
    place = bisect_right([s.start for s in sections], offset) - 1
    return sections[place] if place >= 0 else None
