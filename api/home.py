"""Where the workspace is when no command names one. Apart from `api.settings`, so that a thin client loads nothing."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_HOME = ".tower"


def default_home() -> Path:
    """The workspace where none is named: `TOWER_HOME`, else `.tower` here."""
    return Path(os.environ.get("TOWER_HOME") or DEFAULT_HOME)
