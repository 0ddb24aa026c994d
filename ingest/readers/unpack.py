"""Opening zipped office files without falling for one that unpacks to terabytes or points outside itself."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from index.errors import SourceError
from ingest.readers.base import MAX_BYTES, MAX_MEMBERS, MAX_UNPACKED, FileData, Part

_MEDIA = tuple(
    ".avi .bin .bmp .emf .fntdata .gif .jpeg .jpg .m4a .m4v .mov .mp3 .mp4 .png .svg .tif .tiff .ttf .wav .wdp .webp "
    ".wmf .wmv".split()
)  # what readers do not open
_DAMAGE = (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zlib.error)
_HINT = "open and save it again"


def zip_kind(file: FileData) -> str:
    """The suffix of the format that a ZIP file holds: an office format, EPUB, or just files."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            names = archive.namelist()
            epub = "mimetype" in names and archive.open("mimetype").read(30).strip() == b"application/epub+zip"
    except _DAMAGE:
        return file.suffix
    if epub:
        return ".epub"
    for folder, suffix in (("word/", ".docx"), ("ppt/", ".pptx"), ("xl/", ".xlsx")):
        if "[Content_Types].xml" in names and any(name.startswith(folder) for name in names):
            return suffix
    return file.suffix or ".zip"


def members(file: FileData) -> Iterator[FileData | Part]:
    """The files of a ZIP archive, with why one is left out. Archives in it are not opened, and all of it together
    may unpack to 200 MB: what is counted is what comes out, not what the archive says of itself."""
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _is_clutter(e.filename)]
            for number, entry in enumerate(entries):
                name = entry.filename
                if number == MAX_MEMBERS:
                    yield Part(name, None, f"{file.name}: only the first {MAX_MEMBERS} files in it were read")
                    return
                read = _member(archive, entry, left, file.name)
                if isinstance(read, FileData):
                    left -= len(read.data)
                yield read
                if left <= 0:
                    yield Part(name, None, f"{file.name}: unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB")
                    return
    except _DAMAGE as error:
        raise SourceError(f"{file.name}: damaged, encrypted, or no archive: {error}", hint=_HINT) from error


def _is_clutter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith((".", "~$"))


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, outer: str) -> FileData | Part:
    name = entry.filename
    if name.lower().endswith((".zip", ".7z", ".rar", ".gz", ".tar")):
        return Part(name, None, f"{outer}: {name} in it is an archive, and archives in archives are not opened")
    if entry.flag_bits & 1:
        return Part(name, None, f"{outer}: {name} in it needs a password")
    limit = min(left, MAX_BYTES)
    try:
        with archive.open(entry) as opened:
            data = opened.read(limit + 1)
    except _DAMAGE as error:
        return Part(name, None, f"{outer}: {name} in it is damaged: {error}")
    if len(data) > limit:
        return Part(name, None, f"{outer}: {name} in it unpacks to more than {limit / 1e6:.0f} MB")
    return FileData(name, data)


def check_archive(file: FileData) -> list[str]:
    """The names in a zip archive; a `SourceError` where it is none, is too large, or unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            entries = archive.infolist()
    except _DAMAGE as error:
        raise SourceError(f"{file.name}: damaged, encrypted, or not what its name says: {error}", hint=_HINT) from error
    if sum(entry.file_size for entry in entries if not entry.filename.lower().endswith(_MEDIA)) > MAX_UNPACKED:
        raise SourceError(f"{file.name}: unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB")
    return [entry.filename for entry in entries]


def read_member(file: FileData, name: str) -> bytes:
    """The content of a part of a zip archive; empty where it has none of that name."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            if name not in archive.namelist():
                return b""
            with archive.open(name) as part:
                data = part.read(MAX_UNPACKED + 1)
    except _DAMAGE as error:
        raise SourceError(f"{file.name}: {name} in it is damaged: {error}", hint=_HINT) from error
    if len(data) > MAX_UNPACKED:
        raise SourceError(f"{file.name}: unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB")
    return data


def read_xml(file: FileData, name: str) -> Any:
    """The parsed XML part `name` of a zip archive, or None where it has none. External entities are not followed."""
    from lxml import etree

    data = read_member(file, name) if name else b""
    if not data:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"{file.name}: {name} in it is no XML: {error}", hint=_HINT) from error
