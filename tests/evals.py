"""Where the evaluation documents are, on a machine that has them: a folder `shared/evals` in or above the checkout."""

from __future__ import annotations

from pathlib import Path

_FOUND = [path for parent in Path(__file__).parents if (path := parent / "shared" / "evals" / "documents").is_dir()]
DOCUMENTS: Path | None = _FOUND[0] if _FOUND else None
REASON = "the evaluation documents are not on this machine"
