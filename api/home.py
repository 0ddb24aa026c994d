"""Where the workspace is when no command names one. Apart from `api.settings`, so that a thin client loads nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # neither typing nor pathlib is loaded for the quickest command
if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_HOME = ".tower"


def default_home() -> Path:
    """The workspace where none is named: `TOWER_HOME`, else `.tower` here."""
    from pathlib import Path

    return Path(home_name())


def home_name() -> str:
    """`default_home` as a text."""
    return os.environ.get("TOWER_HOME") or DEFAULT_HOME
