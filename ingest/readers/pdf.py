"""PDF by PDFium: pages in reading order, wrapped lines joined, tables as tables, headings by their letters."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from index.errors import SourceError
from ingest.readers.base import MAX_PAGES, FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.pdf_layout import Grid, Line, arrange
from ingest.readers.pdf_runs import page_runs

_BULLET = re.compile(r"\s*(?:[•◦▪‣●○■–—*-]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+\S")
_NUMBER = r"(?:page|seite|página|pagina)?\s*[-–|]?\s*(?:\d+|[ivxlc]+)(?:\s*(?:/|of|von|de|sur)\s*\d+)?\s*[-–|]?"
_PAGE_NUMBER = re.compile(rf"\A{_NUMBER}(?:\s+|\Z)|\s+{_NUMBER}\Z", re.IGNORECASE)
_HYPHENS = ("\ufffe", "\x02")
_HYPHEN = re.compile("(?:\ufffe|\x02)\\s*")
_ENTRY = re.compile(r"[^\W\d][\w /#.-]{0,30}:(?:\s|\Z)")  # a line of its own: `Order type: premium`
_COLUMN = 18  # letters' widths: the lines of the narrowest column of running text
_LARGER = 1.12  # times the size of the body: a heading
_NO_TITLE = ("", "untitled", "(anonymous)", "(unspecified)", "powerpoint presentation")


def read_pdf(file: FileData) -> ParsedDocument:
    """A PDF file with its pages. One that is damaged, encrypted or has no text in it is a `SourceError`."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(file.data)
    except (pdfium.PdfiumError, ValueError) as error:
        said = str(error)
        if "password" in said.lower():
            raise SourceError(f"{file.name}: needs a password", hint="save it without one") from error
        raise SourceError(f"{file.name}: damaged, or no PDF ({said})", hint="open and save it again") from error
    try:
        return _parse(document, file)
    except pdfium.PdfiumError as error:
        raise SourceError(f"{file.name}: damaged ({error})", hint="open and save it again") from error
    finally:
        document.close()


def _parse(document: Any, file: FileData) -> ParsedDocument:
    builder = TextBuilder()
    count = len(document)
    if count > MAX_PAGES:
        builder.warn(f"only the first {MAX_PAGES} of {count} pages were read")
    pages = [_page(document, number, builder) for number in range(min(count, MAX_PAGES))]
    pages = _without_margins(pages)
    lines = [item for page in pages for item in page if isinstance(item, Line)]
    if not any(pages):
        pages_said = f"{count} page{'s' if count != 1 else ''}"
        raise SourceError(f"{file.name}: has no text in its {pages_said} (a scan?)", hint="run it through OCR first")
    style = _Style.of(lines)
    for number, page in enumerate(pages, 1):
        builder.page(number)
        _Writer(builder, style).write(page)
    if empty := [str(n) for n, page in enumerate(pages, 1) if not page]:
        builder.warn(f"no text on page {', '.join(empty[:20])}{' and more' if len(empty) > 20 else ''} (a scan?)")
    info = {str(k).lower(): one_line(str(v)) for k, v in document.get_metadata_dict(skip_empty=True).items()}
    title = info.get("title", "")
    if title.lower() in _NO_TITLE or re.search(r"\.\w{3,4}$", title):
        title = builder.first_heading or file.stem
    date = _pdf_date(info.get("moddate", "")) or _pdf_date(info.get("creationdate", ""))
    meta: dict[str, str] = {k: info[k][:500] for k in ("author", "subject", "keywords") if k in info}
    return builder.finish(title, "pdf", date, meta)


def _page(document: Any, number: int, builder: TextBuilder) -> list[Line | Grid]:
    import pypdfium2 as pdfium

    try:
        page = document[number]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        builder.warn(f"page {number + 1} is damaged ({error})")
        return []
    found = arrange(page_runs(page, text_page))
    text_page.close()
    page.close()
    return found


def _without_margins(pages: list[list[Line | Grid]]) -> list[list[Line | Grid]]:
    """The pages without the headers and footers that they share, but for the first time."""
    shared: Counter[str] = Counter()
    for page in pages:
        shared.update({_margin_text(item) for item in (*page[:2], *page[-2:]) if isinstance(item, Line)})
    often = {text for text, times in shared.items() if times >= max(3, len(pages) * 0.4)}
    seen: set[str] = set()
    kept: list[list[Line | Grid]] = []
    for page in pages:
        last = len(page) - 2
        kept.append([])
        for number, item in enumerate(page):
            text = _margin_text(item) if isinstance(item, Line) and (number < 2 or number >= last) else ""
            if text not in often or text not in seen:
                kept[-1].append(item)
            seen.add(text)
    return kept if any(kept) else pages


def _margin_text(line: Line) -> str:
    """A header or footer without the page's number."""
    return _PAGE_NUMBER.sub("", line.text) or "#"


@dataclass(frozen=True)
class _Style:
    """How the document looks: the size of its body, and the larger sizes, the largest first."""

    body: float
    larger: tuple[float, ...]
    bold_body: bool

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Style:
        sizes: Counter[float] = Counter()
        bold = letters = 0
        for line in lines:
            sizes[line.size] += len(line.text)
            letters += len(line.text)
            bold += len(line.text) if line.bold else 0
        body = sizes.most_common(1)[0][0] if sizes else 0.0
        larger = tuple(sorted((size for size in sizes if size >= body * _LARGER), reverse=True))
        return cls(body, larger, bold * 2 > letters)

    def level(self, line: Line) -> int:
        """The level of a heading; 0 where the line is none."""
        text = line.text
        if len(text) > 150 or not any(map(str.isalpha, text)):
            return 0
        if line.size >= self.body * _LARGER:
            return min(self.larger.index(line.size) + 1, 5)
        stands_out = line.bold and not self.bold_body and len(line.cells) == 1 and line.size >= self.body
        if stands_out and len(text) <= 90 and not text.endswith((".", ",", ";")):
            return min(len(self.larger) + 1, 6)
        return 0


@dataclass
class _Writer:
    """Writes the lines and tables of a page."""

    builder: TextBuilder
    style: _Style
    _paragraph: list[str] = field(default_factory=list)
    _last: Line | None = None
    _spacing: float = 0.0

    def write(self, page: Sequence[Line | Grid]) -> None:
        """All of a page."""
        edges: dict[int, float] = {}
        for item in page:
            if isinstance(item, Line):
                edges[item.part] = max(edges.get(item.part, item.right), item.right)
        self._spacing = _spacing(page)
        number = 0
        while number < len(page):
            item = page[number]
            if isinstance(item, Grid):
                self._flush()
                self.builder.table([[_HYPHEN.sub("", cell) for cell in row] for row in item.rows])
                self._last = None
            elif level := self.style.level(item):
                number += self._heading(page, number, level)
            else:
                self._line(item, edges[item.part])
            number += 1
        self._flush()

    def _heading(self, page: Sequence[Line | Grid], number: int, level: int) -> int:
        """A heading with the lines that it goes on in; how many those are."""
        self._flush()
        first = page[number]
        assert isinstance(first, Line)
        parts, more = [first.text], 0
        for item in page[number + 1 : number + 4]:
            goes_on = isinstance(item, Line) and item.size == first.size and item.bold == first.bold
            if not goes_on or not isinstance(item, Line) or item.part != first.part or item.above > 0.5:
                break
            if not self.style.level(item) or _BULLET.match(item.text) or parts[-1].endswith(":"):
                break
            parts.append(item.text)
            more += 1
        if more and len(" ".join(parts)) > 200:
            parts, more = parts[:1], 0
        self.builder.heading(_HYPHEN.sub("", " ".join(parts)), level)
        self._last = None
        return more

    def _line(self, line: Line, edge: float) -> None:
        last = self._last
        if last is None or last.part != line.part:
            if not (last is not None and _runs_over(last, line)):
                self._flush()
            self._add(line.text, join=bool(self._paragraph))
        elif last.text.endswith(_HYPHENS):
            self._add(line.text, join=True)
        elif _BULLET.match(line.text):
            if not (self._paragraph and _BULLET.match(self._paragraph[0])) or line.above > self._spacing + 0.7:
                self._flush()
            self._add(line.text, join=False)
        elif line.above > self._spacing + 0.4 or line.size != last.size:
            self._flush()
            self._add(line.text, join=False)
        else:
            self._add(line.text, join=_goes_on(last, line, edge))
        self._last = line

    def _add(self, text: str, *, join: bool) -> None:
        if join and self._paragraph:
            joint = "" if self._paragraph[-1].endswith(_HYPHENS) else " "
            self._paragraph[-1] += joint + text
        else:
            self._paragraph.append(text)

    def _flush(self) -> None:
        self.builder.block(_HYPHEN.sub("", "\n".join(self._paragraph)))
        self._paragraph.clear()
        self._last = None


def _spacing(page: Sequence[Line | Grid]) -> float:
    """The white space between two lines of one paragraph, near enough."""
    found = sorted(max(item.above, 0.0) for item in page if isinstance(item, Line) and item.above)
    return min(found[len(found) // 3], 1.5) if found else 0.0


def _runs_over(last: Line, line: Line) -> bool:
    """True where a sentence goes on in the next column."""
    return last.size == line.size and line.text[:1].islower() and not last.text.endswith((".", ":", "!", "?"))


def _goes_on(last: Line, line: Line, edge: float) -> bool:
    """True where `line` is the wrapped rest of the one before it, in a column that ends at `edge`."""
    if " ... " in last.text:
        return False
    if last.text.endswith((*_HYPHENS, ",")) or line.text[:1].islower():
        return True
    if last.right - last.left < _COLUMN * last.size or _ENTRY.match(line.text):
        return False
    first_word = line.text.split(" ", 1)[0]
    room = edge - last.right
    needed = (len(first_word) + 1) * 0.5 * last.size
    return room < max(needed, 0.12 * (edge - last.left)) and not last.text.endswith(":")


def _pdf_date(value: str) -> str:
    found = re.match(r"D:(\d{4})(\d{2})(\d{2})", value.upper())
    try:
        return dt.date(*(int(part) for part in found.groups())).isoformat() if found else ""
    except ValueError:
        return ""
