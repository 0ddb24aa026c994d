"""`tower parse`: what the readers make of files, for people who wonder why an answer says what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.encode import error_body, plain
from api.render import line
from index.errors import SourceError, TowerError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_RECORDS = 20


def parse_files(files: Sequence[Path]) -> list[dict[str, Any]]:
    """One entry a file, in order. Of several files, one that cannot be read gives an entry with `error`.

    A single file that cannot be read raises `UsageError` with the reason.
    """
    if len(files) == 1:
        return [_parsed(files[0])]
    entries = []
    for file in files:
        try:
            entries.append(_parsed(file))
        except TowerError as error:
            entries.append({"file": file.as_posix(), **error_body(error)})
    return entries


def _parsed(file: Path) -> dict[str, Any]:
    from ingest.readers import DOCUMENTS, STRUCTURED

    if not file.is_file():
        raise UsageError(f"no file at {file}", hint="check the path")
    suffix = file.suffix.lower()
    try:
        return _records(file) if suffix in STRUCTURED - DOCUMENTS and suffix not in (".xlsx", ".xlsm") else _text(file)
    except SourceError as error:  # the file was named on the command line: bad input, not a source that failed
        raise UsageError(error.message, hint=error.hint) from error


def _text(file: Path) -> dict[str, Any]:
    from ingest.readers import parse_file

    parsed = parse_file(file)
    ends = [section.start for section in parsed.sections[1:]] + [len(parsed.text)]
    sections = [{**plain(section), "end": end} for section, end in zip(parsed.sections, ends, strict=False)]
    return {
        "file": file.as_posix(),
        "title": parsed.title,
        "kind": parsed.kind,
        "date": parsed.date,
        "text": parsed.text,
        "characters": len(parsed.text),
        "sections": sections,
        "pages": _pages(sections),
        "meta": dict(parsed.meta),
        "warnings": list(parsed.warnings),
    }


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
