"""Outermost: command line, HTTP, notebook object, settings and wiring.

`from api import Tower` is the door for notebooks and programs; it is loaded on first use, so that the command line
starts without it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not loaded for the quickest command
if TYPE_CHECKING:
    from api.tower import Tower as Tower

__all__ = ["Tower"]


def __getattr__(name: str) -> object:
    if name == "Tower":
        from api.tower import Tower

        return Tower
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
