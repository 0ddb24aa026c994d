"""Putting a document's text together block by block, so that sections begin at exact characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from index.documents import Section
from ingest.readers.base import MAX_TEXT, ParsedDocument
from ingest.readers.clean import one_line, tidy

MAX_WARNINGS = 20


class TextBuilder:
    """Collects headings, blocks, tables and pages; blocks are kept apart by an empty line."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._page: int | None = None
        self._page_begins = False
        self._first_heading = ""
        self.warnings: list[str] = []
        self.sections: list[Section] = []
        self.full = False

    def page(self, number: int) -> None:
        """The blocks that follow stand on page `number`, from 1."""
        self._page, self._page_begins = number, True

    def heading(self, title: str, level: int) -> None:
        """A heading of `level` 1..6; it stands in the text too, and a section begins with it."""
        title = one_line(title)
        if not title:
            return
        self._first_heading = self._first_heading or title
        start = self._append(title)
        if start is not None:
            self.sections.append(Section(start, title, max(1, min(level, 6)), self._page))
            self._page_begins = False

    def block(self, text: str) -> None:
        """A paragraph, list or other text; inner line ends are kept."""
        text = tidy(text)
        if text and (start := self._append(text)) is not None and self._page_begins:
            self.sections.append(Section(start, "", 0, self._page))
            self._page_begins = False

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """A table as Markdown pipes, the first row as its header."""
        self.block(pipe_table(rows))

    def embed(self, title: str, parsed: ParsedDocument, level: int = 1) -> None:
        """Another document under a heading of its own: an attachment, a chapter."""
        self.heading(title, level)
        start = self._append(parsed.text)
        if start is not None:
            self.sections += [
                Section(start + s.start, s.title, min(s.level + level, 6), self._page)
                for s in parsed.sections
                if s.title and start + s.start + len(s.title) <= self._length
            ]

    def warn(self, text: str) -> None:
        """Something that was left out."""
        if text not in self.warnings:
            self.warnings.append(text)

    def finish(self, title: str, kind: str, date: str = "", meta: Mapping[str, str] | None = None) -> ParsedDocument:
        """The document that was put together."""
        if self.full:
            self.warn(f"the text was cut at its limit of {MAX_TEXT:,} characters")
        warnings = self.warnings[:MAX_WARNINGS]
        if len(self.warnings) > MAX_WARNINGS:
            warnings.append(f"{len(self.warnings) - MAX_WARNINGS} more warnings")
        sections = tuple(self.sections)
        return ParsedDocument(title, self.text(), sections, kind, date, meta or {}, tuple(warnings))

    @property
    def first_heading(self) -> str:
        """The first heading, or an empty text."""
        return self._first_heading

    def text(self) -> str:
        """The whole text."""
        return "\n\n".join(self._parts)

    def _append(self, text: str) -> int | None:
        if self.full:
            return None
        start = self._length + 2 if self._parts else 0
        if start + len(text) > MAX_TEXT:
            self.full = True
            text = text[: max(MAX_TEXT - start, 0)].rpartition("\n")[0]  # whole lines of what still fits
            if not text:
                return None
        self._parts.append(text)
        self._length = start + len(text)
        return start


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown pipe table; empty where no cell has text."""
    cells = [[one_line(cell).replace("|", "/") for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(len(row) for row in cells)
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in cells]
    if len(lines) > 1:
        lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)
