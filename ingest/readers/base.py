"""What readers give: raw records and broken ones of structured files, and parsed documents of all others."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from index.documents import Section
from index.errors import SourceError

MAX_BYTES = 100_000_000  # of a file
MAX_TEXT = 5_000_000  # characters of a document
MAX_PAGES = 2_000
MAX_UNPACKED = 200_000_000  # bytes that an archive may unpack to
MAX_MEMBERS = 1_000  # files of an archive


@dataclass(frozen=True)
class FileData:
    """The content of a file under its name, wherever it comes from: a folder, an archive, a mail."""

    name: str
    data: bytes

    @property
    def suffix(self) -> str:
        """`.pdf` and so on, in lower case."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        """The last part of the name without its suffix."""
        return PurePosixPath(self.name).stem


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

    def with_meta(self, **more: str) -> ParsedDocument:
        """The same with more in `meta`; what stands there already wins."""
        return replace(self, meta={**more, **self.meta})


@dataclass(frozen=True)
class Part:
    """What came of a file, or of the member `place` of an archive: a document, or the reason why there is none."""

    place: str = ""
    document: ParsedDocument | None = None
    reason: str = ""
    hint: str = ""


def read_file(path: Path) -> FileData:
    """The content of a file of at most 100 MB; anything else is a `SourceError` with the reason."""
    return FileData(path.name, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """`read_file`, only the bytes. What is no plain file (a pipe, a device) is not touched."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{path.name}: is no plain file", hint="give a file with text in it")
        if status.st_size > MAX_BYTES:
            raise SourceError(
                f"{path.name}: {status.st_size / 1e6:,.0f} MB is over the limit of {MAX_BYTES / 1e6:.0f} MB",
                hint="split the file",
            )
        return path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path.name}: cannot be read: {error.strerror or error}", hint="check its permissions"
        ) from error
