"""Opening zipped office files without falling for one that unpacks to terabytes or points outside itself."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

from index.errors import SourceError
from ingest.readers.base import MAX_BYTES, MAX_UNPACKED


def check_archive(path: Path) -> list[str]:
    """The names in a zip archive; a `SourceError` where it is none, is too large, or unpacks to too much."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path.name}: over the limit of {MAX_BYTES / 1e6:.0f} MB", hint="split the file")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(
            f"{path.name}: damaged, encrypted, or not what its name says: {error}", hint="open and save it again"
        ) from error
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise SourceError(f"{path.name}: unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB")
    return [entry.filename for entry in entries]


def read_xml(path: Path, name: str) -> Any:
    """The parsed XML part `name` of a zip archive, or None where it has none. External entities are not followed."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        with zipfile.ZipFile(path) as archive:
            if name not in archive.namelist():
                return None
            with archive.open(name) as part:
                data = part.read(MAX_UNPACKED + 1)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        raise SourceError(f"{path.name}: {name} in it is damaged: {error}", hint="open and save it again") from error
    if len(data) > MAX_UNPACKED:
        raise SourceError(f"{path.name}: unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB")
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"{path.name}: {name} in it is no XML: {error}", hint="open and save it again") from error
