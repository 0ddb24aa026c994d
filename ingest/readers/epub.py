"""EPUB books: their chapters in the order of reading."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.html import html_text, parse_html
from ingest.readers.ooxml import attribute, each, local
from ingest.readers.text import iso_date
from ingest.readers.unpack import check_archive, read_member, read_xml


def read_epub(file: FileData) -> ParsedDocument:
    """A book: title, author, language and date from its package, the text of every chapter of its spine."""
    names = set(check_archive(file))
    container = read_xml(file, "META-INF/container.xml")
    package = next((attribute(e, "full-path") for e in each(container, "rootfile")), "")
    root = read_xml(file, package) if package else None
    if root is None:
        raise SourceError(f"{file.name}: is not an EPUB book", hint="save it as .epub again")
    if "META-INF/rights.xml" in names or ("META-INF/encryption.xml" in names and _is_locked(file)):
        raise SourceError(f"{file.name}: is protected against reading (DRM)", hint="get a copy without protection")
    told: dict[str, str] = {}
    for element in each(root, "title", "creator", "date", "subject", "publisher", "language"):
        told.setdefault(local(element), one_line(element.text or "")[:500])
    items = {attribute(e, "id"): unquote(attribute(e, "href")) for e in each(root, "item")}
    builder = TextBuilder()
    folder = posixpath.dirname(package)
    for reference in each(root, "itemref"):
        name = posixpath.normpath(posixpath.join(folder, items.get(attribute(reference, "idref"), "")))
        if name in names and not builder.full:
            builder.embed("", parse_html(html_text(read_member(file, name)), ""), 0)
    meta = {key: told[name] for key, name in (("author", "creator"), ("publisher", "publisher")) if told.get(name)}
    return builder.finish(told.get("title") or file.stem, "epub", iso_date(told.get("date", "")), meta)


def _is_locked(file: FileData) -> bool:
    """Fonts may be scrambled in any book; only scrambled chapters cannot be read."""
    encryption = read_xml(file, "META-INF/encryption.xml")
    texts = (".xhtml", ".html", ".htm", ".xml")
    return any(attribute(e, "URI").endswith(texts) for e in each(encryption, "CipherReference"))
