"""Progress of something long: one line that is written anew, below the cell of a notebook or on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.service import Progress

EVERY_S = 0.2  # how often a notebook is told


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A progress callback: in a notebook one line that changes, elsewhere as the command line shows it."""
    if not in_notebook():
        from api.commands.runtime import progress

        with progress() as report:
            yield report
        return
    line = NotebookLine()
    try:
        yield line
    finally:
        line.close()


def in_notebook() -> bool:
    """True where a cell of a notebook runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class NotebookLine:
    """Each step with how far it is, in one display that is written anew at most five times a second."""

    def __init__(self) -> None:
        from IPython.display import display

        self._steps: dict[str, str] = {}
        self._last = 0.0
        self._handle: Any = display(  # type: ignore[no-untyped-call]
            {"text/plain": "..."}, raw=True, display_id=True
        )

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Take a word of progress."""
        self._steps[what] = f"{what}: {done:,}" + (f" of {total:,}" if total is not None else "")
        if time.monotonic() - self._last >= EVERY_S:
            self._show()

    def close(self) -> None:
        """Show how it ended."""
        self._show()

    def _show(self) -> None:
        self._last = time.monotonic()
        lines = list(self._steps.values()) or ["nothing to do"]
        html = "<br>".join(escape(line) for line in lines)
        self._handle.update({"text/plain": "\n".join(lines), "text/html": f"<small>{html}</small>"}, raw=True)
