"""Which reader reads which file: by what is in it where that is plain, else by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument, Part
from ingest.readers.epub import read_epub
from ingest.readers.feed import read_xml_file
from ingest.readers.html import read_html
from ingest.readers.language import language_of
from ingest.readers.mail import read_mail
from ingest.readers.notebook import read_notebook
from ingest.readers.old_office import ole_kind, read_msg, read_xls
from ingest.readers.pdf import read_pdf
from ingest.readers.presentation import read_pptx
from ingest.readers.rtf import read_rtf
from ingest.readers.structured_text import read_json_text, read_table_text
from ingest.readers.text import read_markdown, read_text
from ingest.readers.unpack import members, zip_kind
from ingest.readers.word import read_docx
from ingest.readers.workbook import read_workbook

PARSERS: dict[str, Callable[[FileData], ParsedDocument]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".docm": read_docx,
    ".pptx": read_pptx,
    ".pptm": read_pptx,
    ".xlsx": read_workbook,
    ".xlsm": read_workbook,
    ".xls": read_xls,
    ".eml": read_mail,
    ".msg": read_msg,
    ".rtf": read_rtf,
    ".epub": read_epub,
    ".ipynb": read_notebook,
    ".xml": read_xml_file,
    ".rss": read_xml_file,
    ".atom": read_xml_file,
    ".txt": read_text,
    ".text": read_text,
    ".rst": read_text,
    ".log": read_text,
    ".csv": read_table_text,
    ".tsv": read_table_text,
    ".json": read_json_text,
    ".jsonl": read_json_text,
    ".ndjson": read_json_text,
}
ARCHIVE = ".zip"
_PICTURES = frozenset(".bmp .gif .heic .jpeg .jpg .png .svg .tif .tiff .webp".split())
_OLD = {".doc": "an old Word file", ".ppt": "an old PowerPoint file"}


def parse_parts(file: FileData) -> tuple[Part, ...]:
    """The document of a file, or one a member of a ZIP archive; a part without a document says why."""
    try:
        if detect(file) != ARCHIVE:
            return (_attempt("", file),)
        found = [
            Part(item.place, None, item.reason) if isinstance(item, Part) else _attempt(item.name, item)
            for item in members(file)
        ]
    except SourceError as error:
        return (Part("", None, error.message, error.hint),)
    return tuple(found) or (Part("", None, f"{file.name}: the archive is empty"),)


def parse_data(file: FileData) -> ParsedDocument:
    """What a document file says. A `SourceError` gives the reason where it cannot be read or says nothing."""
    kind = detect(file)
    parser = PARSERS.get(kind)
    if parser is None:
        raise _unknown(file.name, kind)
    parsed = parser(file)
    if not parsed.text.strip():
        raise SourceError(f"{file.name}: has no text in it")
    language = language_of(parsed.text)
    return parsed.with_meta(language=language) if language else parsed


def detect(file: FileData) -> str:
    """The suffix that stands for the format of a file."""
    head = file.data[:1_024].lstrip()
    if b"%PDF-" in head:
        return ".pdf"
    if head.startswith(b"{\\rtf"):
        return ".rtf"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return zip_kind(file)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return ole_kind(file)
    start = head[:200].lower()
    if file.suffix in (".xls", ".doc") and (start.startswith((b"<html", b"<!doctype html", b"<table"))):
        return ".html"
    return file.suffix


def _attempt(place: str, file: FileData) -> Part:
    try:
        return Part(place, parse_data(file))
    except SourceError as error:
        return Part(place, None, error.message, error.hint)
    except MemoryError:
        raise
    except RecursionError:
        return Part(place, None, f"{file.name}: is nested too deeply", "flatten it")
    except Exception as error:  # one file must not end the worker, whatever a library stumbles over in it
        said = (str(error).splitlines() or [""])[0][:200]
        return Part(place, None, f"{file.name}: damaged ({type(error).__name__}: {said})", "open and save it again")


def _unknown(name: str, kind: str) -> SourceError:
    if kind in _PICTURES:
        return SourceError(f"{name}: is a picture; text in pictures is not read", hint="run it through OCR first")
    if kind in _OLD:
        return SourceError(f"{name}: is {_OLD[kind]}, which is not read", hint=f"save it as {kind}x")
    what = kind or "a file without suffix"
    return SourceError(f"{name}: {what} cannot be read", hint=f"one of {_listed(PARSERS)}")


def _listed(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted([*suffixes, ARCHIVE]))
