"""`tower parse`: what the readers make of files, for people who wonder why an answer says what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.encode import error_body, plain
from api.render.answers import line
from index.documents import Document
from index.errors import TowerError, UsageError
from ingest.readers.builder import TextBuilder

if TYPE_CHECKING:
    from rich.console import Console

    from ingest.readers import ParsedDocument, Part
    from ingest.readers.pool import Reading

SHOWN_RECORDS = 20


def parse_files(files: Sequence[Path]) -> list[dict[str, Any]]:
    """One entry a file, in order. Of several files, one that cannot be read gives an entry with `error`.

    A single file that cannot be read raises `UsageError` with the reason. Files are read by processes of their own,
    under caps.
    """
    from ingest.readers.pool import ReaderPool

    documents = [file for file in files if file.is_file() and not _holds_records(file)]
    with ReaderPool() as readers:
        readings = readers.read_all(documents)
        entries: list[dict[str, Any]] = []
        for file in files:
            try:
                entries.append(_records(file) if _holds_records(file) else _text(file, readings))
            except TowerError as error:
                if len(files) == 1:
                    raise UsageError(error.message, hint=error.hint) from error  # named by hand: it is bad input
                entries.append({"file": file.as_posix(), **error_body(error)})
    return entries


def _holds_records(file: Path) -> bool:
    from ingest.readers import DOCUMENTS, STRUCTURED

    suffix = file.suffix.lower()
    return file.is_file() and suffix in STRUCTURED - DOCUMENTS and suffix not in (".xlsx", ".xlsm")


def _text(file: Path, readings: Iterator[Reading]) -> dict[str, Any]:
    if not file.is_file():
        what = "a folder" if file.is_dir() else "no file" if not file.exists() else "no plain file"
        raise UsageError(f"{what} at {file}", hint="give the files in it" if file.is_dir() else "check the path")
    parts = next(readings).parts
    read = [part for part in parts if part.document is not None]
    if not read:
        raise UsageError(parts[0].reason, hint=parts[0].hint)
    if len(parts) == 1 and read[0].document is not None and not read[0].place:
        return _document(file, read[0].document)
    return _archive(file, parts)


def _archive(file: Path, parts: Sequence[Part]) -> dict[str, Any]:
    """An archive: the text of its members one below the other, and each member with where its text stands."""
    whole = TextBuilder()
    members: list[dict[str, Any]] = []
    for part in parts:
        entry: dict[str, Any] = {"name": part.place}
        if part.document is None:
            whole.warn(part.reason)
            entry["error"] = part.reason
        else:
            whole.embed(part.place, part.document)
            entry |= {"title": part.document.title, "kind": part.document.kind}
            entry |= {"characters": len(part.document.text), "warnings": list(part.document.warnings)}
        members.append(entry)
    return {**_document(file, whole.finish(file.stem, "archive")), "members": members}


def _document(file: Path, parsed: ParsedDocument) -> dict[str, Any]:
    ends = [section.start for section in parsed.sections[1:]] + [len(parsed.text)]
    sections = [{**plain(section), "end": end} for section, end in zip(parsed.sections, ends, strict=False)]
    return {
        "file": file.as_posix(),
        "title": parsed.title,
        "kind": parsed.kind,
        "date": parsed.date,
        "language": parsed.meta.get("language", ""),
        "text": parsed.text,
        "characters": len(parsed.text),
        "sections": sections,
        "pages": _pages(sections),
        "chunks": _chunks(parsed),
        "meta": dict(parsed.meta),
        "warnings": list(parsed.warnings),
    }


def _chunks(parsed: ParsedDocument) -> list[dict[str, Any]]:
    """Where the passages that would be searched begin and end, each with its heading path and page."""
    from ingest.chunking import chunk

    document = Document("", "", parsed.title, parsed.text, frozenset(), sections=parsed.sections)
    return [{"start": c.start, "end": c.end, "heading": c.heading, "page": c.page} for c in chunk(document)]


def _pages(sections: Sequence[dict[str, Any]]) -> list[dict[str, int]]:
    """Where each page begins and ends; empty for a format without pages."""
    pages: dict[int, dict[str, int]] = {}
    for section in sections:
        if section["page"] is not None:
            page = pages.setdefault(section["page"], {"page": section["page"], "start": section["start"], "end": 0})
            page["end"] = section["end"]
    return list(pages.values())


def _records(file: Path) -> dict[str, Any]:
    from ingest.readers import Broken, read_records

    count, shown, warnings = 0, [], []
    for part in read_records(file):
        if isinstance(part, Broken):
            warnings.append(f"{part.place}: {part.reason}")
            continue
        count += 1
        if count <= SHOWN_RECORDS:
            shown.append({"place": part.place, "values": plain(part.values)})
    return {"file": file.as_posix(), "kind": "records", "count": count, "records": shown, "warnings": warnings}


def render_parsed(console: Console, entries: Sequence[dict[str, Any]]) -> None:
    """Each file with its text or its first records, and its warnings."""
    for entry in entries:
        line(console, f"== {entry['file']}", "bold")
        if "error" in entry:
            line(console, f"error: {entry['error']['message']}", "red")
            continue
        if "text" in entry:
            pages = f", {len(entry['pages'])} pages" if entry["pages"] else ""
            line(console, f"{entry['title']} · {entry['characters']:,} characters{pages}", "dim")
            line(console, entry["text"])
        else:
            line(console, f"{entry['count']:,} records", "dim")
            for record in entry["records"]:
                line(console, f"{record['place']}: {record['values']}")
        for warning in entry["warnings"]:
            line(console, f"warning: {warning}", "yellow")
