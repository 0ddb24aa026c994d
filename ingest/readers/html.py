"""HTML: what a reader of the page sees, without scripts, navigation and hidden elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.encoding import decode
from ingest.readers.text import iso_date

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_DROPPED = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas", "nav", "form", "button",
    "head", "audio", "video",
)  # fmt: skip
_BLOCK_NAMES = (
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 "
    "h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)


def read_html(file: FileData) -> ParsedDocument:
    """An HTML file; tables become pipe tables, headings sections."""
    return parse_html(html_text(file.data), file.stem)


def html_text(data: bytes) -> str:
    """The source of a page, in the encoding that it declares."""
    declared = _CHARSET.search(data[:4_096])
    try:
        return decode(data, declared.group(1).decode("ascii") if declared else "")
    except SourceError:  # a charset that no one knows
        return decode(data)


def parse_html(source: str, default_title: str) -> ParsedDocument:
    """HTML text as a document."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(source, "lxml")
    title = one_line(soup.title.get_text()) if soup.title else ""
    meta = _meta(soup)
    for tag in soup(_DROPPED):
        tag.decompose()
    for tag in soup.find_all(_is_hidden):
        if not tag.decomposed:
            tag.decompose()
    builder = TextBuilder()
    _Walk(builder).walk(soup)
    date = next((iso_date(meta[n]) for n in ("date", "article:published_time", "last-modified") if n in meta), "")
    return ParsedDocument(
        title or builder.first_heading or default_title, builder.text(), tuple(builder.sections), "html", date, meta
    )


def _meta(soup: BeautifulSoup) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in soup.find_all("meta"):
        name, content = tag.get("name") or tag.get("property"), tag.get("content")
        if isinstance(name, str) and isinstance(content, str) and len(content) <= 500:
            found[name.lower()] = one_line(content)
    return {k: v for k, v in found.items() if not k.startswith(("viewport", "twitter:", "og:image", "theme-"))}


def _is_hidden(tag: Tag) -> bool:
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    style = tag.get("style")
    return isinstance(style, str) and bool(_HIDDEN.search(style))


class _Walk:
    """Goes through the tree in reading order; inline text is gathered until a block begins or ends."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []

    def walk(self, tag: Tag, depth: int = 0) -> None:
        from bs4 import Tag
        from bs4.element import NavigableString, PreformattedString

        for child in tag.children:
            if isinstance(child, PreformattedString):
                continue
            if isinstance(child, NavigableString):
                self._inline.append(str(child))
            elif isinstance(child, Tag):
                self._tag(child, depth)
        if depth == 0:
            self._flush()

    def _tag(self, tag: Tag, depth: int) -> None:
        name = tag.name
        if name == "br":
            self._inline.append("\x0b")
        elif name == "img":
            self._inline.append(f" {tag.get('alt') or ''} ")
        elif re.fullmatch("h[1-6]", name):
            self._flush()
            self._builder.heading(tag.get_text(" "), int(name[1]))
        elif name == "table" and _is_data_table(tag):
            self._flush()
            self._builder.table(_rows(tag))
        elif name == "pre":
            self._flush()
            self._builder.block(tag.get_text())
        elif name in ("ul", "ol") and depth < 200:
            self._flush()
            self._builder.block("\n".join(_items(tag, 0)))
        elif name in _BLOCKS:
            self._flush()
            if depth < 200:
                self.walk(tag, depth + 1)
            else:
                self._inline.append(tag.get_text(" "))
            self._flush()
        elif depth < 200:
            self.walk(tag, depth + 1)
        else:
            self._inline.append(tag.get_text(" "))

    def _flush(self) -> None:
        text = "\n".join(" ".join(part.split()) for part in "".join(self._inline).split("\x0b"))
        self._inline.clear()
        self._builder.block(text)


def _is_data_table(table: Tag) -> bool:
    """False for a table that lays a page out: one with a table, headings or long cells in it."""
    if table.find("table") or table.find(["h1", "h2", "h3"]):
        return False
    return all(len(cell.get_text()) < 1_500 for cell in table.find_all(["td", "th"]))


def _rows(table: Tag) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in table.find_all("tr"):
        cells: list[str] = []
        for cell in row.find_all(["td", "th"]):
            span = str(cell.get("colspan") or "1")
            cells += [cell.get_text(" ")] + [""] * (min(int(span), 50) - 1 if span.isdigit() else 0)
        rows.append(cells)
    return rows


def _items(items: Tag, depth: int) -> list[str]:
    from bs4 import Tag

    lines: list[str] = []
    for number, item in enumerate(items.find_all("li", recursive=False), 1):
        mark = f"{number}." if items.name == "ol" else "-"
        nested = [child for child in item.find_all(["ul", "ol"]) if child.find_parent("li") is item]
        for child in nested:
            child.extract()
        text = one_line(item.get_text(" "))
        if text:
            lines.append("  " * depth + f"{mark} {text}")
        for child in nested:
            if isinstance(child, Tag) and depth < 20:
                lines += _items(child, depth + 1)
    return lines
