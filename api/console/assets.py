"""Style and scripts of the pages: read once, served under a name that changes with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from index.errors import NotFoundError

router = APIRouter()
FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@cache
def files() -> dict[str, bytes]:
    """Every file by its name."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in _KINDS}


@cache
def version() -> str:
    """A text that is another one once any of the files is; scripts import each other beside them."""
    return hashlib.sha256(b"".join(name.encode() + content for name, content in files().items())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is to be had."""
    return f"/console/static/{version()}/{name}"


@router.get("/console/static/{of}/{name}")
def file(of: str, name: str) -> Response:
    """One file; kept by browsers for good, since its address changes with it."""
    content = files().get(name)
    if content is None or of != version():
        raise NotFoundError(f"no file {name!r} of this version", hint="load the page again")
    kind = _KINDS[Path(name).suffix]
    return Response(content, media_type=kind, headers={"Cache-Control": _FOREVER})
