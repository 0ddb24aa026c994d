"""Readers, one module a format. `read_records` for structured files, `parse_file` for documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from index.errors import SourceError
from ingest.readers.base import Broken, ParsedDocument, Record
from ingest.readers.csv_records import read_csv
from ingest.readers.html import read_html
from ingest.readers.json_records import read_json, read_jsonl
from ingest.readers.mail import read_mail
from ingest.readers.office import read_docx, read_pptx, read_workbook
from ingest.readers.pdf import read_pdf
from ingest.readers.structured_text import read_structured
from ingest.readers.table_records import read_parquet, read_xlsx
from ingest.readers.text import read_markdown, read_text

STRUCTURED = frozenset({".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".xlsx", ".xlsm"})
_PARSERS: dict[str, Callable[[Path], ParsedDocument]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_workbook,
    ".xlsm": read_workbook,
    ".eml": read_mail,
    ".txt": read_text,
    ".text": read_text,
    ".rst": read_text,
    ".log": read_text,
    ".csv": read_structured,
    ".tsv": read_structured,
    ".json": read_structured,
    ".jsonl": read_structured,
    ".ndjson": read_structured,
}
DOCUMENTS = frozenset(_PARSERS) - STRUCTURED


def read_records(path: Path, records: str = "", encoding: str = "") -> Iterator[Record | Broken]:
    """The records of a structured file, by its suffix, with what is broken in it in between.

    `records` is where they are: a dotted path in JSON, a sheet of a workbook. A file that cannot be read at all is
    a `SourceError`.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_json(path, records, encoding)
    if suffix in (".jsonl", ".ndjson"):
        return read_jsonl(path, encoding)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, encoding)
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix in (".xlsx", ".xlsm"):
        return read_xlsx(path, records)
    raise SourceError(
        f"{path.name}: {suffix or 'no suffix'} is no table", hint=f"one of {', '.join(sorted(STRUCTURED))}"
    )


def parse_file(path: Path) -> ParsedDocument:
    """What a document file says. A `SourceError` gives the reason where it cannot be read or says nothing."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    parser = _PARSERS.get(path.suffix.lower())
    if parser is None:
        raise SourceError(
            f"{path.name}: {path.suffix or 'a file without suffix'} cannot be read",
            hint=f"one of {', '.join(sorted(_PARSERS))}",
        )
    parsed = parser(path)
    if not parsed.text.strip():
        raise SourceError(f"{path.name}: has no text in it")
    return parsed


__all__ = ["DOCUMENTS", "STRUCTURED", "Broken", "ParsedDocument", "Record", "parse_file", "read_records"]
