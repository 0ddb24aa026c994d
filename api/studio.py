"""Pictures of a workspace: where those of the data lie, and the lifestyle pictures that are drawn around them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class LocalStudio:
    """Finds pictures beside the sources and draws lifestyle pictures into `<home>/pictures`; no model is involved."""

    def __init__(self, home: Path, sources: Mapping[str, Any]) -> None:
        self._home = home
        folders = [home / str(s["path"]) for s in sources.values() if isinstance(s, Mapping) and s.get("path")]
        folders = [folder if folder.is_dir() else folder.parent for folder in folders]
        self._folders = tuple(dict.fromkeys([*folders, *(folder.parent for folder in folders), home]))

    def find(self, path: str) -> str:
        """The file that a picture path of the data means: looked for beside the sources; as given when not there."""
        given = Path(path)
        candidates = [given] if given.is_absolute() else [folder / given for folder in self._folders]
        return next((str(c) for c in candidates if c.is_file()), path)

    def lifestyle(self, picture: str, key: str) -> str:
        """Draw the product picture at `picture` into a scene; the path of the new file, drawn once."""
        from query.images import lifestyle_image

        out = self._home / "pictures" / f"lifestyle-{''.join(c if c.isalnum() or c in '-_' else '_' for c in key)}.png"
        if not out.is_file():
            out.parent.mkdir(parents=True, exist_ok=True)
            lifestyle_image(Path(picture), key, out)
        return str(out)
