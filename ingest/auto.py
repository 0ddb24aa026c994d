"""A first `sources:` mapping for data of one's own, as `tower init` writes it into tower.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from index.errors import NotFoundError, UsageError
from ingest.names import snake_case, unique

_GENERIC = frozenset({"content", "contents", "data", "docs", "documents", "files", "src", "export", "exports"})


def auto_sources(
    sql_urls: Sequence[str], file_dirs: Sequence[Path], jsonl_files: Sequence[Path], base: Path
) -> dict[str, Any]:
    """The YAML mapping of sources for these databases, folders and JSON-lines files of documents.

    Relative paths are taken from the working directory, and written relative to `base` (the workspace) where they lie
    under it, else absolute. Sources are named after the database, folder or file. What is not there is an error.
    """
    sources: dict[str, Any] = {}
    for url in sql_urls:
        name = unique(_identifier(_database_name(url)), sources)
        sources[name] = {"kind": "sql", "url": _written_url(url, base), "tables": "*"}
    for folder in file_dirs:
        if not folder.exists():
            raise NotFoundError(f"no folder at {folder}", hint="check the path after --files")
        name = unique(_identifier(_folder_name(folder)), sources)
        sources[name] = {"kind": "files", "path": _written(folder, base)}
    for file in jsonl_files:
        if not file.is_file():
            raise NotFoundError(f"no file at {file}", hint="check the path after --jsonl")
        name = unique(_identifier(file.stem), sources)
        documents = [{"files": file.name, "tags": [name]}]
        sources[name] = {"kind": "files", "path": _written(file, base), "documents": documents}
    return sources


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "", snake_case(text)) or "source"


def _database_name(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(f"not a database URL: {url!r}", hint="for example sqlite:///company.sqlite") from error
    return Path(parsed.database or parsed.get_backend_name()).stem


def _folder_name(folder: Path) -> str:
    """The folder's own name, or its parent's where it is called like any folder."""
    whole = folder.resolve()
    if whole.is_file():
        return whole.stem
    return whole.parent.name if whole.name.lower() in _GENERIC and whole.parent.name else whole.name


def _written_url(url: str, base: Path) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return url
    path = Path(parsed.database)
    if not path.is_file():
        raise NotFoundError(f"no database file at {path}", hint="check the path after sqlite:///")
    return parsed.set(database=_written(path, base)).render_as_string(hide_password=False)


def _written(path: Path, base: Path) -> str:
    whole, home = path.resolve(), base.resolve()
    return Path(os.path.relpath(whole, home)).as_posix() if whole.is_relative_to(home) else whole.as_posix()
