"""Jupyter notebooks: Markdown cells as Markdown, code cells and their printed output as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from index.errors import SourceError
from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder
from ingest.readers.encoding import decode
from ingest.readers.text import parse_markdown

_OUTPUT = 5_000  # characters of one output


def read_notebook(file: FileData) -> ParsedDocument:
    """A notebook; pictures among its outputs are left out."""
    try:
        book = json.loads(decode(file.data))
        cells = book["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{file.name}: is not a notebook ({error})", hint="save it as .ipynb again") from error
    builder = TextBuilder()
    for cell in cells if isinstance(cells, list) else ():
        source = _joined(cell.get("source")) if isinstance(cell, Mapping) else ""
        if cell.get("cell_type") == "markdown":
            builder.embed("", parse_markdown(source, ""), 0)
        else:
            builder.block(source)
            for output in cell.get("outputs") or ():
                builder.block(_output(output)[:_OUTPUT])
    told = book.get("metadata", {}).get("title", "")
    return builder.finish(str(told) or builder.first_heading or file.stem, "notebook")


def _output(output: Any) -> str:
    if not isinstance(output, Mapping):
        return ""
    data = output.get("data")
    shown = data.get("text/plain") if isinstance(data, Mapping) else output.get("text")
    return _joined(shown or output.get("evalue"))


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
