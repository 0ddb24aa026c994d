"""What Word, PowerPoint and Excel files have in common: XML parts, their relations, their properties.

They are read by the local names of the elements, which the strict and the transitional flavour of the format share,
and without building the object trees of python-docx, which take longer than all the rest of an ingest.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line
from ingest.readers.text import iso_date
from ingest.readers.unpack import read_xml

_NO_TITLE = ("", "untitled", "word document", "powerpoint presentation")


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """The attribute of that local name, or an empty text."""
    return next((str(v) for k, v in element.attrib.items() if k.rpartition("}")[2] == name), "")


def children(element: Any) -> list[Any]:
    """The elements in `element`; none where it is None."""
    return [] if element is None else list(element)


def each(element: Any, *names: str) -> Iterator[Any]:
    """Every element in `element` with one of those local names, in order; none where it is None."""
    return (e for e in ([] if element is None else element.iter()) if local(e) in names)


def relations(file: FileData, part: str) -> dict[str, str]:
    """The targets of the relations of a part by id: a web address, or the name of another part."""
    folder, _, name = part.rpartition("/")
    found: dict[str, str] = {}
    for entry in children(read_xml(file, f"{folder}/_rels/{name}.rels")):
        target = attribute(entry, "Target")
        if attribute(entry, "TargetMode").lower() != "external":
            target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
        found[attribute(entry, "Id")] = target
    return found


def with_address(text: str, address: str) -> str:
    """The words of a link with where it leads, unless they say so themselves."""
    address = address.strip().removeprefix("mailto:")
    web = "://" in address or "@" in address
    return f"{text} ({address})" if web and text.strip() and address.rstrip("/") not in text else text


def finish(file: FileData, builder: TextBuilder, kind: str, more: Mapping[str, str] | None = None) -> ParsedDocument:
    """The document that `builder` gathered, with the title, date and author that the file's properties give."""
    properties = {local(e): one_line(e.text or "") for e in children(read_xml(file, "docProps/core.xml"))}
    title = properties.get("title", "")
    if title.lower() in _NO_TITLE:
        title = builder.first_heading if kind != "xlsx" else ""
    date = iso_date(properties.get("modified", "")) or iso_date(properties.get("created", ""))
    names = (("author", "creator"), ("subject", "subject"), ("keywords", "keywords"))
    meta = {name: properties[key][:500] for name, key in names if properties.get(key)} | dict(more or {})
    return builder.finish(title or file.stem, kind, date, meta)
