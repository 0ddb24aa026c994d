"""RTF files by striprtf, with what must not be read as text taken out first."""

from __future__ import annotations

import re
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.clean import one_line

_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")


def read_rtf(file: FileData) -> ParsedDocument:
    """An RTF file: its paragraphs, and rows of its tables as pipe tables. Headings are not marked in RTF."""
    builder = TextBuilder()
    source = file.data.decode("latin-1")
    rows: list[list[str]] = []
    for line in rtf_text(file.data, file.name).split("\n"):
        if line.count("|") >= 2 and line.rstrip().endswith("|"):
            rows.append(line.rstrip().removesuffix("|").split("|"))
            continue
        builder.table(rows)
        rows = []
        builder.block(line)
    builder.table(rows)
    found = _TITLE.search(source)
    return builder.finish(one_line(found.group(1)) if found else file.stem, "rtf")


def rtf_text(data: bytes, name: str) -> str:
    """The text of RTF source; what is no RTF is a `SourceError`."""
    from striprtf import striprtf

    page = _CODE_PAGE.search(data[:4_096])
    encoding = f"cp{page.group(1).decode()}" if page and page.group(1) != b"65001" else "utf-8" if page else "cp1252"
    try:
        read: Any = striprtf.rtf_to_text
        return str(read(data.decode("latin-1"), encoding=encoding, errors="replace"))
    except (LookupError, ValueError, TypeError, KeyError, IndexError) as error:
        raise SourceError(f"{name}: damaged, or no RTF ({error})", hint="open and save it again") from error
