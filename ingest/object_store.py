"""Object stores by their fsspec URL (s3://, gs://, abfs://, memory:// ...), mirrored into the workspace.

Only objects whose size, time or ETag changed are fetched; what is gone at the store goes from the mirror. The files are
then read like any folder, so that globs, formats and limits are the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from index.errors import SourceError

LEDGER = ".objects.json"
MOST_OBJECTS = 1_000_000
LARGEST = 2 * 1024**3  # bytes of one object
_STAMPS = ("ETag", "etag", "LastModified", "mtime", "created")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_object_url(path: str) -> bool:
    """True for a path that names an object store, such as s3://bucket/folder."""
    return bool(_URL.match(path))


@dataclass(frozen=True)
class Mirrored:
    """What a mirroring did: objects fetched, kept as they were, removed, and left out with the reason."""

    fetched: int
    kept: int
    removed: int
    left_out: tuple[str, ...]


def nothing(_name: str) -> bool:
    """Skips no object."""
    return False


def mirror(
    url: str,
    options: Mapping[str, Any],
    folder: Path,
    *,
    full: bool = False,
    skip: Callable[[str], bool] = nothing,
) -> Mirrored:
    """Bring `folder` to what the store holds under `url`, but for the objects whose names `skip` takes.

    A store that holds nothing, where something was mirrored, leaves the mirror as it is unless `full`: the caller sees
    a `SourceError`.
    """
    store, root = _opened(url, options)
    found = _listed(store, root, url)
    held = _ledger(folder)
    if held and not found and not full:
        raise SourceError(
            f"{url} holds no object, and {len(held)} were read from it; nothing was deleted",
            hint="if that is meant run `tower ingest --full`, else check the bucket and the credentials",
        )
    found = {name: held for name, held in found.items() if not skip(name)}
    left_out = [f"{name}: larger than {LARGEST} bytes" for name, (size, _) in found.items() if size > LARGEST]
    marks: dict[str, str] = {}
    fetched = 0
    for name, (size, mark) in found.items():
        if size > LARGEST:
            continue
        target = _inside(folder, name)
        if target is None:
            left_out.append(f"{name}: its name leads out of the folder")
            continue
        if held.get(name) != mark or not target.is_file():
            _fetch(store, f"{root.rstrip('/')}/{name}" if name else root, target, url)
            fetched += 1
        marks[name] = mark
    gone = [name for name in held if name not in marks]
    for name in gone:
        target = _inside(folder, name)
        if target is not None:
            target.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / LEDGER, json.dumps(marks).encode())
    return Mirrored(fetched, len(marks) - fetched, len(gone), tuple(left_out))


def object_count(url: str, options: Mapping[str, Any]) -> int:
    """How many objects a store holds under `url`."""
    store, root = _opened(url, options)
    return len(_listed(store, root, url))


def _opened(url: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    import fsspec

    try:
        store, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
    except ImportError as error:
        raise SourceError(f"{url}: {error}", hint="install the package that fsspec names, such as s3fs") from error
    except (ValueError, TypeError) as error:
        raise SourceError(f"{url} cannot be opened: {error}", hint="check `path:` and `storage:`") from error
    return store, str(root)


def _listed(store: Any, root: str, url: str) -> dict[str, tuple[int, str]]:
    """The objects by name under the root, with size and a mark that changes with their content."""
    try:
        store.invalidate_cache()
        found = store.find(root, detail=True)
    except FileNotFoundError:
        return {}
    except Exception as error:  # each store has errors of its own
        raise SourceError(
            f"{url} cannot be listed: {type(error).__name__}: {error}", hint="check `storage:`"
        ) from error
    if len(found) > MOST_OBJECTS:
        raise SourceError(f"{url} holds more than {MOST_OBJECTS:,} objects", hint="name a folder in it")
    objects: dict[str, tuple[int, str]] = {}
    for path, info in found.items():
        name = str(PurePosixPath(path.removeprefix(root).lstrip("/"))) if path != root else PurePosixPath(path).name
        stamp = (
            info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or info.get("created")
        )
        objects[name] = (int(info.get("size") or 0), f"{info.get('size')}|{stamp}")
    return objects


def _inside(folder: Path, name: str) -> Path | None:
    parts = PurePosixPath(name).parts
    return None if not parts or ".." in parts or PurePosixPath(name).is_absolute() else folder.joinpath(*parts)


def _fetch(store: Any, path: str, target: Path, url: str) -> None:
    try:
        content = store.cat_file(path)
    except FileNotFoundError:
        return  # it went while the store was read; the next sync knows
    except Exception as error:
        raise SourceError(f"{url}: {path} cannot be read: {type(error).__name__}: {error}", hint="try again") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target, content)


def _write(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_bytes(content)
    temporary.replace(target)


def _ledger(folder: Path) -> dict[str, str]:
    try:
        held = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}
