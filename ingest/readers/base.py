"""What readers give: raw records and broken ones of structured files, and parsed documents of all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.documents import Section
from index.errors import SourceError

MAX_BYTES = 50_000_000
MAX_TEXT = 5_000_000
MAX_PAGES = 2_000
MAX_UNPACKED = 200_000_000


@dataclass(frozen=True)
class Record:
    """One raw record: its place (a line, row or list position) and its values by the source's own names."""

    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Broken:
    """A part of a file that is no record: its place, why, and the raw text."""

    place: str
    reason: str
    raw: str


@dataclass(frozen=True)
class ParsedDocument:
    """What a file says. `sections` begin at characters of `text`, in order; `date` is ISO or empty.

    `warnings` say what was left out (pages over the limit, attachments).
    """

    title: str
    text: str
    sections: tuple[Section, ...] = ()
    kind: str = ""
    date: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most 50 MB; anything else is a `SourceError` with the reason."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SourceError(
                f"{path.name}: {size / 1e6:.0f} MB is over the limit of {MAX_BYTES / 1e6:.0f} MB",
                hint="split the file",
            )
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path.name}: cannot be read: {error.strerror or error}") from error
