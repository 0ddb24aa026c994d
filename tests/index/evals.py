"""Where the evaluation data is, on a machine that has it: a folder `shared/evals` in, next to or above the checkout."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOUND = [path for folder in (_ROOT, *_ROOT.parents[:2]) if (path := folder / "shared/evals").is_dir()]
TEXT2SQL: Path | None = _FOUND[0] / "text2sql" if _FOUND else None
REASON = "the evaluation data is not on this machine"
