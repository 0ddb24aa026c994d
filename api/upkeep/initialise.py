"""`tower init`: a tower.yaml for data of one's own. The first ingest drafts the catalogue beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.settings import SETTINGS_FILE
from index.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

_PASSWORD = re.compile(r"[^:/]+://[^:/@]*:[^@/]+@")
_HEADER = """# The sources of this workspace. docs/configuration.md describes this file; edit it as you like.
# `tower ingest` reads them, and drafts catalogue.yaml (what the tables mean) where there is none yet.
"""


def initialise(
    home: Path, *, sql: Sequence[str], files: Sequence[Path], jsonl: Sequence[Path], force: bool
) -> dict[str, Any]:
    """Look at the sources, write `home/tower.yaml`, and say what was found and what comes next.

    Raises `NotFoundError` for a folder, file or database that is not there, `StorageError` for a database that cannot
    be read, `UsageError` for an empty folder, and where a tower.yaml is already and not `force`.
    """
    target = home / SETTINGS_FILE
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", hint="--force replaces it; --home DIR makes another workspace")
    from ingest.auto import auto_sources

    sources = auto_sources(sql, files, jsonl, home)
    urls = dict(zip(sources, sql, strict=False))  # databases come first, in the order given
    found = [{"source": name, **_look(source, urls.get(name), home)} for name, source in sources.items()]
    exports = _take_out_passwords(sources)
    _write(target, sources)
    steps = [f"export {name}='{url}'" for name, url in exports.items()]
    option = "" if home == Path(".tower") else f" --home {home}"
    steps += [f"tower ingest{option}", f'tower ask{option} "..."']
    return {"written": target.as_posix(), "sources": found, "next": steps}


def _look(source: Mapping[str, Any], url: str | None, home: Path) -> dict[str, Any]:
    """What a source holds: rows by table of a database, files by suffix of a folder, lines of a JSON-lines file."""
    if url is not None:
        return {"kind": "sql", "tables": _tables(url)}
    path = home / source["path"]
    if "documents" in source:
        with path.open("rb") as lines:
            return {"kind": "documents", "documents": sum(1 for line in lines if line.strip())}
    suffixes = [file.suffix.lower() or "(none)" for file in _walk(path)]
    if not suffixes:
        raise UsageError(f"{path} holds no file", hint="name the folder that holds the files")
    return {"kind": "files", "files": {suffix: suffixes.count(suffix) for suffix in sorted(set(suffixes))}}


def _tables(url: str) -> dict[str, int]:
    from index.drafting.draft import draft_catalogue
    from index.engine import open_engine

    engine = open_engine(url, read_only=True)
    try:
        return {table.name: table.rows for table in draft_catalogue(engine)}
    finally:
        engine.dispose()


def _walk(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")]


def _take_out_passwords(sources: dict[str, Any]) -> dict[str, str]:
    """Replace each URL that holds a password by `${NAME}`; gives back what to put into the environment."""
    exports = {}
    for name, source in sources.items():
        if _PASSWORD.match(source.get("url", "")):
            variable = f"{name.upper()}_URL"
            exports[variable] = "<the URL with its password>"
            source["url"] = f"${{{variable}}}"
    return exports


def _write(target: Path, sources: Mapping[str, Any]) -> None:
    import yaml

    content = {"version": 1, "catalogue": "catalogue.yaml", "sources": dict(sources)}
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".yaml.new")
    temporary.write_text(_HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    temporary.replace(target)  # in one step: a kill leaves the old file or the new one


def render_initialised(console: Console, found: Mapping[str, Any]) -> None:
    """What was found, where it was written, the next commands."""
    from api.render.answers import line

    for source in found["sources"]:
        parts = {**source.get("tables", {}), **source.get("files", {})}
        shown = ", ".join(f"{name} {count:,}" for name, count in list(parts.items())[:20])
        more = f" and {len(parts) - 20} more" if len(parts) > 20 else ""
        line(console, f"{source['source']} ({source['kind']}): {shown or source.get('documents')}{more}")
    line(console, f"written: {found['written']}")
    line(console, "next:", "bold")
    for step in found["next"]:
        line(console, f"  {step}")
