"""PDF by PDFium: text page by page, wrapped lines joined, headings by the size of their letters."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from index.errors import SourceError
from ingest.readers.base import MAX_PAGES, FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line

_BULLET = re.compile(r"\s*(?:[•◦▪‣●○–—*-]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+\S")
_HYPHEN = re.compile("(?:\ufffe|\x02)\\s*")


@dataclass(frozen=True)
class _Line:
    text: str
    size: float


def read_pdf(file: FileData) -> ParsedDocument:
    """A PDF file with its pages. One that is damaged, encrypted or has no text in it is a `SourceError`."""
    import pypdfium2 as pdfium

    data = file.data
    try:
        document = pdfium.PdfDocument(data)
    except (pdfium.PdfiumError, ValueError) as error:
        said = str(error)
        reason = "needs a password" if "password" in said.lower() else f"damaged, or no PDF ({said})"
        raise SourceError(f"{file.name}: {reason}", hint="open and save it again") from error
    try:
        return _parse(document, file)
    except pdfium.PdfiumError as error:
        raise SourceError(f"{file.name}: damaged ({error})", hint="open and save it again") from error
    finally:
        document.close()


def _parse(document: Any, file: FileData) -> ParsedDocument:
    warnings: list[str] = []
    count = len(document)
    if count > MAX_PAGES:
        warnings.append(f"only the first {MAX_PAGES} of {count} pages were read")
    pages = [_lines(document, number, warnings) for number in range(min(count, MAX_PAGES))]
    sizes: Counter[float] = Counter()
    for line in (line for lines in pages for line in lines):
        sizes[line.size] += len(line.text)
    if not sizes:
        raise SourceError(f"{file.name}: has no text in its {count} pages (a scan?)", hint="run it through OCR first")
    body = sizes.most_common(1)[0][0]
    larger = sorted((size for size in sizes if size >= body * 1.12), reverse=True)
    builder = TextBuilder()
    for number, lines in enumerate(pages, 1):
        builder.page(number)
        _page(lines, body, larger, builder)
    if empty := [str(n) for n, lines in enumerate(pages, 1) if not lines]:
        warnings.append(f"no text on page {', '.join(empty[:20])}")
    if builder.full:
        warnings.append("the text was cut at its limit")
    info = {str(k).lower(): one_line(str(v)) for k, v in document.get_metadata_dict(skip_empty=True).items()}
    title = info.get("title", "")
    if title.lower() in ("", "untitled") or re.search(r"\.\w{3,4}$", title):
        title = builder.first_heading or file.stem
    date = _pdf_date(info.get("moddate", "")) or _pdf_date(info.get("creationdate", ""))
    meta: dict[str, str] = {k: info[k] for k in ("author", "subject", "keywords") if k in info}
    return ParsedDocument(title, builder.text(), tuple(builder.sections), "pdf", date, meta, tuple(warnings))


def _lines(document: Any, number: int, warnings: list[str]) -> list[_Line]:
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    try:
        page = document[number]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        warnings.append(f"page {number + 1} is damaged ({error})")
        return []
    text = text_page.get_text_range()
    lines: list[_Line] = []
    place = 0
    for part in re.split(r"(\r\n|\r|\n)", text):
        if part.strip():
            middle = place + len(part) - len(part.lstrip())
            size = float(raw.FPDFText_GetFontSize(text_page.raw, middle))
            lines.append(_Line(part.strip(), round(size * 2) / 2))
        place += len(part)
    text_page.close()
    page.close()
    return lines


def _page(lines: list[_Line], body: float, larger: list[float], builder: TextBuilder) -> None:
    width = max((len(line.text) for line in lines), default=0)
    paragraph: list[str] = []

    def flush() -> None:
        builder.block(_HYPHEN.sub("", "\n".join(paragraph)))
        paragraph.clear()

    previous: _Line | None = None
    for line in lines:
        if line.size >= body * 1.12 and len(line.text) <= 150:
            flush()
            builder.heading(_HYPHEN.sub("", line.text), larger.index(line.size) + 1)
        elif paragraph and previous is not None and _continues(previous, line, width):
            joint = "" if paragraph[-1].endswith(("\ufffe", "\x02")) else " "
            paragraph[-1] += joint + line.text
        elif paragraph and (_BULLET.match(line.text) or _BULLET.match(paragraph[-1]) or _new_size(previous, line)):
            if not _BULLET.match(line.text):
                flush()
            paragraph.append(line.text)
        else:
            if paragraph and paragraph[-1].rstrip().endswith((".", "!", "?", ":")):
                flush()
            paragraph.append(line.text)
        previous = line
    flush()


def _new_size(previous: _Line | None, line: _Line) -> bool:
    return previous is not None and previous.size != line.size


def _continues(previous: _Line, line: _Line, width: int) -> bool:
    """True where `line` is the wrapped rest of the one before it."""
    if previous.size != line.size or _BULLET.match(line.text):
        return False
    if previous.text.endswith(("\ufffe", "\x02", ",")) or line.text[:1].islower():
        return True
    return len(previous.text) >= width * 0.7 and not previous.text.endswith(":")


def _pdf_date(value: str) -> str:
    found = re.match(r"D:(\d{4})(\d{2})(\d{2})", value.upper())
    try:
        return dt.date(*(int(part) for part in found.groups())).isoformat() if found else ""
    except ValueError:
        return ""
