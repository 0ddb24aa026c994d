"""RSS and Atom feeds, and XML of any other kind."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.html import parse_html
from ingest.readers.ooxml import attribute, each, local
from ingest.readers.text import iso_date

_ENTRIES = 2_000
_DEPTH = 100


def read_xml_file(file: FileData) -> ParsedDocument:
    """A feed as a section an entry; other XML as its text, a line an element, with the names of elements without
    children before theirs. Entities are not followed, whatever they would expand to."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True, remove_pis=True)
    try:
        root = etree.fromstring(file.data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"{file.name}: is no XML ({error})", hint="open and save it again") from error
    if root is None:
        raise SourceError(f"{file.name}: is no XML", hint="open and save it again")
    builder = TextBuilder()
    if local(root) in ("rss", "RDF", "feed"):
        return _feed(root, file, builder)
    _lines(root, builder)
    return builder.finish(_first(root, "title") or file.stem, "xml")


def _feed(root: Any, file: FileData, builder: TextBuilder) -> ParsedDocument:
    channel = next(each(root, "channel"), root)
    title = _first(channel, "title")
    builder.heading(title, 1)
    builder.block(_rich(next((e for e in channel if local(e) in ("description", "subtitle")), None)))
    latest = ""
    for number, entry in enumerate(each(root, "item", "entry")):
        if number == _ENTRIES:
            builder.warn(f"only the first {_ENTRIES} entries were read")
            break
        builder.heading(_first(entry, "title") or "Entry", 2)
        date = _date(entry)
        latest = max(latest, date)
        link = next((attribute(e, "href") or (e.text or "").strip() for e in entry if local(e) == "link"), "")
        builder.block("\n".join(filter(None, (date, _first(entry, "author", "creator"), link))))
        held = [e for e in entry if local(e) in ("description", "summary", "content", "encoded")]
        texts = [_rich(e) for e in held]
        for text in dict.fromkeys(t for t in texts if not any(t != other and t in other for other in texts)):
            builder.block(text)
    return builder.finish(title or file.stem, "feed", latest)


def _date(entry: Any) -> str:
    for element in entry:
        if local(element) in ("pubDate", "published", "updated", "date"):
            text = (element.text or "").strip()
            try:
                return iso_date(text) or parsedate_to_datetime(text).date().isoformat()
            except (ValueError, TypeError, IndexError):
                continue
    return ""


def _first(element: Any, *names: str) -> str:
    found = next((e for e in element if local(e) in names), None)
    return one_line("".join(found.itertext())) if found is not None else ""


def _rich(element: Any) -> str:
    """The text of an element that holds HTML, escaped or not."""
    if element is None:
        return ""
    text = "".join(element.itertext())
    return parse_html(text, "").text if "<" in text or "&" in text else one_line(text)


def _lines(root: Any, builder: TextBuilder) -> None:
    lines: list[str] = []
    for element in root.iter():
        text = one_line(element.text or "") if isinstance(element.tag, str) else ""
        if text:
            lines.append(f"{local(element)}: {text}" if len(element) == 0 else text)
        tail = one_line(element.tail or "")
        if tail:
            lines.append(tail)
        if element.getparent() is root and lines:
            builder.block("\n".join(lines))
            lines.clear()
    builder.block("\n".join(lines))
