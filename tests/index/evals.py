"""Where the evaluation data is, on a machine that has it: a folder `shared/evals` in or next to the checkout."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOUND = [path for path in (_ROOT / "shared/evals", _ROOT.parent / "shared/evals") if path.is_dir()]
TEXT2SQL: Path | None = _FOUND[0] / "text2sql" if _FOUND else None
REASON = "the evaluation data is not on this machine"
